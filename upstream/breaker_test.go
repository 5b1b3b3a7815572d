package upstream_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"leadgraph/lead"
	"leadgraph/upstream"
	"leadgraph/upstream/sandbox"
)

// breakPlatform looks a tenant up until the breaker refuses to.
func breakPlatform(t *testing.T, client *upstream.Client) *lead.SourceError {
	t.Helper()
	for range 20 {
		_, err := client.LeadsByTenant(t.Context(), tenantA, false)
		if source := sourceError(t, err, lead.FailureUnavailable); source.RetryAfter > 0 {
			return source
		}
	}
	t.Fatal("20 failures did not open the breaker")
	return nil
}

func TestBreakerIsOfThePlatform(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	platform, client, _ := newSandbox(t, sandbox.Options{Leads: 20}, func(o *upstream.Options) {
		o.Retries = -1
		o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	})
	platform.Inject(sandbox.Fault{Status: http.StatusInternalServerError, Times: -1})
	if source := breakPlatform(t, client); source.Status != 0 || source.RetryAfter > 3*time.Second {
		t.Errorf("error is %#v", source)
	}
	platform.ClearFaults()
	platform.ResetCalls()
	_, own := client.WithToken("another").LeadsByTenant(t.Context(), tenantA, false)
	_, page := client.LeadsPage(t.Context(), 0, 10, lead.AllParts)
	_, online := client.LeadsByTenant(t.Context(), tenantA, true)
	for _, err := range []error{own, page, online} {
		if source := sourceError(t, err, lead.FailureUnavailable); source.RetryAfter <= 0 {
			t.Errorf("error is %v", err)
		}
	}
	if calls := platform.Calls(); len(calls.ByStatus) != 0 {
		t.Errorf("calls were made: %+v", calls)
	}
	if state := client.State(); state.Breaker != "open" || state.RetryIn <= 0 {
		t.Errorf("state is %+v", state)
	}
	if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "circuit breaker open") || strings.Contains(text, "127.0.0.1") {
		t.Errorf("the log is %s", text)
	}
}

// A failing token endpoint does not stop calls with another token.
func TestBreakerIsNotOfTheTokenEndpoint(t *testing.T) {
	t.Parallel()
	platform, client, _ := newSandbox(t, sandbox.Options{Leads: 20, NoAuth: true}, nil)
	platform.Inject(sandbox.Fault{Kind: sandbox.KindToken, Status: http.StatusInternalServerError, Times: -1})
	for range 30 {
		_, err := client.LeadsByTenant(t.Context(), tenantA, false)
		wantKind(t, err, lead.FailureUnavailable)
	}
	if _, err := client.WithToken("another").LeadsByTenant(t.Context(), tenantA, false); err != nil {
		t.Error(err)
	}
	if calls := platform.Calls(); calls.Token != 3 { // by the first call; then the endpoint is left alone
		t.Errorf("the token endpoint was asked %d times", calls.Token)
	}
}
