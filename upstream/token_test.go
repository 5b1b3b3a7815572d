package upstream_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"leadgraph/internal/plaintext/plaintexttest"
	"leadgraph/lead"
	"leadgraph/upstream"
)

func TestTokenRequest(t *testing.T) {
	t.Parallel()
	tokenURL, _ := authority(t, func(w http.ResponseWriter, r *http.Request) {
		for name, want := range map[string]string{
			"grant_type": "client_credentials", "client_id": "canary-client",
			"client_secret": "canary-secret", "scope": "api://x/.default",
		} {
			if got := r.PostFormValue(name); got != want {
				t.Errorf("%s is %q", name, got)
			}
		}
		w.Header().Set("Content-Type", "application/json")
		write(w, `{"token_type":"Bearer","expires_in":"3599","access_token":"granted"}`)
	})
	client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Authorization"); got != "Bearer granted" {
			t.Errorf("Authorization is %q", got)
		}
		write(w, "[]")
	}, withCredentials(tokenURL))
	if _, err := client.LeadsPage(t.Context(), 0, 10, lead.AllParts); err != nil {
		t.Error(err)
	}
}

func TestOneTokenForAll(t *testing.T) {
	t.Parallel()
	tokenURL, issued := authority(t, nil)
	client := newClient(t, func(w http.ResponseWriter, _ *http.Request) { write(w, "[]") }, withCredentials(tokenURL))
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, err := client.LeadsPage(t.Context(), 0, 10, lead.AllParts); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if issued.Load() != 1 {
		t.Errorf("%d tokens were asked for", issued.Load())
	}
}

func TestRevokedToken(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		refused        int32 // number of tokens, from the first on
		online         bool
		issued, called int32
		fails          bool
	}{
		"the second is good":           {refused: 1, issued: 2, called: 2},
		"the second is good, online":   {refused: 1, online: true, issued: 2, called: 2},
		"no token is good, try 1 only": {refused: 99, issued: 2, called: 2, fails: true},
	} {
		tokenURL, issued := authority(t, nil)
		var called atomic.Int32
		client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
			called.Add(1)
			for n := range test.refused {
				if r.Header.Get("Authorization") == fmt.Sprintf("Bearer token%d", n+1) {
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
			}
			write(w, "["+row("1")+"]")
		}, withCredentials(tokenURL))
		_, err := client.LeadsByTenant(t.Context(), tenantA, test.online)
		if test.fails {
			wantKind(t, err, lead.FailureAuth)
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if issued.Load() != test.issued || called.Load() != test.called {
			t.Errorf("%s: %d tokens, %d calls", name, issued.Load(), called.Load())
		}
	}
}

// A token that expires during many calls is replaced once for all of them.
func TestExpiredTokenInMidFlight(t *testing.T) {
	t.Parallel()
	const callers = 100
	tokenURL, issued := authority(t, nil)
	var arrived sync.WaitGroup
	arrived.Add(callers)
	client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Query().Get("PageSize") == "1":
		case r.Header.Get("Authorization") == "Bearer token1":
			arrived.Done()
			arrived.Wait()
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		write(w, "[]")
	}, func(o *upstream.Options) {
		withCredentials(tokenURL)(o)
		o.MaxConcurrent, o.AttemptTimeout = callers, 10*time.Second
	})
	if _, err := client.LeadsPage(t.Context(), 0, 1, lead.AllParts); err != nil {
		t.Fatal(err)
	}
	var calls sync.WaitGroup
	for range callers {
		calls.Go(func() {
			if _, err := client.LeadsPage(t.Context(), 0, 10, lead.AllParts); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
	if issued.Load() != 2 {
		t.Errorf("%d tokens were asked for", issued.Load())
	}
}

// The token endpoint may be a proxy that is written with .NET.
func TestTokensInEveryForm(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{
		`{"token_type":"Bearer","expires_in":"3599","access_token":"granted"}`, ` {"token_type":"bearer","expires_in":3599,"access_token":"granted","refresh_token":null}`,
	} {
		for encoding, text := range plaintexttest.Encodings(answer) {
			for _, label := range []string{"application/json", "application/json; charset=utf-16", "text/plain; charset=utf-8", "text/json", ""} {
				tokenURL, _ := authority(t, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", label)
					write(w, text)
				})
				client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
					if got := r.Header.Get("Authorization"); got != "Bearer granted" {
						t.Errorf("%s, %s: Authorization is %q", encoding, label, got)
					}
					write(w, "[]")
				}, withCredentials(tokenURL))
				if _, err := client.LeadsPage(t.Context(), 0, 10, lead.AllParts); err != nil {
					t.Errorf("%s, %s: %v", encoding, label, err)
				}
			}
		}
	}
}
