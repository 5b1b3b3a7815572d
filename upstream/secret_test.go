package upstream_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"leadgraph/lead"
	"leadgraph/upstream"
	"leadgraph/upstream/sandbox"
)

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

// A new client secret is used for the next token.
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

func TestTokenOfASource(t *testing.T) {
	t.Parallel()
	token := &changing{secret: "first"}
	var sent []string
	client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		sent = append(sent, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		switch len(sent) {
		case 2: // it is replaced during the call
			token.set("second", nil)
			w.WriteHeader(http.StatusUnauthorized)
		case 4:
			w.WriteHeader(http.StatusUnauthorized)
		}
		write(w, "["+row("1")+"]")
	}, func(o *upstream.Options) { o.TokenSource = token })
	page := func() error {
		_, err := client.LeadsPage(t.Context(), 0, 1, lead.AllParts)
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
