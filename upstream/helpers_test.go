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
	"strconv"
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
	tenantA = "f94238e5-4f2c-4e1b-8125-2d27122ca75f" // in reader/testdata/minimal.json
	leadA   = "da68eafc-d3c6-4d3b-9a10-c48b26c6086b"
)

// newClient returns a client of a platform whose lead endpoint is handler. All leads
// are on the first page: other pages are answered empty without handler.
func newClient(t *testing.T, handler http.HandlerFunc, adjust func(*upstream.Options)) *upstream.Client {
	t.Helper()
	var first atomic.Int32
	return newPagedClient(t, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		number, _ := strconv.Atoi(q.Get("PageNumber"))
		if len(q) == 2 && number > int(first.Load()) {
			write(w, "[]")
			return
		}
		handler(w, r)
	}, func(o *upstream.Options) {
		if adjust != nil {
			adjust(o)
		}
		first.Store(int32(o.FirstPage)) //nolint:gosec // 0 or 1
	})
}

// newPagedClient returns a client of a platform whose lead endpoint is handler. The
// endpoint is below a path prefix, as on the platform. Reads are not retried unless
// adjust changes that.
func newPagedClient(t *testing.T, handler http.HandlerFunc, adjust func(*upstream.Options)) *upstream.Client {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /tenantui/api/v2/oc/lead", handler)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	o := upstream.Options{BaseURL: server.URL + "/tenantui/", Retries: -1}
	if adjust != nil {
		adjust(&o)
	}
	return openClient(t, o)
}

// openClient returns a client that is closed at the end of the test.
func openClient(t *testing.T, o upstream.Options) *upstream.Client {
	t.Helper()
	client, err := upstream.NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// newSandbox returns a sandbox, a client of it, and the client's log at debug level.
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
	return platform, openClient(t, o), &log
}

// authority starts a token endpoint. It issues "token1", "token2" and so on, unless
// issue is given.
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

// minimalLeads has one lead without most of its fields. It is a sample of package
// reader too.
const minimalLeads = "../reader/testdata/minimal.json"

// testdata returns a file, whose name is relative to testdata.
func testdata(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func write(w io.Writer, body string) {
	_, _ = io.WriteString(w, body) // fails if the client has left, which tests check
}

// breakOff sends the beginning of a body and then breaks the connection.
func breakOff(w http.ResponseWriter, begin string) {
	w.Header().Set("Content-Length", "1000")
	write(w, begin)
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// hang does not answer until the client leaves.
func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// row returns a lead of tenantA.
func row(id string) string { return fmt.Sprintf(`{"id":%q,"tenantId":%q}`, id, tenantA) }

// rowsFrom returns an array of count leads with consecutive numbers as ids.
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

// sourceError returns err as a SourceError, which must be of the kind.
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
