package upstream_test

import (
	"net/http"
	"testing"
	"time"

	"leadgraph/lead"
	"leadgraph/upstream"
	"leadgraph/upstream/sandbox"
)

// A probe returns the platform's answer unchanged, after a single attempt.
func TestProbe(t *testing.T) {
	t.Parallel()
	platform, client, _ := newSandbox(t, sandbox.Options{Leads: 5, Nested: true, UnknownTenant404: true}, nil)
	a, err := client.Probe(t.Context(), "PageNumber=0&PageSize=1", 1)
	if err != nil || a.Status != http.StatusOK || string(a.Body[:3]) != "[[{" || a.Header.Get("Content-Type") == "" || a.Took <= 0 || a.NamesNoLead || a.Compressed {
		t.Errorf("status %d, error %v, body %.20s", a.Status, err, a.Body)
	}
	a, err = client.Probe(t.Context(), "msTenantID="+tenantA[:35]+"0", 1)
	if err != nil || a.Status != http.StatusNotFound || !a.NamesNoLead {
		t.Errorf("nobody: status %d, error %v", a.Status, err)
	}
	platform.ResetCalls()
	platform.Inject(sandbox.Fault{Status: http.StatusServiceUnavailable})
	if a, err = client.Probe(t.Context(), "", 1); err != nil || a.Status != http.StatusServiceUnavailable || platform.Calls().Pages != 1 {
		t.Errorf("unavailable: status %d, error %v, %+v", a.Status, err, platform.Calls())
	}
	platform.Inject(sandbox.Fault{CutBody: 5})
	_, err = client.Probe(t.Context(), "", 1)
	wantKind(t, err, lead.FailureUnavailable)
}

func TestTokenExpiry(t *testing.T) {
	t.Parallel()
	platform, client, _ := newSandbox(t, sandbox.Options{Leads: 1, TokenLifetime: time.Hour}, nil)
	for range 2 {
		expiry, err := client.TokenExpiry(t.Context())
		if left := time.Until(expiry); err != nil || left > time.Hour || left < 50*time.Minute {
			t.Errorf("expires in %v, error %v", left, err)
		}
	}
	if calls := platform.Calls(); calls.Token != 1 {
		t.Errorf("%d tokens", calls.Token)
	}
	if expiry, err := client.WithToken("x").TokenExpiry(t.Context()); err != nil || !expiry.IsZero() {
		t.Errorf("a static token expires at %v, error %v", expiry, err)
	}
	_, client, _ = newSandbox(t, sandbox.Options{Leads: 1}, func(o *upstream.Options) { o.Credentials.ClientSecret = "x" })
	_, err := client.TokenExpiry(t.Context())
	wantKind(t, err, lead.FailureAuth)
}
