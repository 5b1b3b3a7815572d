// Package token obtains bearer tokens for the platform and sends them.
package token

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"leadgraph/lead"
	"leadgraph/upstream/guard"
)

const (
	// maxTokenBody is many times what a token takes, in bytes.
	maxTokenBody = 256 << 10

	// A token is renewed when four fifths of its life have passed, and up to a
	// twentieth later: replicas that started together then do not renew together.
	renewAfter, renewSpread = 0.8, 0.05
	// A token is not sent this shortly before its end; it would expire on the way.
	tokenMargin = 10 * time.Second

	// After failures the token endpoint is left in peace for a time that doubles
	// from the first to the longest; if it names a time itself, for that one, up to
	// the most.
	firstTokenPause = time.Second
	maxTokenPause   = 10 * time.Second
	maxTokenWait    = time.Minute
	// refusedPause is how long a new token is kept that was refused as the old one
	// was: it is not the token's fault then.
	refusedPause = 5 * time.Second
)

// SecretSource is where a secret that may change is read, such as a file. Its
// errors are logged and must not contain the secret.
type SecretSource interface {
	Read() (string, error)
}

// Credentials are the service provider's API app registration and the token
// endpoint of its directory [AUTH]. All but Scope are required together.
type Credentials struct {
	// URL is the token endpoint of the directory that holds the registration.
	TokenURL string
	ClientID string
	// ClientSecret is the secret. Alternatively SecretSource is asked for it before
	// each request for a token.
	ClientSecret string
	SecretSource SecretSource
	// Scope names AudioCodes' own registration: api://{application id}/.default.
	// Several scopes are separated by spaces.
	Scope string
}

// fetchFunc asks the token endpoint.
type fetchFunc func(context.Context) (*oauth2.Token, error)

// fetcher returns the client credentials grant. Its parameters go into the body,
// as [AUTH] has them.
func fetcher(c Credentials, wire guard.Sender, timeout time.Duration) fetchFunc {
	client := &http.Client{
		Transport:     roundTripper{wire, guard.Call{Kind: guard.KindToken, AttemptTimeout: timeout, MaxBody: maxTokenBody}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return func(ctx context.Context) (*oauth2.Token, error) {
		secret := c.ClientSecret
		if c.SecretSource != nil {
			var err error
			if secret, err = c.SecretSource.Read(); err != nil {
				return nil, &lead.SourceError{Kind: lead.FailureAuth, Err: fmt.Errorf("client secret: %w", err)}
			}
		}
		grant := clientcredentials.Config{
			ClientID:     c.ClientID,
			ClientSecret: secret,
			TokenURL:     c.TokenURL,
			Scopes:       strings.Fields(c.Scope),
			AuthStyle:    oauth2.AuthStyleInParams,
		}
		token, err := grant.Token(context.WithValue(ctx, oauth2.HTTPClient, client))
		if err != nil {
			return nil, failure(err)
		}
		return token, nil
	}
}

// roundTripper sends what the oauth2 package asks for as one kind of call.
type roundTripper struct {
	wire guard.Sender
	call guard.Call
}

// RoundTrip implements http.RoundTripper.
func (t roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	answer, err := t.wire.Send(req, &t.call)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: answer.Status, Header: answer.Header, Request: req, ContentLength: int64(len(answer.Body)),
		Body: io.NopCloser(bytes.NewReader(answer.Body)),
	}, nil
}

// Source caches a token and renews it in one flight, however many wait. A
// flight belongs to the source, not to the call that began it: that call may
// leave while others wait on.
type Source struct {
	fetch   fetchFunc
	logger  *slog.Logger
	life    context.Context
	end     context.CancelFunc
	flights sync.WaitGroup

	mu      sync.Mutex
	current *oauth2.Token
	// The current token is renewed from renewAt on and sent until usableUntil. Both
	// are zero if it has no end.
	renewAt, usableUntil time.Time
	// keepUntil protects a new token that was refused at once.
	keepUntil time.Time
	flight    *request
	// Since the last token: how many requests failed, the last failure, and when
	// the next request may be made.
	failures int
	failure  error
	pausedTo time.Time
}

// request is one request for a token; its result is set when done closes.
type request struct {
	done  chan struct{}
	token *oauth2.Token
	err   error
}

// NewSource returns a source of tokens, which are asked for with the credentials
// over wire. Each request for one may take timeout.
func NewSource(c Credentials, wire guard.Sender, timeout time.Duration, logger *slog.Logger) *Source {
	return newSource(fetcher(c, wire, timeout), logger)
}

func newSource(fetch fetchFunc, logger *slog.Logger) *Source {
	life, end := context.WithCancel(context.Background())
	return &Source{fetch: fetch, logger: logger, life: life, end: end}
}

// Close ends a request under way and waits for it. Calls that need a token fail
// from then on.
func (s *Source) Close() {
	s.mu.Lock()
	s.end() // under the lock, so that no flight begins once it waits
	s.mu.Unlock()
	s.flights.Wait()
}

// Get returns a usable token. Near its end it is renewed while it still serves;
// only a call without any waits, at most until the deadline if there is one.
func (s *Source) Get(ctx context.Context, deadline time.Time) (*oauth2.Token, error) {
	s.mu.Lock()
	now := time.Now()
	token, usable := s.current, s.usable(now)
	due := !usable || !s.renewAt.IsZero() && !now.Before(s.renewAt)
	if due && s.flight == nil && !now.Before(s.pausedTo) && s.life.Err() == nil {
		begun := &request{done: make(chan struct{})}
		s.flight = begun
		s.flights.Go(func() { s.fly(begun) })
	}
	flight, failure, pause := s.flight, s.failure, s.pausedTo.Sub(now)
	s.mu.Unlock()
	switch {
	case usable:
		return token, nil
	case flight != nil:
		return flight.wait(ctx, deadline)
	case s.life.Err() != nil:
		return nil, guard.ErrClosed
	}
	return nil, failedFor(failure, pause)
}

func (s *Source) usable(now time.Time) bool {
	return s.current != nil && (s.usableUntil.IsZero() || now.Before(s.usableUntil))
}

func (f *request) wait(ctx context.Context, deadline time.Time) (*oauth2.Token, error) {
	if !deadline.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline)
		defer cancel()
	}
	select {
	case <-f.done:
		return f.token, f.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// failedFor is the last failure, for those who come before the next request.
func failedFor(failure error, pause time.Duration) error {
	source, ok := errors.AsType[*lead.SourceError](failure)
	if !ok {
		return failure
	}
	again := *source
	again.RetryAfter = pause
	return &again
}

func (s *Source) fly(f *request) {
	f.token, f.err = s.fetch(s.life)
	if f.err != nil {
		s.logger.LogAttrs(s.life, slog.LevelWarn, "no token", slog.Any("error", f.err))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flight = nil
	if f.err == nil {
		s.current, s.failures, s.failure = f.token, 0, nil
		s.renewAt, s.usableUntil = lifeOf(f.token, time.Now())
	} else {
		s.failures++
		s.failure = f.err
		s.pausedTo = time.Now().Add(s.pause(f.err))
	}
	close(f.done)
}

// pause is how long the token endpoint is left in peace. While there is no token
// the first failure passes for an accident.
func (s *Source) pause(err error) time.Duration {
	pause := min(firstTokenPause<<min(s.failures-1, 10), maxTokenPause)
	pause = pause/2 + rand.N(pause/2)
	if s.failures == 1 && !s.usable(time.Now()) {
		pause = 0
	}
	if source, ok := errors.AsType[*lead.SourceError](err); ok {
		pause = max(pause, min(source.RetryAfter, maxTokenWait))
	}
	return pause
}

// lifeOf tells when to renew a token that came now, and until when to send it.
func lifeOf(token *oauth2.Token, now time.Time) (renewAt, usableUntil time.Time) {
	if token.Expiry.IsZero() {
		return time.Time{}, time.Time{}
	}
	life := token.Expiry.Sub(now)
	renewal := time.Duration((renewAfter + renewSpread*rand.Float64()) * float64(life))
	return now.Add(renewal), token.Expiry.Add(-min(tokenMargin, life/10))
}

// drop forgets a token that was refused, unless a newer one is there already. It
// reports whether another try is worth it.
func (s *Source) drop(refused *oauth2.Token) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != refused {
		return true
	}
	if time.Now().Before(s.keepUntil) {
		return false
	}
	s.current = nil
	return true
}

// Keep holds on for a while to a new token that was refused: a platform that
// takes no token must not make every call ask for one.
func (s *Source) keep(refused *oauth2.Token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == refused {
		s.keepUntil = time.Now().Add(refusedPause)
	}
}

// Expires returns when the token in use expires: the zero time if there is none,
// or if it has no known end. It may still be served shortly before that.
func (s *Source) Expires() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == nil {
		return time.Time{}
	}
	return s.current.Expiry
}
