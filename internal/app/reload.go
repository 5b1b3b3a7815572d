package app

import (
	"context"
	"errors"
	"os"
	"time"

	"leadgraph/internal/config"
	"leadgraph/upstream"
)

// reloader is a secret that is read again when told to.
type reloader interface{ Reload() }

// watchSecrets collects the secrets of the platform that come from files.
func (s *server) watchSecrets(platform upstream.Options) {
	for _, source := range []any{platform.TokenSource, platform.Credentials.SecretSource} {
		if secret, ok := source.(reloader); ok {
			s.secrets = append(s.secrets, secret)
		}
	}
}

// follow reloads on each hangup until ctx ends.
func (s *server) follow(ctx context.Context, hangups <-chan os.Signal) {
	if hangups == nil {
		return
	}
	done := make(chan struct{})
	following, stop := context.WithCancel(ctx)
	s.closers = append(s.closers, func() { stop(); <-done })
	go func() {
		defer close(done)
		for {
			select {
			case <-following.Done():
				return
			case <-hangups:
				s.reload(following)
			}
		}
	}()
}

// reload reads again what may change while the server runs: the level of the log,
// the secrets for the platform and the trusted documents. An unreadable file changes
// nothing. Requests and connections are not affected.
func (s *server) reload(ctx context.Context) {
	if err := setLevel(s.level, s.cfg.Log); err != nil {
		s.log.WarnContext(ctx, "the level of the log stays as it was", "error", err)
	}
	for _, secret := range s.secrets {
		secret.Reload()
	}
	if s.documents.Trusted != nil {
		if err := s.documents.Trusted.Reload(); err != nil {
			s.log.WarnContext(ctx, "the trusted documents stay as they were", "error", err)
		}
	}
	s.reportRestart(ctx)
	s.log.InfoContext(ctx, "reloaded", "level", s.level.Level().String())
}

// reportRestart warns of secrets that have changed but are read only at startup.
func (s *server) reportRestart(ctx context.Context) {
	again, err := s.load()
	if err != nil {
		s.log.WarnContext(ctx, "the settings could not be started with again", "error", err)
		return
	}
	access, caches := s.cfg.Serve.Access, s.cfg.Serve.Caches
	for _, secret := range []struct {
		flag     string
		old, now config.Secret
	}{
		{"--cursor-key-file", access.CursorKey, again.Serve.Access.CursorKey},
		{"--cursor-key-previous-file", access.CursorKeyPrevious, again.Serve.Access.CursorKeyPrevious},
		{"--client-secret-previous-file", access.ClientSecretPrevious, again.Serve.Access.ClientSecretPrevious},
		{"--redis-key-file", caches.RedisKey, again.Serve.Caches.RedisKey},
		{"--redis-url-file", caches.RedisURL, again.Serve.Caches.RedisURL},
	} {
		if secret.old != secret.now {
			s.log.WarnContext(ctx, "a secret has changed that is read only at startup; restart to use it", "secret", secret.flag)
		}
	}
}

// The pauses between attempts to read all leads at startup: the first, and the
// longest.
const (
	firstWarmPause = 500 * time.Millisecond
	maxWarmPause   = 10 * time.Second
)

// warm reads all leads in the background, again and again until it succeeds. The
// server is not ready until then, at most for the time that the settings allow.
func (s *server) warm(ctx context.Context) {
	s.warming.Store(true)
	limit := s.cfg.Serve.Caches.CatalogueWarmLimit
	ctx, stop := context.WithTimeout(ctx, limit)
	context.AfterFunc(ctx, func() { s.warming.Store(false) })
	done := make(chan struct{})
	s.closers = append(s.closers, func() { stop(); <-done })
	go func() {
		defer close(done)
		defer stop() // ready
		for pause := firstWarmPause; ; pause = min(2*pause, maxWarmPause) {
			err := s.leads.Warm(ctx)
			if err == nil {
				return
			}
			if ctx.Err() == nil {
				s.log.WarnContext(ctx, "reading all leads at startup failed; trying again", "error", err)
			}
			select {
			case <-ctx.Done():
				if errors.Is(ctx.Err(), context.DeadlineExceeded) {
					s.log.WarnContext(ctx, "all leads could not be read at startup; serving without them", "limit", limit.String())
				}
				return
			case <-time.After(pause):
			}
		}
	}()
}
