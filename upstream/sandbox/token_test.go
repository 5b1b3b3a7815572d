package sandbox_test

import (
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"leadgraph/upstream/sandbox"
)

func credentials() url.Values {
	return url.Values{
		"grant_type": {"client_credentials"}, "client_id": {sandbox.DefaultClientID},
		"client_secret": {sandbox.DefaultClientSecret}, "scope": {sandbox.DefaultScope},
	}
}

func (p *platform) askToken(t *testing.T, form url.Values) reply {
	t.Helper()
	return p.do(t, http.MethodPost, sandbox.TokenPath, "application/x-www-form-urlencoded", form.Encode())
}

// logIn gets a token, which all later calls send.
func (p *platform) logIn(t *testing.T) {
	t.Helper()
	var answer struct {
		TokenType string `json:"token_type"`
		ExpiresIn int    `json:"expires_in"`
		Token     string `json:"access_token"`
	}
	decode(t, p.askToken(t, credentials()).body, &answer)
	if answer.TokenType != "Bearer" || answer.ExpiresIn != 3599 || answer.Token == "" || answer.Token == p.token {
		t.Fatalf("token answer %+v", answer)
	}
	p.token = answer.Token
}

func TestTokenGuardsLeads(t *testing.T) {
	t.Parallel()
	var offset atomic.Int64
	p := start(t, sandbox.Options{Leads: 20, Clock: func() time.Time { return time.Unix(offset.Load(), 0) }})
	if r := p.leads(t); r.status != http.StatusUnauthorized || r.body != "" {
		t.Errorf("without a token: status %d, body %q", r.status, r.body)
	}
	p.logIn(t)
	for _, step := range []struct {
		second int64
		status int
	}{{0, http.StatusOK}, {3598, http.StatusOK}, {3599, http.StatusUnauthorized}} {
		offset.Store(step.second)
		if r := p.leads(t); r.status != step.status {
			t.Errorf("second %d: status %d, want %d", step.second, r.status, step.status)
		}
	}
	p.logIn(t)
	if r := p.leads(t); r.status != http.StatusOK {
		t.Errorf("with a new token: status %d", r.status)
	}
}

func TestTokenRefusals(t *testing.T) {
	t.Parallel()
	p := start(t, sandbox.Options{Leads: 1})
	for name, c := range map[string]struct {
		field, value string
		status       int
		code         string
		number       int
	}{
		"no grant":      {"grant_type", "", http.StatusBadRequest, "invalid_request", 900144},
		"other grant":   {"grant_type", "password", http.StatusBadRequest, "unsupported_grant_type", 70003},
		"no client":     {"client_id", "", http.StatusBadRequest, "invalid_request", 900144},
		"other client":  {"client_id", "x", http.StatusBadRequest, "unauthorized_client", 700016},
		"no secret":     {"client_secret", "", http.StatusUnauthorized, "invalid_client", 7000218},
		"wrong secret":  {"client_secret", "x", http.StatusUnauthorized, "invalid_client", 7000215},
		"no scope":      {"scope", "", http.StatusBadRequest, "invalid_request", 900144},
		"another scope": {"scope", "api://x/.default", http.StatusBadRequest, "invalid_scope", 70011},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			form := credentials()
			form.Set(c.field, c.value)
			r := p.askToken(t, form)
			var refusal struct {
				Error string
				Codes []int `json:"error_codes"`
			}
			decode(t, r.body, &refusal)
			if r.status != c.status || refusal.Error != c.code || len(refusal.Codes) != 1 || refusal.Codes[0] != c.number {
				t.Errorf("status %d, body %s", r.status, r.body)
			}
		})
	}
}
