package config

import "errors"

// Shared holds the secrets in files that a server reads again while it runs, besides those
// that it sends to the platform.
type Shared struct {
	access   Access
	caches   Caches
	webhooks Webhooks
}

// Shared returns the secrets as they were loaded.
func (c *Config) Shared() *Shared { return &Shared{c.Serve.Access, c.Serve.Caches, c.Serve.Webhooks} }

// Again reads the files again and returns the flags of those with another secret. A file
// that cannot be read, or whose secret Load would refuse, changes nothing; the error names
// its flag.
func (s *Shared) Again() (changed []string, err error) {
	var errs []error
	for _, file := range []struct {
		flag, path string
		secret     *Secret
		check      func() error
	}{
		{"--cursor-key-file", s.access.CursorKeyFile, &s.access.CursorKey, func() error { return s.access.CursorKey.checkKey("--cursor-key-file") }},
		{"--cursor-key-previous-file", s.access.CursorKeyPreviousFile, &s.access.CursorKeyPrevious, func() error {
			return s.access.CursorKeyPrevious.checkKey("--cursor-key-previous-file")
		}},
		{"--client-secret-previous-file", s.access.ClientSecretPreviousFile, &s.access.ClientSecretPrevious, func() error { return nil }},
		{"--redis-key-file", s.caches.RedisKeyFile, &s.caches.RedisKey, func() error { return s.caches.RedisKey.checkKey("--redis-key-file") }},
		{"--redis-url-file", s.caches.RedisURLFile, &s.caches.RedisURL, s.caches.checkRedis},
		{"--webhook-secret-file", s.webhooks.SecretFile, &s.webhooks.Secret, s.webhooks.checkSecret},
	} {
		former := *file.secret
		*file.secret = ""
		err := file.secret.readFile(file.flag, file.path)
		if err == nil && file.path != "" {
			err = file.check()
		}
		if err != nil || file.path == "" {
			*file.secret = former
			errs = append(errs, err)
			continue
		}
		if *file.secret != former {
			changed = append(changed, file.flag)
		}
	}
	return changed, errors.Join(errs...)
}

// CursorKeys returns the present keys of cursors, and the client secret before.
func (s *Shared) CursorKeys() (key, previous []byte, secretPrevious string) {
	return s.access.CursorKey.Key(), s.access.CursorKeyPrevious.Key(), string(s.access.ClientSecretPrevious)
}

// WebhookSecret returns the present secret that signs webhooks, decoded.
func (s *Shared) WebhookSecret() []byte { return s.webhooks.Key() }

// Redis returns the present URL and key of Redis.
func (s *Shared) Redis() (url string, key []byte) {
	return string(s.caches.RedisURL), s.caches.RedisKey.Key()
}
