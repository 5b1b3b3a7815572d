package app

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"time"

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

// reload reads again what may change while the server runs: the level of the log, the
// secrets in files and the trusted documents. An unreadable file changes nothing. Requests
// and connections are not affected.
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
	s.reloadShared(ctx)
	s.log.InfoContext(ctx, "reloaded", "level", s.level.Level().String())
}

// reloadShared reads again the secrets that replicas share: the keys of cursors, and the
// URL and the key of Redis.
func (s *server) reloadShared(ctx context.Context) {
	changed, err := s.shared.Again()
	if err != nil {
		s.log.WarnContext(ctx, "cannot read the files of some secrets; the last good secrets stay in use", "reason", err.Error())
	}
	redis := false
	if slices.Contains(changed, "--webhook-secret-file") {
		s.webhooks.Resign(s.shared.WebhookSecret())
	}
	for _, flag := range changed {
		s.log.InfoContext(ctx, "reloaded a secret from its file", "secret", flag, "changed", true)
		redis = redis || strings.HasPrefix(flag, "--redis-")
	}
	if len(changed) > 0 {
		if err := s.leads.RenewCursorKeys(s.shared.CursorKeys()); err != nil {
			s.log.WarnContext(ctx, "the keys of cursors stay as they were", "reason", err.Error())
		}
	}
	if redis {
		if err := s.leads.RenewShared(s.shared.Redis()); err != nil {
			s.log.WarnContext(ctx, "the access to Redis stays as it was", "reason", err.Error())
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
