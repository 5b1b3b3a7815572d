package doctor_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzhttp"

	"leadgraph/internal/doctor"
	"leadgraph/upstream/sandbox"
	"leadgraph/upstream/token"
)

// instead answers lead calls instead of the platform.
func instead(answer http.HandlerFunc) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				answer(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func body(contentType, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = io.WriteString(w, text)
	}
}

// closed returns the address of a port on which nothing listens.
func closed(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

func quiet(handler http.Handler, tls bool) *httptest.Server {
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	if tls {
		server.StartTLS()
	} else {
		server.Start()
	}
	return server
}

func TestOutOfOrder(t *testing.T) {
	t.Parallel()
	credentials := func(adjust func(*token.Credentials)) func(*testing.T, *patient) {
		return func(_ *testing.T, p *patient) { adjust(&p.options.Platform.Credentials) }
	}
	for name, test := range map[string]struct {
		answer  http.HandlerFunc
		adjust  func(*testing.T, *patient)
		check   string
		finding string
	}{
		"wrong secret": {adjust: credentials(func(c *token.Credentials) { c.ClientSecret = "canary-secret" }),
			check: "token", finding: "no token: AADSTS7000215: the client secret is wrong: it must be the secret's value, not its id, of this app registration; the platform itself is reachable and requires a token"},
		"unknown client": {adjust: credentials(func(c *token.Credentials) { c.ClientID = "canary-client" }), check: "token", finding: "no token: AADSTS700016: the client id is not known in this directory"},
		"wrong scope":    {adjust: credentials(func(c *token.Credentials) { c.Scope = "api://canary/.default" }), check: "token", finding: "no token: AADSTS70011: the scope is not valid"},
		"no token endpoint": {adjust: func(t *testing.T, p *patient) {
			p.options.Platform.Credentials.TokenURL = "http://" + closed(t) + "/token"
		},
			check: "token", finding: "no token: TCP: the connection was refused; is the port right, and is the platform running? (at the token endpoint, --token-url)"},
		"token endpoint 404": {adjust: credentials(func(c *token.Credentials) { c.TokenURL += "/canary" }), check: "token", finding: "no token: the endpoint answered 404; is --token-url right?"},
		"token endpoint fails": {adjust: func(_ *testing.T, p *patient) {
			p.Inject(sandbox.Fault{Kind: sandbox.KindToken, Status: http.StatusServiceUnavailable, Times: -1})
		},
			check: "token", finding: "no token: AADSTS90033: a passing fault of Entra"},
		"token endpoint is a page": {adjust: func(_ *testing.T, p *patient) {
			p.Inject(sandbox.Fault{Kind: sandbox.KindToken, HTML: true, Times: -1})
		},
			check: "token", finding: "no token: the endpoint's answer contains none"},
		"401 with a token": {answer: status(http.StatusUnauthorized), check: "platform", finding: "the platform answered 401 although a token was sent"},
		"403 with a token": {answer: status(http.StatusForbidden), check: "platform", finding: "the platform answered 403: it accepts the token"},
		"500":              {answer: status(http.StatusInternalServerError), check: "platform", finding: "the platform answered 500 repeatedly"},
		"400":              {answer: status(http.StatusBadRequest), check: "first-page", finding: "pages 0 and 1 are both refused (400)"},
		"404":              {answer: status(http.StatusNotFound), check: "platform", finding: "the platform answered 404: there is no lead endpoint under the base URL"},
		"HTML":             {answer: body("text/html", "<html>canary</html>"), check: "platform", finding: "the platform answered HTML"},
		"no JSON":          {answer: body("application/json", "canary"), check: "platform", finding: "leadgraph cannot read the answer: the body is not valid JSON"},
		"another envelope": {answer: body("application/json", `{"canary":[]}`), check: "platform", finding: "leadgraph cannot read the answer: the body is an object that is neither a lead nor an envelope"},
		"no leads":         {answer: body("application/json", `["canary"]`), check: "platform", finding: "leadgraph cannot read the answer: the array of leads holds a string"},
		"redirect to a login page": {answer: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://canary.example/login")
			w.WriteHeader(http.StatusFound)
		}, check: "platform", finding: "the platform redirects (302) to https"},
		"cut":     {answer: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, check: "platform", finding: "TCP: the connection was closed"},
		"refused": {adjust: func(t *testing.T, p *patient) { p.options.Platform.BaseURL = "http://" + closed(t) }, check: "platform", finding: "TCP: the connection was refused"},
		"no such host": {adjust: func(_ *testing.T, p *patient) { p.options.Platform.BaseURL = "http://canary.invalid" },
			check: "platform", finding: "DNS: the host name "},
		"slow": {answer: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
			adjust: func(_ *testing.T, p *patient) { p.options.Platform.AttemptTimeout = 50 * time.Millisecond },
			check:  "platform", finding: "no answer within --upstream-attempt-timeout"},
		"untrusted certificate": {adjust: func(t *testing.T, p *patient) {
			server := quiet(http.NotFoundHandler(), true)
			t.Cleanup(server.Close)
			p.options.Platform.BaseURL = server.URL
		}, check: "platform", finding: "TLS: the certificate was issued by an authority"},
		"https of an http port": {adjust: func(_ *testing.T, p *patient) {
			p.options.Platform.BaseURL = strings.Replace(p.options.Platform.BaseURL, "http:", "https:", 1)
		}, check: "platform", finding: "TLS: the server does not speak TLS on this port"},
		"http of an https port": {adjust: func(t *testing.T, p *patient) {
			server := quiet(http.NotFoundHandler(), true)
			t.Cleanup(server.Close)
			p.options.Platform.BaseURL = strings.Replace(server.URL, "https:", "http:", 1)
		}, check: "first-page", finding: "pages 0 and 1 are both refused (400): is the base URL right, including https?"},
		"leads without ids": {answer: body("application/json", `[{"tenantId":"canary"}]`), check: "content", finding: "leadgraph can read no lead: 1 row that cannot be read (no_id: 1)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var wrap func(http.Handler) http.Handler
			if test.answer != nil {
				wrap = instead(test.answer)
			}
			p := admit(t, sandbox.Options{Leads: 20}, wrap)
			if test.adjust != nil {
				test.adjust(t, p)
			}
			var out bytes.Buffer
			err := doctor.Run(t.Context(), p.options, false, &out)
			if err == nil || !strings.Contains(out.String(), "\nverdict: not usable") {
				t.Errorf("error %v\n%s", err, &out)
			}
			r := p.examine(t)
			if c := check(t, r, test.check); c.Result != doctor.Failed || !strings.HasPrefix(c.Finding, test.finding) {
				t.Errorf("%s %s, want %s", c.Result, c.Finding, test.finding)
			}
			if strings.Contains(out.String(), "canary") {
				t.Errorf("the report repeats input:\n%s", &out)
			}
		})
	}
}

// A base URL with another path is corrected.
func TestAnotherPath(t *testing.T) {
	t.Parallel()
	only := func(next http.Handler) http.Handler { // the sandbox also answers without /tenantui
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet && !strings.HasPrefix(r.URL.Path, sandbox.BasePath+"/api/v2/oc/lead") || strings.Count(r.URL.Path, "/api/") > 1 {
				body("text/html", "<html>")(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
	for _, path := range []string{"", "/", "/tenantui/api/v2/oc/lead"} {
		p := admit(t, sandbox.Options{Leads: 25}, only)
		p.options.Platform.BaseURL = p.url + path
		p.options.Given = [][2]string{{"--upstream-url", p.url + path}, {"--scope", "api://x y/.default"}}
		r := p.examine(t)
		if want := "--upstream-url " + p.url + "/tenantui"; settings(r) != want || r.Verdict != doctor.UsableWithSettings {
			t.Errorf("%q: verdict %s, settings %q", path, r.Verdict, settings(r))
		}
		if want := "leadgraph serve --upstream-url " + p.url + "/tenantui --scope 'api://x y/.default'"; r.Command != want {
			t.Errorf("command %q, want %q", r.Command, want)
		}
		prove(t, p, sandbox.Options{}, r)
	}
}

// Calls that fail for a transient reason are retried and counted.
func TestPassingFailures(t *testing.T) {
	t.Parallel()
	p := admit(t, sandbox.Options{Leads: 25}, nil)
	p.Inject(sandbox.Fault{Status: http.StatusServiceUnavailable})
	p.Inject(sandbox.Fault{Kind: sandbox.KindTenant, Status: http.StatusBadGateway})
	r := p.examine(t)
	if r.Verdict != doctor.Usable || r.Retried != 2 {
		t.Errorf("verdict %s, %d retries", r.Verdict, r.Retried)
	}
}

func TestOddities(t *testing.T) {
	t.Parallel()
	const odd = `{"id":7,"tenantId":"ca4a5700-0000-4000-8000-00000000ca4a","status":"canary","consentedOn":"canary","isDirectLead":"canary","contacts":[1],"canary":1,"consentedCountries":["DE",null],"lastModifiedOn":null}`
	r := admit(t, sandbox.Options{}, instead(func(w http.ResponseWriter, r *http.Request) {
		answer := "[" + odd + "]"
		if r.URL.Query().Get("PageNumber") != "0" || r.URL.Query().Get("msTenantID") == "00000000-0000-4000-8000-000000000000" {
			answer = "[]"
		}
		body("application/json", answer)(w, r)
	})).examine(t)
	f := r.Facts
	if *f.Leads != 1 || *f.UnknownStatuses != 1 || *f.UnknownStatusSpellings != 1 || *f.UnreadableTimes != 1 || *f.OddValues != 2 || *f.UnknownFieldsPercent != 11.1 {
		t.Errorf("%+v", check(t, r, "content"))
	}
	if text, err := json.Marshal(r); err != nil || bytes.Contains(text, []byte("canary")) {
		t.Errorf("error %v, %s", err, text)
	}
}

// The report names another spelling of the page number if that works.
func TestSpellingOfThePageNumber(t *testing.T) {
	t.Parallel()
	p := admit(t, sandbox.Options{Leads: 25}, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			query := r.URL.Query()
			query.Del("PageNumber")
			query.Set("PageNumber", query.Get("PageIndex"))
			r.URL.RawQuery = query.Encode()
			next.ServeHTTP(w, r)
		})
	})
	if c := check(t, p.examine(t), "first-page"); !strings.Contains(c.Finding, "the spelling PageIndex works") {
		t.Error(c.Finding)
	}
}

func TestClockAndCompression(t *testing.T) {
	t.Parallel()
	r := admit(t, sandbox.Options{Leads: 25}, func(next http.Handler) http.Handler {
		late := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
			next.ServeHTTP(w, r)
		})
		return gzhttp.GzipHandler(late)
	}).examine(t)
	if c := check(t, r, "clock"); c.Result != doctor.Warning || *r.Facts.ClockSkewSeconds > -3599 || *r.Facts.ClockSkewSeconds < -3602 {
		t.Errorf("%+v", c)
	}
	if c := check(t, r, "compression"); !*r.Facts.Compressed || c.Finding != "the platform compresses its answers" {
		t.Errorf("%+v", c)
	}
	if r.Verdict != doctor.Usable {
		t.Errorf("verdict %s", r.Verdict)
	}
}

func TestWrongOptions(t *testing.T) {
	t.Parallel()
	if _, err := doctor.Examine(t.Context(), doctor.Options{}); err == nil {
		t.Error("no base URL, no error")
	}
	if _, err := doctor.Examine(t.Context(), doctor.Options{Rate: -1}); err == nil {
		t.Error("a negative rate, no error")
	}
}

// A row that cannot be read is counted, and the others are examined.
func TestUnreadableRow(t *testing.T) {
	t.Parallel()
	p := admit(t, sandbox.Options{Leads: 20}, nil)
	p.Spoil(7, map[string]any{"tenantId": "canary"})
	r := p.examine(t)
	c := check(t, r, "content")
	if c.Result != doctor.Warning || !strings.HasPrefix(c.Finding, "1 row that cannot be read (bad_tenant_id: 1)") || *r.Facts.UnreadableRows != 1 || *r.Facts.Leads != 19 {
		t.Errorf("%+v", c)
	}
	if r.Verdict != doctor.Usable {
		t.Errorf("verdict %s", r.Verdict)
	}
}
