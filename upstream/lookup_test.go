package upstream_test

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"leadgraph/lead"
	"leadgraph/upstream"
	"leadgraph/upstream/sandbox"
)

func TestUnknownTenant(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		body   string
	}{
		"empty array":     {http.StatusOK, "[]"},
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

func TestForeignRowsAreRefused(t *testing.T) {
	t.Parallel()
	client := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		write(w, "["+row("1")+`,{"id":"2","tenantId":"9e2d4c10-77aa-4b7e-8f53-5a1c2be0d902"}]`)
	}, nil)
	leads, err := client.LeadsByTenant(t.Context(), tenantA, false)
	if len(leads) != 0 {
		t.Errorf("got %d leads", len(leads))
	}
	if source := sourceError(t, err, lead.FailureBadResponse); !strings.Contains(source.Error(), "tenant filter was ignored") {
		t.Errorf("error is %q", source)
	}
}

// pages is a platform with a lead on the page filled and no other. It remembers which
// pages were requested.
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
			filled: "1", tenants: []string{tenantA, tenantA}, leads: 2, want: []string{"0", "1", "1"}},
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

func TestRepeatedLeadsOfATenantCountOnce(t *testing.T) {
	t.Parallel()
	platform, client, _ := newSandbox(t, sandbox.Options{Leads: 20}, nil)
	platform.Inject(sandbox.Fault{Times: -1, RepeatRows: true})
	leads, err := client.LeadsByTenant(t.Context(), tenantA, false)
	if err != nil || len(leads) != 1 {
		t.Errorf("lookup: %v, error %v", ids(leads), err)
	}
	walk, err := client.AllLeads(t.Context(), 7)
	if diff := cmp.Diff(platform.IDs(), ids(walk.Leads)); err != nil || !walk.Complete || diff != "" {
		t.Errorf("walk: complete %v, error %v (-want +got):\n%s", walk.Complete, err, diff)
	}
}

// The result must not have leads from an earlier attempt, which broke off.
func TestLeadsOfABrokenAnswerAreDropped(t *testing.T) {
	t.Parallel()
	var answers atomic.Int32
	client := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		if answers.Add(1) == 1 {
			breakOff(w, "["+row("a")+",")
		}
		w.WriteHeader(http.StatusNotFound)
		write(w, "Invalid lead")
	}, func(o *upstream.Options) { o.FirstPage, o.Retries = 1, 1 })
	leads, err := client.LeadsByTenant(t.Context(), tenantA, false)
	if err != nil || len(leads) != 0 {
		t.Errorf("got %d leads, error %v", len(leads), err)
	}
}
