package upstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"leadgraph/lead"
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

// fetchToken asks the token endpoint.
type fetchToken func(context.Context) (*oauth2.Token, error)

// fetchTokens returns the client credentials grant over transport. Its
// parameters go into the body, as [AUTH] has them.
func fetchTokens(o Options, transport http.RoundTripper) fetchToken {
	client := &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return func(ctx context.Context) (*oauth2.Token, error) {
		secret := o.Credentials.ClientSecret
		if source := o.Credentials.SecretSource; source != nil {
			var err error
			if secret, err = source.Read(); err != nil {
				return nil, &lead.SourceError{Kind: lead.FailureAuth, Err: fmt.Errorf("client secret: %w", err)}
			}
		}
		grant := clientcredentials.Config{
			ClientID:     o.Credentials.ClientID,
			ClientSecret: secret,
			TokenURL:     o.Credentials.TokenURL,
			Scopes:       strings.Fields(o.Credentials.Scope),
			AuthStyle:    oauth2.AuthStyleInParams,
		}
		call := callSpec{kind: KindToken, attemptTimeout: o.AttemptTimeout, maxBody: maxTokenBody}
		token, err := grant.Token(context.WithValue(withCall(ctx, call), oauth2.HTTPClient, client))
		if err != nil {
			return nil, tokenFailure(err)
		}
		return token, nil
	}
}

// tokenSource caches a token and renews it in one flight, however many wait. A
// flight belongs to the source, not to the call that began it: that call may
// leave while others wait on.
type tokenSource struct {
	fetch   fetchToken
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
	flight    *tokenFlight
	// Since the last token: how many requests failed, the last failure, and when
	// the next request may be made.
	failures int
	failure  error
	pausedTo time.Time
}

// tokenFlight is one request for a token; its result is set when done closes.
type tokenFlight struct {
	done  chan struct{}
	token *oauth2.Token
	err   error
}

func newTokenSource(fetch fetchToken, logger *slog.Logger) *tokenSource {
	life, end := context.WithCancel(context.Background())
	return &tokenSource{fetch: fetch, logger: logger, life: life, end: end}
}

// close ends a flight under way and waits for it.
func (s *tokenSource) close() {
	s.mu.Lock()
	s.end() // under the lock, so that no flight begins once it waits
	s.mu.Unlock()
	s.flights.Wait()
}

// get returns a usable token. Near its end it is renewed while it still serves;
// only a call without any waits.
func (s *tokenSource) get(ctx context.Context) (*oauth2.Token, error) {
	s.mu.Lock()
	now := time.Now()
	token, usable := s.current, s.usable(now)
	due := !usable || !s.renewAt.IsZero() && !now.Before(s.renewAt)
	if due && s.flight == nil && !now.Before(s.pausedTo) && s.life.Err() == nil {
		begun := &tokenFlight{done: make(chan struct{})}
		s.flight = begun
		s.flights.Go(func() { s.fly(begun) })
	}
	flight, failure, pause := s.flight, s.failure, s.pausedTo.Sub(now)
	s.mu.Unlock()
	switch {
	case usable:
		return token, nil
	case flight != nil:
		return flight.wait(ctx)
	case s.life.Err() != nil:
		return nil, errClosed
	}
	return nil, failedFor(failure, pause)
}

func (s *tokenSource) usable(now time.Time) bool {
	return s.current != nil && (s.usableUntil.IsZero() || now.Before(s.usableUntil))
}

func (f *tokenFlight) wait(ctx context.Context) (*oauth2.Token, error) {
	ctx, cancel := within(ctx)
	defer cancel()
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

func (s *tokenSource) fly(f *tokenFlight) {
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
func (s *tokenSource) pause(err error) time.Duration {
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
func (s *tokenSource) drop(refused *oauth2.Token) bool {
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
func (s *tokenSource) keep(refused *oauth2.Token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == refused {
		s.keepUntil = time.Now().Add(refusedPause)
	}
}

// expires returns when the token in use expires.
func (s *tokenSource) expires() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == nil {
		return time.Time{}
	}
	return s.current.Expiry
}
