package upstream_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"leadgraph/lead"
	"leadgraph/upstream"
	"leadgraph/upstream/sandbox"
)

func TestSandboxQuirks(t *testing.T) {
	t.Parallel()
	from1 := func(o *upstream.Options) { o.FirstPage = 1 }
	for name, test := range map[string]struct {
		quirks sandbox.Options
		adjust func(*upstream.Options)
	}{
		"documented":              {},
		"nested":                  {quirks: sandbox.Options{Nested: true}},
		"envelope":                {quirks: sandbox.Options{Envelope: true}},
		"page size ignored":       {quirks: sandbox.Options{IgnorePageSize: true}},
		"other tenant parameter":  {quirks: sandbox.Options{TenantParam: "msTenantId"}, adjust: func(o *upstream.Options) { o.TenantParam = "msTenantId" }},
		"from 1":                  {quirks: sandbox.Options{FirstPage: 1, PageZero: sandbox.PageZeroError}, adjust: from1},
		"from 1, page 0 repeats":  {quirks: sandbox.Options{FirstPage: 1, PageZero: sandbox.PageZeroRepeat}},
		"from 1, page 0 is empty": {quirks: sandbox.Options{FirstPage: 1, PageZero: sandbox.PageZeroEmpty}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.quirks.Leads = 150
			platform, client, _ := newSandbox(t, test.quirks, test.adjust)
			leads, err := client.LeadsByTenant(t.Context(), tenantA, false)
			if err != nil || len(leads) != 1 || leads[0].ID != leadA {
				t.Errorf("lookup: %v, error %v", ids(leads), err)
			}
			walk, err := client.AllLeads(t.Context(), 0)
			if err != nil || !walk.Complete {
				t.Fatalf("walk: complete %v, error %v", walk.Complete, err)
			}
			if diff := cmp.Diff(platform.IDs(), ids(walk.Leads)); diff != "" {
				t.Errorf("walk (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSandboxFaults(t *testing.T) {
	t.Parallel()
	survived := map[string]sandbox.Fault{
		"reset":         {Reset: true},
		"cut body":      {CutBody: 20},
		"unavailable":   {Status: http.StatusServiceUnavailable},
		"expired token": {ExpiredToken: true},
	}
	for name, fault := range survived {
		platform, client, _ := newSandbox(t, sandbox.Options{Leads: 20}, nil)
		platform.Inject(fault)
		if leads, err := client.LeadsByTenant(t.Context(), tenantA, false); err != nil || len(leads) != 1 {
			t.Errorf("%s: %d leads, error %v", name, len(leads), err)
		}
	}
	for name, fault := range map[string]sandbox.Fault{"HTML": {HTML: true}, "bad JSON": {BadJSON: true}} {
		platform, client, _ := newSandbox(t, sandbox.Options{Leads: 20}, nil)
		platform.Inject(fault)
		_, err := client.LeadsPage(t.Context(), 0, 10, lead.AllParts)
		wantKind(t, err, lead.FailureBadResponse)
		if calls := platform.Calls(); calls.Pages != 1 {
			t.Errorf("%s: %d calls", name, calls.Pages)
		}
	}
}

// No data from the platform and no secret reaches a log.
func TestLogTellsNoData(t *testing.T) {
	t.Parallel()
	const canary = "dana.levi@contoso.example"
	platform, client, log := newSandbox(t, sandbox.Options{Leads: 20}, func(o *upstream.Options) { o.Retries = -1 })
	for _, fault := range []sandbox.Fault{
		{Status: http.StatusOK, Body: `[{"id":"1","tenantId":"` + tenantA + `","consentedOn":"` + canary + `","isDirectLead":"` + canary + `"}]`},
		{Status: http.StatusOK, Body: `["` + canary + `"]`},
		{Status: http.StatusOK, Body: canary},
		{Status: http.StatusBadRequest, Body: `{"title":"` + canary + `"}`},
	} {
		platform.Inject(fault)
		_, err := client.LeadsByTenant(t.Context(), tenantA, false)
		if err != nil && strings.Contains(err.Error(), canary) {
			t.Errorf("the error quotes the answer: %v", err)
		}
	}
	text := log.String()
	if !strings.Contains(text, "fields.consentedOn=1 fields.isDirectLead=1") {
		t.Error("the log does not name the odd fields")
	}
	for _, secret := range []string{canary, tenantA, sandbox.DefaultClientSecret, "msTenantID"} {
		if strings.Contains(text, secret) {
			t.Errorf("the log tells %q", secret)
		}
	}
}
