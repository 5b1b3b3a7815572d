package upstream_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"leadgraph/lead"
	"leadgraph/upstream"
	"leadgraph/upstream/sandbox"
	"leadgraph/upstream/token"
)

const (
	tenantA = "f94238e5-4f2c-4e1b-8125-2d27122ca75f" // of testdata/minimal.json
	leadA   = "da68eafc-d3c6-4d3b-9a10-c48b26c6086b"
)

// newClient returns a client of handler, which is mounted under a prefix as the
// platform's API is. No read is retried unless adjust says so.
func newClient(t *testing.T, handler http.HandlerFunc, adjust func(*upstream.Options)) *upstream.Client {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /tenantui/api/v2/oc/lead", handler)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	o := upstream.Options{BaseURL: server.URL + "/tenantui/", Retries: -1}
	if adjust != nil {
		adjust(&o)
	}
	client, err := upstream.NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// openClient returns a client that the end of the test closes.
func openClient(t *testing.T, o upstream.Options) *upstream.Client {
	t.Helper()
	client, err := upstream.NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// newSandbox returns a stand-in platform, which shares nothing with the client,
// and a client that logs everything to log.
func newSandbox(t *testing.T, quirks sandbox.Options, adjust func(*upstream.Options)) (*sandbox.Server, *upstream.Client, *bytes.Buffer) {
	t.Helper()
	platform, err := sandbox.New(quirks)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(platform)
	t.Cleanup(server.Close)
	var log bytes.Buffer
	o := upstream.Options{
		BaseURL: server.URL + sandbox.BasePath,
		Credentials: token.Credentials{
			TokenURL: server.URL + sandbox.TokenPath,
			ClientID: sandbox.DefaultClientID, ClientSecret: sandbox.DefaultClientSecret, Scope: sandbox.DefaultScope,
		},
		Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if adjust != nil {
		adjust(&o)
	}
	client, err := upstream.NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return platform, client, &log
}

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

func testdata(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func write(w io.Writer, body string) {
	_, _ = io.WriteString(w, body) // a client that left is the test's business
}

// breakOff sends the beginning of a body and then breaks the connection.
func breakOff(w http.ResponseWriter, begin string) {
	w.Header().Set("Content-Length", "1000")
	write(w, begin)
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// hang answers nothing until the client leaves.
func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// row is a lead with an id, of tenantA.
func row(id string) string { return fmt.Sprintf(`{"id":%q,"tenantId":%q}`, id, tenantA) }

// rowsFrom is that many leads, from a number on.
func rowsFrom(first, count int) string {
	rows := make([]string, count)
	for i := range rows {
		rows[i] = row(fmt.Sprint(first + i))
	}
	return "[" + strings.Join(rows, ",") + "]"
}

func ids(leads []*lead.Lead) []string {
	var ids []string
	for _, l := range leads {
		ids = append(ids, l.ID)
	}
	return ids
}

// sourceError fails the test unless err is a SourceError of the kind.
func sourceError(t *testing.T, err error, kind lead.FailureKind) *lead.SourceError {
	t.Helper()
	source, ok := errors.AsType[*lead.SourceError](err)
	if !ok || source.Kind != kind {
		t.Fatalf("error is %v, want a SourceError of kind %q", err, kind)
	}
	return source
}

func wantKind(t *testing.T, err error, kind lead.FailureKind) {
	t.Helper()
	_ = sourceError(t, err, kind)
}
