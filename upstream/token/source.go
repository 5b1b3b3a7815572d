package token

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"leadgraph/lead"
	"leadgraph/upstream/guard"
)

const (
	// A token is renewed after the fraction renewAfter of its life, plus a random
	// fraction up to renewSpread, so that replicas that started together do not renew
	// together.
	renewAfter, renewSpread = 0.8, 0.05
	// tokenMargin is how long before its end a token is no longer sent, because it
	// could expire on the way.
	tokenMargin = 10 * time.Second

	// After a failure the token endpoint gets no request for a time that starts at
	// firstTokenPause and doubles up to maxTokenPause. If the endpoint demands a
	// longer wait, it is observed up to maxTokenWait.
	//
	// A call whose request for a token failed in a way that may pass waits for that
	// time and tries again, up to tokenTries times in all, if the time is not longer
	// than shortWait. The first wait is at most quickPause, because a single failure
	// may be accidental.
	quickPause      = 100 * time.Millisecond
	shortWait       = 2 * time.Second
	tokenTries      = 3
	firstTokenPause = time.Second
	maxTokenPause   = 10 * time.Second
	maxTokenWait    = time.Minute
	// refusedPause is how long a new token is kept although it was refused like the
	// old one: the cause is then not the token.
	refusedPause = 5 * time.Second
	// minTokenTime is the time that a call must have left for another try.
	minTokenTime = 100 * time.Millisecond
)

// Source keeps a token and renews it. However many calls wait for a token, there is
// only one request. This flight belongs to the Source and not to the call that
// started it, so that this call can leave while others keep waiting.
type Source struct {
	fetch   fetchFunc
	logger  *slog.Logger
	life    context.Context
	end     context.CancelFunc
	flights sync.WaitGroup
	shared  guard.SharedGates // or nil

	mu      sync.Mutex
	current *oauth2.Token
	// The current token is renewed from renewAt on and sent until usableUntil. Both
	// are zero if it does not expire.
	renewAt, usableUntil time.Time
	// Until keepUntil, drop keeps a new token that was refused immediately.
	keepUntil time.Time
	flight    *flight // nil if no request is under way
	// failures counts the failed requests since the last token, failure is the last
	// one, and pausedTo is when the next request may be made.
	failures int
	failure  error
	pausedTo time.Time
}

// flight is one request for a token. token and err are set when done is closed.
type flight struct {
	done  chan struct{}
	token *oauth2.Token
	err   error
}

// NewSource returns a Source that obtains its tokens with the credentials through
// wire. timeout bounds each request for a token.
func NewSource(c Credentials, wire guard.Sender, timeout time.Duration, logger *slog.Logger) *Source {
	return newSource(fetcher(c, wire, timeout), logger)
}

func newSource(fetch fetchFunc, logger *slog.Logger) *Source {
	life, end := context.WithCancel(context.Background())
	return &Source{fetch: fetch, logger: logger, life: life, end: end}
}

// Close cancels a request under way and waits for its end. Later calls that need a
// token fail.
func (s *Source) Close() {
	s.mu.Lock()
	s.end() // under the lock, so that no flight starts after Wait
	s.mu.Unlock()
	s.flights.Wait()
}

// Get returns a usable token. A token near its end is renewed in the background
// while it is still used. Get waits only if there is no usable token, until the
// deadline at most; a zero deadline means none. If a request for a token fails in a way
// that may pass, Get tries again after a short wait if there is enough time.
func (s *Source) Get(ctx context.Context, deadline time.Time) (*oauth2.Token, error) {
	failures := noFailures
	for tried := 1; ; tried++ {
		token, err := s.obtain(ctx, deadline, failures)
		if err == nil || tried == tokenTries || !passing(err) {
			return token, err
		}
		var due bool
		if failures, due = s.awaitNextTry(ctx, deadline); !due {
			return nil, err
		}
	}
}

// noFailures is the number of failures that a call has waited for before its first try.
const noFailures = -1

// obtain returns a usable token or the result of one request for a token, which other
// calls may have caused. If a call has waited since that many failures, a request that has
// failed meanwhile counts as its own.
func (s *Source) obtain(ctx context.Context, deadline time.Time, failures int) (*oauth2.Token, error) {
	s.mu.Lock()
	now := time.Now()
	token, usable := s.current, s.usable(now)
	due := !usable || !s.renewAt.IsZero() && !now.Before(s.renewAt)
	if due && s.flight == nil && !now.Before(s.pausedTo) && s.life.Err() == nil {
		begun := &flight{done: make(chan struct{})}
		s.flight = begun
		s.flights.Go(func() { s.fly(begun) })
	}
	flight, failure, pause := s.flight, s.failure, s.pausedTo.Sub(now)
	shared := failures != noFailures && s.failures > failures
	s.mu.Unlock()
	switch {
	case usable:
		return token, nil
	case flight != nil:
		return flight.wait(ctx, deadline)
	case s.life.Err() != nil:
		return nil, guard.ErrClosed
	case shared:
		return nil, failure
	}
	return nil, failedFor(failure, pause)
}

// passing reports whether another request for a token may succeed.
func passing(err error) bool {
	failure, ok := errors.AsType[*lead.SourceError](err)
	if !ok {
		return false
	}
	switch failure.Kind {
	case lead.FailureUnavailable, lead.FailureTimeout, lead.FailureRateLimited:
		return true
	}
	return false
}

// awaitNextTry waits until the token endpoint may get a request again. It reports false
// at once if that is too late for ctx or the deadline, or not soon. failures is the number of requests that
// have failed before the wait.
func (s *Source) awaitNextTry(ctx context.Context, deadline time.Time) (failures int, due bool) {
	s.mu.Lock()
	failures = s.failures
	wait := time.Until(s.pausedTo)
	s.mu.Unlock()
	if end, ok := ctx.Deadline(); ok && (deadline.IsZero() || end.Before(deadline)) {
		deadline = end
	}
	if wait > shortWait || !deadline.IsZero() && time.Until(deadline) < wait+minTokenTime {
		return failures, false
	}
	timer := time.NewTimer(max(wait, 0))
	defer timer.Stop()
	select {
	case <-timer.C:
		return failures, true
	case <-ctx.Done():
	case <-s.life.Done():
	}
	return failures, false
}

func (s *Source) usable(now time.Time) bool {
	return s.current != nil && (s.usableUntil.IsZero() || now.Before(s.usableUntil))
}

func (f *flight) wait(ctx context.Context, deadline time.Time) (*oauth2.Token, error) {
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

// failedFor returns the last failure for a call during the pause after it. Its
// RetryAfter is the rest of the pause.
func failedFor(failure error, pause time.Duration) error {
	source, ok := errors.AsType[*lead.SourceError](failure)
	if !ok {
		return failure
	}
	again := *source
	again.RetryAfter = pause
	return &again
}

// fly requests a token and stores the result.
func (s *Source) fly(f *flight) {
	f.token, f.err = s.request()
	if f.err != nil {
		s.logger.LogAttrs(s.life, slog.LevelWarn, "no token could be obtained", slog.Any("error", f.err))
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

// request requests a token, unless another replica was told to wait.
func (s *Source) request() (*oauth2.Token, error) {
	if s.shared == nil {
		return s.fetch(s.life)
	}
	wait := s.shared.GateClosed(guard.KindToken)
	if wait > quickPause { // less may be the rest of what this replica has waited for
		return nil, &lead.SourceError{Kind: lead.FailureRateLimited, RetryAfter: wait, Err: errTold}
	}
	select {
	case <-time.After(wait):
	case <-s.life.Done():
	}
	token, err := s.fetch(s.life)
	if source, ok := errors.AsType[*lead.SourceError](err); ok && source.RetryAfter > 0 {
		s.shared.CloseGate(guard.KindToken, min(source.RetryAfter, maxTokenWait))
	}
	return token, err
}

var errTold = errors.New("token endpoint: it told another replica to wait")

// ShareGates makes the replicas of the client leave the token endpoint alone for the time
// that it demanded of one of them. Call it before the first Get.
func (s *Source) ShareGates(with guard.SharedGates) { s.shared = with }

// pause returns how long the token endpoint gets no request after a failure. The first
// pause without a usable token is short, because the failure may be accidental. There is
// none if calls do not try again by themselves.
func (s *Source) pause(err error) time.Duration {
	pause := min(firstTokenPause<<min(s.failures-1, 10), maxTokenPause)
	pause = pause/2 + rand.N(pause/2)
	if s.failures == 1 && !s.usable(time.Now()) {
		pause = 0
		if passing(err) {
			pause = quickPause/2 + rand.N(quickPause/2)
		}
	}
	if source, ok := errors.AsType[*lead.SourceError](err); ok {
		pause = max(pause, min(source.RetryAfter, maxTokenWait))
	}
	return pause
}

// lifeOf returns when to renew a token that arrived now, and until when to send it.
func lifeOf(token *oauth2.Token, now time.Time) (renewAt, usableUntil time.Time) {
	if token.Expiry.IsZero() {
		return time.Time{}, time.Time{}
	}
	life := token.Expiry.Sub(now)
	renewal := time.Duration((renewAfter + renewSpread*rand.Float64()) * float64(life))
	return now.Add(renewal), token.Expiry.Add(-min(tokenMargin, life/10))
}

// drop forgets a refused token, unless there is already a newer one. It reports
// whether the call should be repeated.
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

// keep makes drop keep a new token that was refused, for refusedPause. Otherwise, if
// the platform accepts no token, every call would request another one.
func (s *Source) keep(refused *oauth2.Token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == refused {
		s.keepUntil = time.Now().Add(refusedPause)
	}
}

// Expires returns when the current token expires. The time is zero if there is no
// token, or if its end is unknown. The token is no longer sent shortly before its
// end.
func (s *Source) Expires() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == nil {
		return time.Time{}
	}
	return s.current.Expiry
}

// Failing reports whether the last request for a token failed. It stays true until a
// token arrives.
func (s *Source) Failing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failures > 0
}
