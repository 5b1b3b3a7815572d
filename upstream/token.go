package upstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"leadgraph/lead"
)

const (
	// A token is renewed this long before it expires, or when a fifth of a
	// shorter life is left; Entra's live about an hour.
	tokenMargin = 5 * time.Minute
	// tokenPause is the wait after a renewal failed while the old token is good.
	tokenPause = 10 * time.Second
)

// staticBearer sends a configured token.
type staticBearer struct {
	next  http.RoundTripper
	token string
}

// RoundTrip implements http.RoundTripper.
func (t *staticBearer) RoundTrip(req *http.Request) (*http.Response, error) {
	return t.next.RoundTrip(authorized(req, t.token))
}

// renewingBearer sends tokens of a source, and after a 401 a new one, once: a
// token can be revoked before it expires.
type renewingBearer struct {
	next   http.RoundTripper
	tokens *tokenSource
}

// RoundTrip implements http.RoundTripper.
func (t *renewingBearer) RoundTrip(req *http.Request) (*http.Response, error) {
	token, err := t.tokens.get(req.Context())
	if err != nil {
		return nil, err
	}
	resp, err := t.next.RoundTrip(authorized(req, token.AccessToken))
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	_ = resp.Body.Close() // in memory: cannot fail
	t.tokens.drop(token)
	if token, err = t.tokens.get(req.Context()); err != nil {
		return nil, err
	}
	return t.next.RoundTrip(authorized(req, token.AccessToken))
}

// authorized copies req, because a round-tripper must not change its request.
func authorized(req *http.Request, token string) *http.Request {
	header := make(http.Header, len(req.Header)+1)
	maps.Copy(header, req.Header)
	header["Authorization"] = []string{"Bearer " + token}
	req = req.WithContext(req.Context())
	req.Header = header
	return req
}

// fetchToken asks the token endpoint.
type fetchToken func(context.Context) (*oauth2.Token, error)

// fetchTokens returns the client credentials grant over transport. Its
// parameters go into the body, as [AUTH] has them.
func fetchTokens(o Options, transport http.RoundTripper) fetchToken {
	grant := clientcredentials.Config{
		ClientID:     o.Credentials.ClientID,
		ClientSecret: o.Credentials.ClientSecret,
		TokenURL:     o.Credentials.TokenURL,
		Scopes:       strings.Fields(o.Credentials.Scope),
		AuthStyle:    oauth2.AuthStyleInParams,
	}
	client := &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	call := callSpec{attemptTimeout: o.AttemptTimeout}
	return func(ctx context.Context) (*oauth2.Token, error) {
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
	renewAt time.Time // zero if never
	flight  *tokenFlight
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
	token, usable := s.current, s.current.Valid()
	due := !usable || !s.renewAt.IsZero() && !time.Now().Before(s.renewAt)
	if due && s.flight == nil && s.life.Err() == nil {
		begun := &tokenFlight{done: make(chan struct{})}
		s.flight = begun
		s.flights.Go(func() { s.fly(begun) })
	}
	flight := s.flight
	s.mu.Unlock()
	if usable {
		return token, nil
	}
	if flight == nil {
		return nil, errClosed
	}
	ctx, cancel := within(ctx)
	defer cancel()
	select {
	case <-flight.done:
		return flight.token, flight.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
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
		s.current = f.token
		s.renewAt = renewalTime(f.token.Expiry)
	} else {
		s.renewAt = time.Now().Add(tokenPause)
	}
	close(f.done)
}

func renewalTime(expiry time.Time) time.Time {
	if expiry.IsZero() {
		return time.Time{}
	}
	return expiry.Add(-min(tokenMargin, time.Until(expiry)/5))
}

// drop forgets a token that was refused, unless a newer one is there already.
func (s *tokenSource) drop(refused *oauth2.Token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == refused {
		s.current = nil
	}
}

var (
	oauthCode  = regexp.MustCompile(`^[a-z_]{1,64}$`)
	aadstsCode = regexp.MustCompile(`\bAADSTS\d{1,10}\b`)
)

// tokenFailure classifies why no token could be had. Its text keeps the codes
// only: the rest may repeat the request.
func tokenFailure(err error) *lead.SourceError {
	if failed, ok := errors.AsType[*url.Error](err); ok { // no complete answer
		e := transportFailure(failed.Err)
		e.Err = fmt.Errorf("token endpoint: %w", e.Err)
		return e
	}
	refused, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		return &lead.SourceError{Kind: lead.FailureAuth, Err: errors.New("token endpoint: the answer holds no token")}
	}
	status := refused.Response.StatusCode
	e := &lead.SourceError{Kind: lead.FailureAuth, RetryAfter: retryAfter(refused.Response.Header)}
	switch {
	case status == http.StatusTooManyRequests:
		e.Kind = lead.FailureRateLimited
	case status >= 500:
		e.Kind = lead.FailureUnavailable
	}
	reason := fmt.Sprintf("token endpoint: answered %d", status)
	if oauthCode.MatchString(refused.ErrorCode) {
		reason += " " + refused.ErrorCode
	}
	if code := aadstsCode.FindString(refused.ErrorDescription); code != "" {
		reason += " " + code
	}
	e.Err = errors.New(reason)
	return e
}
