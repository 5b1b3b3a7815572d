package backend_test

import (
	"fmt"
	"net/http"
	"testing"

	"leadgraph/internal/backend"
	"leadgraph/lead"
)

// TestRefusedTokensAreRemembered counts the calls that a refused token costs.
func TestRefusedTokensAreRemembered(t *testing.T) {
	t.Parallel()
	p := newFakePlatform(t)
	b := open(t, p, nil)
	p.revoke("invented")
	for range 20 {
		if err := find(t, b, "invented"); status(err) != http.StatusUnauthorized {
			t.Fatalf("error %v", err)
		}
	}
	if calls := p.count("invented"); calls != 1 {
		t.Errorf("the platform was asked %d times", calls)
	}
	if b.Accepted("invented") {
		t.Error("the token counts as accepted")
	}
}

// TestTokensAreAcceptedByThePlatformOnly checks each way to read.
func TestTokensAreAcceptedByThePlatformOnly(t *testing.T) {
	t.Parallel()
	p := newFakePlatform(t)
	for name, read := range map[string]func(t *testing.T, b *backend.Platform, token string) error{
		"lookup": find,
		"page": func(t *testing.T, b *backend.Platform, token string) error {
			_, err := b.LeadsPage(as(t, token), 0, 10, lead.AllParts)
			return err
		},
		"rendered page": func(t *testing.T, b *backend.Platform, token string) error {
			return b.EachLead(as(t, token), 0, 10, lead.AllParts, func() {}, func(*lead.Lead) error { return nil })
		},
		"catalogue": func(t *testing.T, b *backend.Platform, token string) error {
			_, _, err := b.Snapshot(as(t, token), lead.Freshness{})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := open(t, p, nil)
			token := "token of " + name
			b.Current(as(t, token)) // says nothing about the token
			if b.Accepted(token) {
				t.Error("accepted before it was used")
			}
			if err := read(t, b, token); err != nil || !b.Accepted(token) {
				t.Errorf("accepted: %v, %v", b.Accepted(token), err)
			}
			p.revoke(token + "!")
			if err := read(t, b, token+"!"); err == nil || b.Accepted(token+"!") {
				t.Errorf("accepted: %v, %v", b.Accepted(token+"!"), err)
			}
		})
	}
}

// TestRevokedTokenIsNoLongerAccepted revokes a token that was accepted.
func TestRevokedTokenIsNoLongerAccepted(t *testing.T) {
	t.Parallel()
	p := newFakePlatform(t)
	b := open(t, p, func(o *backend.Options) { o.Caches.LookupTTL = 0 })
	if err := find(t, b, "token"); err != nil {
		t.Fatal(err)
	}
	p.revoke("token")
	if err := find(t, b, "token"); err == nil || b.Accepted("token") {
		t.Errorf("accepted: %v, %v", b.Accepted("token"), err)
	}
}

// TestOneTokensFailuresStopNobodyElse has the platform fail for one token in every way, for
// more calls than a breaker or a gate needs.
func TestOneTokensFailuresStopNobodyElse(t *testing.T) {
	t.Parallel()
	for _, refusal := range []int{401, 403, 408, 429, 500, 503} {
		t.Run(fmt.Sprint(refusal), func(t *testing.T) {
			t.Parallel()
			p := newFakePlatform(t)
			b := open(t, p, nil)
			p.refuse("one", refusal)
			for range 30 {
				if find(t, b, "one") == nil {
					t.Error("the platform answers")
				}
				_, _, _ = b.Snapshot(as(t, "one"), lead.Freshness{}) // fails too
			}
			if calls := p.count("one"); calls > 45 || refusal == 429 && calls > 2 {
				t.Errorf("%d calls with a token that fails", calls)
			}
			if err := find(t, b, "other"); err != nil {
				t.Errorf("another token: %v", err)
			}
			if _, _, err := b.Snapshot(as(t, "other"), lead.Freshness{}); err != nil || b.PlatformFails() {
				t.Errorf("all leads with another token: %v", err)
			}
		})
	}
}
