package upstream_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"leadgraph/lead"
	"leadgraph/upstream"
)

// tokenFailure is an answer of the token endpoint, and the error that it must become.
type tokenFailure struct {
	issue http.HandlerFunc
	kind  lead.FailureKind
	says  string
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
	for name, test := range map[string]tokenFailure{
		"refused":          {answer(400, testdata(t, "error_token.json")), lead.FailureAuth, "400 unauthorized_client AADSTS700016"},
		"refused with 401": {answer(401, `{"error":"invalid_client","error_description":"canary-secret is wrong"}`), lead.FailureAuth, "401 invalid_client"},
		"error in a 200":   {answer(200, `{"error":"invalid_client"}`), lead.FailureAuth, "invalid_client"},
		"odd error code":   {answer(400, `{"error":"canary-secret"}`), lead.FailureAuth, "answered 400"},
		"no token":         {answer(200, `{}`), lead.FailureAuth, "no token"},
		"HTML":             {answer(200, `<html>canary-secret`), lead.FailureAuth, "no token"},
		"redirect":         {http.RedirectHandler("/elsewhere", http.StatusTemporaryRedirect).ServeHTTP, lead.FailureAuth, "answered 307"},
		"too many":         {answer(429, ""), lead.FailureRateLimited, "answered 429"},
		"unavailable":      {answer(503, "<html>"), lead.FailureUnavailable, "answered 503"},
		"too slow for it":  {answer(408, ""), lead.FailureTimeout, "answered 408"},
		"too early":        {answer(425, ""), lead.FailureTimeout, "answered 425"},
		"passing fault":    {answer(400, `{"error":"temporarily_unavailable"}`), lead.FailureUnavailable, "400 temporarily_unavailable"},
		"Entra's fault":    {answer(400, `{"error":"invalid_request","error_description":"AADSTS90033: A transient error"}`), lead.FailureUnavailable, "AADSTS90033"},
		"cut": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			lead.FailureUnavailable, "token endpoint"},
		"slow": {func(w http.ResponseWriter, r *http.Request) { _ = r.ParseForm(); hang(w, r) },
			lead.FailureTimeout, "token endpoint"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.check(t)
		})
	}
}

func (test tokenFailure) check(t *testing.T) {
	t.Helper()
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
		_ = r.ParseForm() // otherwise the server does not notice that the client leaves
		cancel()
		hang(w, r)
	})
	client := newClient(t, func(http.ResponseWriter, *http.Request) {}, withCredentials(tokenURL))
	if _, err := client.LeadsPage(ctx, 0, 10, lead.AllParts); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	client.Close() // ends the flight, for which no call waits
	_, err := client.LeadsPage(t.Context(), 0, 10, lead.AllParts)
	wantKind(t, err, lead.FailureUnavailable)
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
