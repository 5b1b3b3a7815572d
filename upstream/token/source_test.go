package token

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"leadgraph/lead"
	"leadgraph/upstream/guard"
)

// endpoint issues numbered tokens that live for an hour. A request takes a second.
type endpoint struct {
	asked  int
	issued int
	broken bool
}

func (e *endpoint) fetch(ctx context.Context) (*oauth2.Token, error) {
	e.asked++
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if e.broken {
		return nil, errors.New("broken")
	}
	e.issued++
	return &oauth2.Token{AccessToken: strconv.Itoa(e.issued), Expiry: time.Now().Add(time.Hour)}, nil
}

// tokenAfter lets d pass, and then returns the token that a call gets and how long it
// waited. No flight is under way afterwards.
func tokenAfter(t *testing.T, s *Source, d time.Duration) (string, time.Duration) {
	t.Helper()
	<-time.After(d)
	start := time.Now()
	token, err := s.Get(t.Context(), time.Time{})
	waited := time.Since(start)
	s.flights.Wait()
	if err != nil {
		return err.Error(), waited
	}
	return token.AccessToken, waited
}

// renewalStep is a call for a token, and what it must get.
type renewalStep struct {
	name   string
	after  time.Duration
	broken bool
	want   string
	wait   time.Duration
	asked  int // requests for a token so far
}

func TestTokenRenewal(t *testing.T) {
	t.Parallel()
	for name, steps := range map[string][]renewalStep{
		"early, without a wait": {
			{name: "first", want: "1", wait: time.Second, asked: 1},
			{name: "four fifths of its life", after: 47 * time.Minute, want: "1", asked: 1},
			{name: "after that", after: 4 * time.Minute, want: "1", asked: 2},
			{name: "renewed", want: "2", asked: 2},
			{name: "expired long ago", after: 2 * time.Hour, want: "3", wait: time.Second, asked: 3},
		},
		"failing while the old one is good": {
			{name: "first", want: "1", wait: time.Second, asked: 1},
			{name: "renewal fails", after: 52 * time.Minute, broken: true, want: "1", asked: 2},
			{name: "no new try yet", broken: true, want: "1", asked: 2},
			{name: "new try", after: maxTokenPause, want: "1", asked: 3},
			{name: "renewed", want: "2", asked: 3},
		},
		"failing until the old one expires": {
			{name: "first", want: "1", wait: time.Second, asked: 1},
			{name: "renewal fails", after: 55 * time.Minute, broken: true, want: "1", asked: 2},
			{name: "its last moment", after: 4*time.Minute + 45*time.Second, broken: true, want: "1", asked: 3},
			{name: "expired", after: maxTokenPause, broken: true, want: "broken", wait: time.Second, asked: 4},
			{name: "not tried at once", broken: true, want: "broken", asked: 4},
			{name: "back again", after: maxTokenPause, want: "2", wait: time.Second, asked: 5},
		},
		"failing for good": {
			{name: "first", broken: true, want: "broken", wait: time.Second, asked: 1},
			{name: "next call tries again", broken: true, want: "broken", wait: time.Second, asked: 2},
			{name: "the one after that does not", broken: true, want: "broken", asked: 2},
			{name: "later", after: 2 * firstTokenPause, want: "1", wait: time.Second, asked: 3},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := &endpoint{}
				s := newSource(e.fetch, slog.New(slog.DiscardHandler))
				defer s.Close()
				for _, step := range steps {
					e.broken = step.broken
					if token, waited := tokenAfter(t, s, step.after); token != step.want || waited != step.wait || e.asked != step.asked {
						t.Errorf("%s: got %s after %v in request %d, want %s after %v in %d",
							step.name, token, waited, e.asked, step.want, step.wait, step.asked)
					}
				}
			})
		})
	}
}

// While the token endpoint is down, not every call sends it a request.
func TestTokenPauses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		retryAfter time.Duration
		least      int
		most       int
	}{
		"of our own":            {least: 6, most: 16},
		"of the token endpoint": {retryAfter: 20 * time.Second, least: 3, most: 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				s := newSource(func(context.Context) (*oauth2.Token, error) {
					asked++
					return nil, &lead.SourceError{Kind: lead.FailureUnavailable, RetryAfter: test.retryAfter}
				}, slog.New(slog.DiscardHandler))
				defer s.Close()
				for begun := time.Now(); time.Since(begun) < time.Minute; {
					_, err := s.Get(t.Context(), time.Time{})
					if source, ok := errors.AsType[*lead.SourceError](err); !ok || source.RetryAfter > max(test.retryAfter, maxTokenPause) {
						t.Fatalf("error is %v", err)
					}
					<-time.After(100 * time.Millisecond)
				}
				if asked < test.least || asked > test.most {
					t.Errorf("%d requests in a minute", asked)
				}
			})
		})
	}
}

func TestTokenDrop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{}
		s := newSource(e.fetch, slog.New(slog.DiscardHandler))
		defer s.Close()
		first, err := s.Get(t.Context(), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		s.drop(first)
		second, err := s.Get(t.Context(), time.Time{})
		if err != nil || second == first {
			t.Fatalf("the dropped token is still used (error %v)", err)
		}
		s.drop(first) // by a slower call
		if third, err := s.Get(t.Context(), time.Time{}); third != second {
			t.Errorf("a good token was dropped (error %v)", err)
		}
	})
}

func TestTokenLife(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for life, unused := range map[time.Duration]time.Duration{
		3599 * time.Second: 10 * time.Second,
		20 * time.Second:   2 * time.Second,
	} {
		renewAt, usableUntil := lifeOf(&oauth2.Token{Expiry: now.Add(life)}, now)
		if early := renewAt.Sub(now); early < life*80/100 || early > life*85/100 {
			t.Errorf("a life of %v is renewed after %v", life, early)
		}
		if left := now.Add(life).Sub(usableUntil); left != unused {
			t.Errorf("a life of %v is not used for its last %v", life, left)
		}
	}
	if renewAt, usableUntil := lifeOf(&oauth2.Token{}, now); !renewAt.IsZero() || !usableUntil.IsZero() {
		t.Error("a token without an end ends")
	}
}

// If the platform refuses every token, not every call requests a new one.
func TestRefusedTokenIsKeptForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{}
		s := newSource(e.fetch, slog.New(slog.DiscardHandler))
		defer s.Close()
		platform := &refuser{}
		bearer := Renewing(platform, s)
		for range 60 { // seconds, plus one for each token
			if _, err := bearer.Send((&http.Request{}).WithContext(t.Context()), &guard.Call{}); err != nil {
				t.Fatal(err)
			}
			<-time.After(time.Second)
		}
		if e.asked < 5 || e.asked > 14 {
			t.Errorf("%d tokens for %d refused calls", e.asked, platform.asked)
		}
	})
}

// refuser refuses every token.
type refuser struct{ asked int }

func (r *refuser) Send(*http.Request, *guard.Call) (*guard.Answer, error) {
	r.asked++
	return &guard.Answer{Status: http.StatusUnauthorized}, nil
}

// failing is a token endpoint that fails some times and then issues a token.
type failing struct {
	failures int
	with     error
	asked    []time.Time
}

func (f *failing) fetch(context.Context) (*oauth2.Token, error) {
	f.asked = append(f.asked, time.Now())
	<-time.After(10 * time.Millisecond)
	if len(f.asked) <= f.failures {
		return nil, f.with
	}
	return &oauth2.Token{AccessToken: "good", Expiry: time.Now().Add(time.Hour)}, nil
}

// A failure that may pass costs a call time, but no answer: it tries again while it can.
func TestTokenIsTriedAgain(t *testing.T) {
	t.Parallel()
	unavailable := &lead.SourceError{Kind: lead.FailureUnavailable}
	for name, test := range map[string]struct {
		failures int
		with     error
		time     time.Duration
		asked    int
		fails    bool
	}{
		"once":                     {failures: 1, with: unavailable, time: 10 * time.Second, asked: 2},
		"twice":                    {failures: 2, with: unavailable, time: 10 * time.Second, asked: 3},
		"for good":                 {failures: 9, with: unavailable, time: 10 * time.Second, asked: 3, fails: true},
		"time-out":                 {failures: 1, with: &lead.SourceError{Kind: lead.FailureTimeout}, time: 10 * time.Second, asked: 2},
		"429 with a short wait":    {failures: 1, with: &lead.SourceError{Kind: lead.FailureRateLimited, RetryAfter: 2 * time.Second}, time: 10 * time.Second, asked: 2},
		"429 with a long wait":     {failures: 1, with: &lead.SourceError{Kind: lead.FailureRateLimited, RetryAfter: 5 * time.Second}, time: 10 * time.Second, asked: 1, fails: true},
		"a wait beyond the call":   {failures: 1, with: &lead.SourceError{Kind: lead.FailureUnavailable, RetryAfter: time.Second}, time: time.Second, asked: 1, fails: true},
		"credentials are refused":  {failures: 9, with: &lead.SourceError{Kind: lead.FailureAuth}, time: 10 * time.Second, asked: 1, fails: true},
		"without any time to wait": {failures: 1, with: unavailable, time: 50 * time.Millisecond, asked: 1, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := &failing{failures: test.failures, with: test.with}
				s := newSource(e.fetch, slog.New(slog.DiscardHandler))
				defer s.Close()
				begun := time.Now()
				var calls sync.WaitGroup
				for range 20 { // they share the requests
					calls.Go(func() {
						_, err := s.Get(t.Context(), begun.Add(test.time))
						if (err != nil) != test.fails {
							t.Errorf("error %v", err)
						}
					})
				}
				calls.Wait()
				if len(e.asked) != test.asked || time.Since(begun) > test.time {
					t.Errorf("%d requests in %v, want %d", len(e.asked), time.Since(begun), test.asked)
				}
				if source, ok := errors.AsType[*lead.SourceError](test.with); ok && test.asked > 1 && e.asked[1].Sub(e.asked[0]) < source.RetryAfter {
					t.Errorf("tried again after %v, want %v", e.asked[1].Sub(e.asked[0]), source.RetryAfter)
				}
			})
		})
	}
}

// board is what replicas share.
type board struct{ until map[string]time.Time }

func (b board) CloseGate(kind string, wait time.Duration) { b.until[kind] = time.Now().Add(wait) }

func (b board) GateClosed(kind string) time.Duration { return max(time.Until(b.until[kind]), 0) }

// A wait that the token endpoint demands of one replica holds for all; one that it does not
// demand, for none.
func TestWaitOfTheTokenEndpointIsShared(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		with *lead.SourceError
		wait time.Duration
	}{
		"429":            {&lead.SourceError{Kind: lead.FailureRateLimited, RetryAfter: 20 * time.Second}, 20 * time.Second},
		"503":            {&lead.SourceError{Kind: lead.FailureUnavailable, RetryAfter: 20 * time.Second}, 20 * time.Second},
		"a day":          {&lead.SourceError{Kind: lead.FailureRateLimited, RetryAfter: 24 * time.Hour}, maxTokenWait},
		"without a wait": {&lead.SourceError{Kind: lead.FailureUnavailable}, 0},
		"credentials":    {&lead.SourceError{Kind: lead.FailureAuth}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e, shared := &failing{failures: 1, with: test.with}, board{map[string]time.Time{}}
				begun := time.Now()
				ask := func(s *Source) error {
					_, err := s.Get(t.Context(), time.Now().Add(100*time.Millisecond))
					return err
				}
				replica := func() *Source {
					s := newSource(e.fetch, slog.New(slog.DiscardHandler))
					s.ShareGates(shared)
					t.Cleanup(s.Close)
					return s
				}
				one, other := replica(), replica()
				_ = ask(one)
				err := ask(other)
				if source, told := errors.AsType[*lead.SourceError](err); told != (test.wait > 0) || told && (source.RetryAfter != test.wait || !passing(err)) {
					t.Errorf("the other replica: %v", err)
				}
				for _, s := range []*Source{one, other} {
					for ask(s) != nil {
						<-time.After(10 * time.Millisecond)
					}
				}
				if took := time.Since(begun); took < test.wait || took > test.wait+2*time.Second || len(e.asked) > 3 {
					t.Errorf("%d requests, the last after %v", len(e.asked), took)
				}
			})
		})
	}
}
