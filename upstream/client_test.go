package upstream_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"leadgraph/lead"
	"leadgraph/upstream"
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

// row is a lead with an id, of tenantA.
func row(id string) string { return fmt.Sprintf(`{"id":%q,"tenantId":%q}`, id, tenantA) }

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

func TestRequest(t *testing.T) {
	t.Parallel()
	var got *http.Request
	handler := func(w http.ResponseWriter, r *http.Request) {
		got = r.Clone(context.WithoutCancel(r.Context()))
		write(w, testdata(t, "minimal.json"))
	}
	for name, test := range map[string]struct {
		adjust func(*upstream.Options)
		call   func(*upstream.Client) error
		want   string
	}{
		"lookup": {
			call: func(c *upstream.Client) error {
				_, err := c.LeadsByTenant(t.Context(), strings.ToUpper(tenantA), false)
				return err
			},
			want: "PageNumber=0&PageSize=100&msTenantID=" + strings.ToUpper(tenantA),
		},
		"lookup, other spelling, first page 1, own page size": {
			adjust: func(o *upstream.Options) { o.TenantParam, o.FirstPage, o.PageSize = "msTenantId", 1, 7 },
			call:   func(c *upstream.Client) error { _, err := c.LeadsByTenant(t.Context(), tenantA, false); return err },
			want:   "PageNumber=1&PageSize=100&msTenantId=" + tenantA,
		},
		"online lookup": {
			call: func(c *upstream.Client) error { _, err := c.LeadsByTenant(t.Context(), tenantA, true); return err },
			want: "PageNumber=0&PageSize=100&checkOnline=true&msTenantID=" + tenantA,
		},
		"page": {
			call: func(c *upstream.Client) error {
				_, err := c.LeadsPage(t.Context(), 3, 20_000, lead.AllParts)
				return err
			},
			want: "PageNumber=3&PageSize=20000",
		},
		"page, first page 1": {
			adjust: func(o *upstream.Options) { o.FirstPage = 1 },
			call:   func(c *upstream.Client) error { _, err := c.LeadsPage(t.Context(), 0, 5, lead.AllParts); return err },
			want:   "PageNumber=1&PageSize=5",
		},
	} {
		if err := test.call(newClient(t, handler, test.adjust)); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got.URL.RawQuery != test.want {
			t.Errorf("%s: query is %s, want %s", name, got.URL.RawQuery, test.want)
		}
		if accept := got.Header.Get("Accept"); accept != "application/json" {
			t.Errorf("%s: Accept is %q", name, accept)
		}
		if agent := got.UserAgent(); agent != "leadgraph" {
			t.Errorf("%s: User-Agent is %q", name, agent)
		}
		if _, ok := got.Header["Authorization"]; ok {
			t.Errorf("%s: Authorization without credentials", name)
		}
	}
}

func TestUnsentRequests(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	client := newClient(t, func(http.ResponseWriter, *http.Request) { calls.Add(1) }, nil)
	_, noTenant := client.LeadsByTenant(t.Context(), " ", false)
	_, badPage := client.LeadsPage(t.Context(), -1, 10, lead.AllParts)
	_, noSize := client.LeadsPage(t.Context(), 0, 0, lead.AllParts)
	_, badSize := client.LeadsPage(t.Context(), 0, upstream.MaxPageSize+1, lead.AllParts)
	for _, err := range []error{noTenant, badPage, noSize, badSize} {
		wantKind(t, err, lead.FailureRejected)
	}
	if calls.Load() != 0 {
		t.Errorf("%d calls were made", calls.Load())
	}
}

func TestUnknownTenant(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		body   string
	}{
		"empty array":     {http.StatusOK, testdata(t, "none.json")},
		"null":            {http.StatusOK, "null"},
		"lead error":      {http.StatusNotFound, testdata(t, "error_string.json")},
		"bare lead error": {http.StatusNotFound, "Invalid lead"},
	} {
		client := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(test.status)
			write(w, test.body)
		}, nil)
		leads, err := client.LeadsByTenant(t.Context(), tenantA, false)
		if err != nil || len(leads) != 0 {
			t.Errorf("%s: got %d leads, error %v", name, len(leads), err)
		}
	}
}

func TestLeadErrorIsNoAnswerForAPage(t *testing.T) {
	t.Parallel()
	client := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		write(w, testdata(t, "error_string.json"))
	}, nil)
	_, err := client.LeadsPage(t.Context(), 0, 10, lead.AllParts)
	wantKind(t, err, lead.FailureRejected)
}

func TestForeignRowsAreRefused(t *testing.T) {
	t.Parallel()
	client := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		write(w, "["+row("1")+`,{"id":"2","tenantId":"other"}]`)
	}, nil)
	leads, err := client.LeadsByTenant(t.Context(), tenantA, false)
	if len(leads) != 0 {
		t.Errorf("got %d leads", len(leads))
	}
	if source := sourceError(t, err, lead.FailureBadResponse); !strings.Contains(source.Error(), "tenant filter was ignored") {
		t.Errorf("error is %q", source)
	}
}

// pages is a platform that remembers which pages it was asked for and answers
// some of them with a lead.
type pages struct {
	mu     sync.Mutex
	asked  []string
	filled string
}

func (p *pages) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := r.URL.Query()
	asked := q.Get("PageNumber")
	if q.Get("checkOnline") == "true" {
		asked += " online"
	}
	p.asked = append(p.asked, asked)
	if q.Get("PageNumber") == p.filled && q.Get("msTenantID") != "unknown" {
		write(w, "["+row("1")+"]")
		return
	}
	write(w, "[]")
}

func TestFirstPageGuard(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		firstPage int
		filled    string
		online    bool
		tenants   []string
		leads     int
		want      []string
	}{
		"page 1 is asked until page 0 answered": {
			filled: "0", tenants: []string{"unknown", tenantA, "unknown"}, leads: 1, want: []string{"0", "1", "0", "0"}},
		"a platform that counts from 1": {
			filled: "1", tenants: []string{tenantA, tenantA}, leads: 2, want: []string{"0", "1", "0", "1"}},
		"page 1 is not asked online": {
			filled: "0", online: true, tenants: []string{"unknown"}, want: []string{"0 online", "1"}},
		"first page 1": {
			firstPage: 1, filled: "1", tenants: []string{"unknown"}, want: []string{"1"}},
	} {
		platform := &pages{filled: test.filled}
		client := newClient(t, platform.serve, func(o *upstream.Options) { o.FirstPage = test.firstPage })
		found := 0
		for _, tenant := range test.tenants {
			leads, err := client.LeadsByTenant(t.Context(), tenant, test.online)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			found += len(leads)
		}
		if found != test.leads {
			t.Errorf("%s: %d leads, want %d", name, found, test.leads)
		}
		if diff := cmp.Diff(test.want, platform.asked); diff != "" {
			t.Errorf("%s: pages asked (-want +got):\n%s", name, diff)
		}
	}
}

func TestCallerLeaves(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	client := newClient(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}, func(o *upstream.Options) { o.Retries = 2 })
	if _, err := client.LeadsPage(ctx, 0, 10, lead.AllParts); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

func TestCallersDeadline(t *testing.T) {
	t.Parallel()
	client := newClient(t, hang, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := client.LeadsPage(ctx, 0, 10, lead.AllParts); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v", err)
	}
}

// hang answers nothing until the client leaves.
func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
