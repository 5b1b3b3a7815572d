package upstream_test

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"leadgraph/lead"
	"leadgraph/upstream"
	"leadgraph/upstream/sandbox"
)

// The ways in which a row cannot be read, by reason.
var spoilt = map[string]map[string]any{
	"no_id":          {"id": nil},
	"zero_id":        {"id": "00000000-0000-0000-0000-000000000000"},
	"no_tenant_id":   {"tenantId": ""},
	"zero_tenant_id": {"tenantId": "{00000000-0000-0000-0000-000000000000}"},
	"bad_tenant_id":  {"tenantId": "contoso.example"},
}

// Rows that cannot be read keep their places on a page, are left out of a walk and are
// counted by reason, and the log has no content of theirs.
func TestUnreadableRows(t *testing.T) {
	t.Parallel()
	counted := map[string]int{}
	platform, client, log := newSandbox(t, sandbox.Options{Leads: 25}, func(o *upstream.Options) {
		o.ObserveUnreadable = func(_ context.Context, reasons map[string]int) {
			for reason, n := range reasons {
				counted[reason] += n
			}
		}
	})
	ids := platform.IDs()
	places := map[int]string{}
	for i, reason := range slices.Sorted(maps.Keys(spoilt)) {
		places[3+i] = reason
		platform.Spoil(3+i, spoilt[reason])
	}
	rows, err := client.LeadsPage(t.Context(), 0, 10, 0)
	if err != nil || len(rows) != 10 {
		t.Fatalf("%d rows, error %v", len(rows), err)
	}
	for i, l := range rows {
		if _, hole := places[i]; hole != (l == nil) || l != nil && l.ID != ids[i] {
			t.Errorf("row %d is %v", i, l)
		}
	}
	want := map[string]int{}
	for _, reason := range places {
		want[reason] = 1
	}
	if diff := cmp.Diff(want, counted); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	if text := log.String(); !strings.Contains(text, "rows=10 unreadable=5 reasons.bad_tenant_id=1") || strings.Contains(text, "contoso") {
		t.Errorf("log:\n%s", text)
	}
	walk, err := client.AllLeads(t.Context(), 2) // pages of unreadable rows alone
	if err != nil || !walk.Complete || walk.Unreadable != 5 || len(walk.Leads) != 20 {
		t.Errorf("walk: %d leads, %d unreadable, complete %v, error %v", len(walk.Leads), walk.Unreadable, walk.Complete, err)
	}
}

// An answer none of whose rows can be read does not mean that there are no leads.
func TestOnlyUnreadableRows(t *testing.T) {
	t.Parallel()
	client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("PageNumber") > "1" {
			write(w, "[]")
			return
		}
		write(w, `[{"leadId":"1"},null]`)
	}, nil)
	_, err := client.LeadsByTenant(t.Context(), tenantA, false)
	wantKind(t, err, lead.FailureBadResponse)
	_, err = client.AllLeads(t.Context(), 2)
	wantKind(t, err, lead.FailureBadResponse)
}

// In a lookup, the readable rows are the answer.
func TestLookupLeavesOutUnreadableRows(t *testing.T) {
	t.Parallel()
	client := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		write(w, `[{"id":"","tenantId":"`+tenantA+`"},`+row("1")+`,{"id":"2"},null]`)
	}, nil)
	leads, err := client.LeadsByTenant(t.Context(), tenantA, false)
	if err != nil || len(leads) != 1 || leads[0].ID != "1" {
		t.Errorf("got %d leads, error %v", len(leads), err)
	}
}

// Rows that share an id count once. If they differ, the first counts and the others are
// reported.
func TestRowsThatShareAnID(t *testing.T) {
	t.Parallel()
	const changed = `{"id":"1","tenantId":"` + tenantA + `","status":"Active"}`
	for name, test := range map[string]struct {
		rows      string
		conflicts int
	}{
		"equal":  {row("1") + "," + row("1") + "," + row("2"), 0},
		"differ": {row("1") + "," + changed + "," + row("2") + "," + changed, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conflicts := 0
			client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Get("PageNumber") != "0" {
					write(w, "[]")
					return
				}
				write(w, "["+test.rows+"]")
			}, func(o *upstream.Options) {
				o.ObserveConflicts = func(_ context.Context, rows int) { conflicts += rows }
			})
			walk, err := client.AllLeads(t.Context(), 10)
			if err != nil || len(walk.Leads) != 2 || walk.Conflicts != test.conflicts || conflicts != test.conflicts || walk.Leads[0].StatusText != nil {
				t.Errorf("walk: %+v, error %v, %d reported", walk, err, conflicts)
			}
			conflicts = 0
			rows, err := client.LeadsPage(t.Context(), 0, 10, lead.AllParts)
			if err != nil || len(rows) < 3 || conflicts != test.conflicts {
				t.Errorf("page: %d rows, error %v, %d reported", len(rows), err, conflicts)
			}
			conflicts = 0
			err = client.EachLead(t.Context(), 0, 10, lead.AllParts, func() {}, func(*lead.Lead) error { return nil })
			if err != nil || conflicts != test.conflicts {
				t.Errorf("row by row: error %v, %d reported", err, conflicts)
			}
			conflicts = 0
			leads, err := client.LeadsByTenant(t.Context(), tenantA, false)
			if err != nil || len(leads) != 2 || leads[0].StatusText != nil || conflicts != test.conflicts {
				t.Errorf("lookup: %d leads, error %v, %d reported", len(leads), err, conflicts)
			}
		})
	}
}
