package sandbox_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"leadgraph/upstream/sandbox"
)

const leadPath = "/tenantui/api/v2/oc/lead"

// platform is a sandbox on a real listener.
type platform struct {
	*sandbox.Server
	url   string
	token string
}

func start(t *testing.T, opts sandbox.Options) *platform {
	t.Helper()
	s, err := sandbox.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return &platform{Server: s, url: srv.URL}
}

// open starts a platform that requires no token. It has 60 leads unless opts says
// otherwise.
func open(t *testing.T, opts sandbox.Options) *platform {
	t.Helper()
	opts.NoAuth = true
	if opts.Leads == 0 {
		opts.Leads = 60
	}
	return start(t, opts)
}

type reply struct {
	status int
	header http.Header
	body   string
}

func (p *platform) do(t *testing.T, method, path, contentType, body string) reply {
	t.Helper()
	r, err := p.try(t, method, path, contentType, body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

func (p *platform) try(t *testing.T, method, path, contentType, body string) (reply, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, p.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if p.token != "" {
		req.Header.Set("Authorization", "Bearer "+p.token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = res.Body.Close() }() // closing after reading cannot lose data
	text, err := io.ReadAll(res.Body)
	return reply{status: res.StatusCode, header: res.Header, body: string(text)}, err
}

// leads requests leads. The query is a list of alternating names and values.
func (p *platform) leads(t *testing.T, query ...string) reply {
	t.Helper()
	return p.do(t, http.MethodGet, leadURL(query...), "", "")
}

func leadURL(query ...string) string {
	values := url.Values{}
	for i := 0; i < len(query); i += 2 {
		values.Add(query[i], query[i+1])
	}
	return leadPath + "?" + values.Encode()
}

// ids returns the ids from an answer that is an array of leads.
func ids(t *testing.T, r reply) []string {
	t.Helper()
	if r.status != http.StatusOK {
		t.Fatalf("status %d, body %s", r.status, r.body)
	}
	return idsOf(t, r.body)
}

func idsOf(t *testing.T, array string) []string {
	t.Helper()
	var rows []struct{ ID string }
	if err := json.Unmarshal([]byte(array), &rows); err != nil {
		t.Fatalf("%v in %.200s", err, array)
	}
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = r.ID
	}
	return out
}

func TestNewRefusesOptions(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]sandbox.Options{
		"too many leads": {Leads: sandbox.MaxLeads + 1},
		"negative leads": {Leads: -1},
		"first page":     {FirstPage: 2},
		"page zero":      {PageZero: "repaet"},
		"past end":       {PastEnd: "500"},
		"unknown tenant": {UnknownTenant: "nul"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := sandbox.New(opts); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	p := open(t, sandbox.Options{})
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{http.MethodGet, "/healthz", http.StatusOK},
		{http.MethodGet, leadPath, http.StatusOK},
		{http.MethodPost, leadPath, http.StatusMethodNotAllowed},
		{http.MethodGet, sandbox.TokenPath, http.StatusMethodNotAllowed},
		{http.MethodGet, "/api/v2/oc/lead", http.StatusOK}, // a base URL without BasePath
		{http.MethodGet, "/tenantui/api/v2/oc", http.StatusNotFound},
	} {
		if got := p.do(t, c.method, c.path, "", ""); got.status != c.status {
			t.Errorf("%s %s: status %d, want %d", c.method, c.path, got.status, c.status)
		}
	}
}
