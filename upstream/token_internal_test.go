package upstream

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"
)

// endpoint hands out numbered tokens that live for an hour, after a second.
type endpoint struct {
	issued int
	broken bool
}

func (e *endpoint) fetch(ctx context.Context) (*oauth2.Token, error) {
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

// tokenAfter lets d pass and returns the token that a call gets then, and how
// long it waited. Afterwards no flight is under way.
func tokenAfter(t *testing.T, s *tokenSource, d time.Duration) (string, time.Duration) {
	t.Helper()
	<-time.After(d)
	start := time.Now()
	token, err := s.get(t.Context())
	waited := time.Since(start)
	s.flights.Wait()
	if err != nil {
		return err.Error(), waited
	}
	return token.AccessToken, waited
}

func TestTokenRenewal(t *testing.T) {
	t.Parallel()
	type step struct {
		name   string
		after  time.Duration
		broken bool
		want   string
		wait   time.Duration
	}
	for name, steps := range map[string][]step{
		"early, without a wait": {
			{name: "first", want: "1", wait: time.Second},
			{name: "cached", after: 54 * time.Minute, want: "1"},
			{name: "within the margin", after: 2 * time.Minute, want: "1"},
			{name: "renewed", want: "2"},
			{name: "expired long ago", after: 2 * time.Hour, want: "3", wait: time.Second},
		},
		"failing while the old one is good": {
			{name: "first", want: "1", wait: time.Second},
			{name: "renewal fails", after: 56 * time.Minute, broken: true, want: "1"},
			{name: "no new try yet", after: time.Second, want: "1"},
			{name: "new try", after: tokenPause, want: "1"},
			{name: "renewed", want: "2"},
		},
		"failing for good": {
			{name: "first", broken: true, want: "broken", wait: time.Second},
			{name: "next call tries again", want: "1", wait: time.Second},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := &endpoint{}
				s := newTokenSource(e.fetch, slog.New(slog.DiscardHandler))
				defer s.close()
				for _, step := range steps {
					e.broken = step.broken
					if token, waited := tokenAfter(t, s, step.after); token != step.want || waited != step.wait {
						t.Errorf("%s: got %s after %v, want %s after %v", step.name, token, waited, step.want, step.wait)
					}
				}
			})
		})
	}
}

func TestTokenDrop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{}
		s := newTokenSource(e.fetch, slog.New(slog.DiscardHandler))
		defer s.close()
		first, err := s.get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s.drop(first)
		second, err := s.get(t.Context())
		if err != nil || second == first {
			t.Fatalf("the dropped token is still used (error %v)", err)
		}
		s.drop(first) // by a call that was slower
		if third, err := s.get(t.Context()); third != second {
			t.Errorf("a good token was dropped (error %v)", err)
		}
	})
}

func TestRenewalTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		for life, want := range map[time.Duration]time.Duration{
			3599 * time.Second: 3299 * time.Second,
			100 * time.Second:  80 * time.Second,
		} {
			if got := renewalTime(now.Add(life)).Sub(now); got != want {
				t.Errorf("a life of %v is renewed after %v, want %v", life, got, want)
			}
		}
		if !renewalTime(time.Time{}).IsZero() {
			t.Error("a token without an end is renewed")
		}
	})
}
