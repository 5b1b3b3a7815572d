package upstream_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"leadgraph/lead"
	"leadgraph/upstream"
	"leadgraph/upstream/sandbox"
	"leadgraph/upstream/token"
)

// authority is a token endpoint that hands out "token 1", "token 2" and so on.
func authority(t *testing.T, issue http.HandlerFunc) (url string, issued *atomic.Int32) {
	t.Helper()
	issued = new(atomic.Int32)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := issued.Add(1)
		if issue != nil {
			issue(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		write(w, fmt.Sprintf(`{"token_type":"Bearer","expires_in":3599,"access_token":"token%d"}`, n))
	}))
	t.Cleanup(server.Close)
	return server.URL + "/tenant/oauth2/v2.0/token?key=hidden", issued
}

func withCredentials(tokenURL string) func(*upstream.Options) {
	return func(o *upstream.Options) {
		o.Credentials = token.Credentials{
			TokenURL: tokenURL, ClientID: "canary-client", ClientSecret: "canary-secret", Scope: "api://x/.default",
		}
	}
}

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
		refused        int32 // how many tokens from the first on
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

func TestStaticTokenIsNotRetried(t *testing.T) {
	t.Parallel()
	var called atomic.Int32
	client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		called.Add(1)
		if got := r.Header.Get("Authorization"); got != "Bearer fixed" {
			t.Errorf("Authorization is %q", got)
		}
		w.WriteHeader(http.StatusUnauthorized)
	}, func(o *upstream.Options) { o.StaticToken = "fixed" })
	_, err := client.LeadsPage(t.Context(), 0, 10, lead.AllParts)
	wantKind(t, err, lead.FailureAuth)
	if called.Load() != 1 {
		t.Errorf("%d calls", called.Load())
	}
}

func TestTokenFailures(t *testing.T) {
	t.Parallel()
	answer := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Retry-After", "3")
			w.WriteHeader(status)
			write(w, body)
		}
	}
	for name, test := range map[string]struct {
		issue http.HandlerFunc
		kind  lead.FailureKind
		says  string
	}{
		"refused":          {answer(400, testdata(t, "error_token.json")), lead.FailureAuth, "400 unauthorized_client AADSTS700016"},
		"refused with 401": {answer(401, `{"error":"invalid_client","error_description":"canary-secret is wrong"}`), lead.FailureAuth, "401 invalid_client"},
		"error in a 200":   {answer(200, `{"error":"invalid_client"}`), lead.FailureAuth, "invalid_client"},
		"odd error code":   {answer(400, `{"error":"canary-secret"}`), lead.FailureAuth, "answered 400"},
		"no token":         {answer(200, `{}`), lead.FailureAuth, "no token"},
		"HTML":             {answer(200, `<html>canary-secret`), lead.FailureAuth, "no token"},
		"redirect":         {http.RedirectHandler("/elsewhere", http.StatusTemporaryRedirect).ServeHTTP, lead.FailureAuth, "answered 307"},
		"too many":         {answer(429, ""), lead.FailureRateLimited, "answered 429"},
		"unavailable":      {answer(503, "<html>"), lead.FailureUnavailable, "answered 503"},
		"cut": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			lead.FailureUnavailable, "token endpoint"},
		"slow": {func(w http.ResponseWriter, r *http.Request) { _ = r.ParseForm(); hang(w, r) },
			lead.FailureTimeout, "token endpoint"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tokenURL, _ := authority(t, test.issue)
			client := newClient(t, func(http.ResponseWriter, *http.Request) {
				t.Error("a call without a token")
			}, func(o *upstream.Options) {
				withCredentials(tokenURL)(o)
				o.AttemptTimeout = 100 * time.Millisecond
			})
			_, err := client.LeadsPage(t.Context(), 0, 10, lead.AllParts)
			source := sourceError(t, err, test.kind)
			if !strings.Contains(source.Error(), test.says) {
				t.Errorf("error is %q, want %q in it", source, test.says)
			}
			for _, secret := range []string{"canary-secret", "canary-client", "hidden"} {
				if strings.Contains(source.Error(), secret) {
					t.Errorf("error %q tells %q", source, secret)
				}
			}
			if test.kind == lead.FailureRateLimited && source.RetryAfter != 3*time.Second {
				t.Errorf("RetryAfter is %v", source.RetryAfter)
			}
		})
	}
}

func TestTokenEndpointUnreachable(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	client := newClient(t, func(http.ResponseWriter, *http.Request) {}, withCredentials(server.URL+"?key=hidden"))
	_, err := client.LeadsPage(t.Context(), 0, 10, lead.AllParts)
	if source := sourceError(t, err, lead.FailureUnavailable); strings.Contains(source.Error(), "hidden") {
		t.Errorf("error %q tells the query", source)
	}
}

func TestCallerLeavesWhileTokenIsFetched(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	tokenURL, _ := authority(t, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm() // until the body is read, the server does not notice that the client left
		cancel()
		hang(w, r)
	})
	client := newClient(t, func(http.ResponseWriter, *http.Request) {}, withCredentials(tokenURL))
	if _, err := client.LeadsPage(ctx, 0, 10, lead.AllParts); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	client.Close() // ends the flight that nobody waits for
	_, err := client.LeadsPage(t.Context(), 0, 10, lead.AllParts)
	wantKind(t, err, lead.FailureUnavailable)
}

// changing is a secret that changes.
type changing struct {
	mu     sync.Mutex
	secret string
	err    error
}

func (c *changing) Read() (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.secret, c.err
}

func (c *changing) set(secret string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.secret, c.err = secret, err
}

// A token that expires while calls are on their way is replaced once for all of
// them.
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

// A client secret that is replaced serves from the next token on.
func TestSecretIsReadForEachToken(t *testing.T) {
	t.Parallel()
	secret := &changing{secret: "old"}
	platform, client, log := newSandbox(t, sandbox.Options{Leads: 20, ClientSecret: "new"}, func(o *upstream.Options) {
		o.Credentials.ClientSecret, o.Credentials.SecretSource = "", secret
	})
	_, err := client.LeadsByTenant(t.Context(), tenantA, false)
	if source := sourceError(t, err, lead.FailureAuth); !strings.Contains(source.Error(), "AADSTS7000215: the client secret is wrong") {
		t.Errorf("error is %v", err)
	}
	secret.set("", errors.New("no file"))
	_, err = client.LeadsByTenant(t.Context(), tenantA, false)
	if source := sourceError(t, err, lead.FailureAuth); !strings.Contains(source.Error(), "client secret: no file") {
		t.Errorf("error is %v", err)
	}
	if text := log.String(); !strings.Contains(text, "AADSTS7000215") || strings.Contains(text, "old") {
		t.Errorf("the log is %s", text)
	}
	if calls := platform.Calls(); calls.Token != 1 || calls.ByTenant != 0 {
		t.Errorf("calls are %+v", calls)
	}
}

func TestEntraAdvice(t *testing.T) {
	t.Parallel()
	for code, says := range map[string]string{
		"AADSTS7000215":  "the client secret is wrong",
		"AADSTS7000222":  "the client secret has expired: create a new one",
		"AADSTS700016":   "the client id is not known",
		"AADSTS90002":    "the directory in the token URL does not exist",
		"AADSTS70011":    "the scope is not valid",
		"AADSTS500011":   "the application in the scope is not known",
		"AADSTS99999999": "answered 401 invalid_client AADSTS99999999",
	} {
		tokenURL, _ := authority(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			write(w, fmt.Sprintf(`{"error":"invalid_client","error_description":"%s: for app 'canary-client' with canary-secret. Trace ID: x"}`, code))
		})
		client := newClient(t, func(http.ResponseWriter, *http.Request) {}, withCredentials(tokenURL))
		_, err := client.LeadsPage(t.Context(), 0, 10, lead.AllParts)
		text := sourceError(t, err, lead.FailureAuth).Error()
		if !strings.Contains(text, code) || !strings.Contains(text, says) || strings.Contains(text, "canary") {
			t.Errorf("%s: error is %q", code, text)
		}
	}
}

func TestTokenOfASource(t *testing.T) {
	t.Parallel()
	token := &changing{secret: "first"}
	var sent []string
	client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		sent = append(sent, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		switch len(sent) {
		case 2: // it was replaced while the call was on its way
			token.set("second", nil)
			w.WriteHeader(http.StatusUnauthorized)
		case 4:
			w.WriteHeader(http.StatusUnauthorized)
		}
		write(w, "[]")
	}, func(o *upstream.Options) { o.TokenSource = token })
	page := func() error {
		_, err := client.LeadsPage(t.Context(), 0, 10, lead.AllParts)
		return err
	}
	for range 2 {
		if err := page(); err != nil {
			t.Error(err)
		}
	}
	wantKind(t, page(), lead.FailureAuth) // the same token would be refused again
	for _, bad := range []string{"", "a\nb"} {
		token.set(bad, nil)
		wantKind(t, page(), lead.FailureAuth)
	}
	token.set("", errors.New("no file"))
	wantKind(t, page(), lead.FailureAuth)
	if want := []string{"first", "first", "second", "second"}; !slices.Equal(sent, want) {
		t.Errorf("sent %q", sent)
	}
}
