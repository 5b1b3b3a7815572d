package sandbox_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"leadgraph/upstream/sandbox"
)

func TestControlCalls(t *testing.T) {
	t.Parallel()
	p := start(t, sandbox.Options{Leads: 30})
	p.logIn(t)
	p.leads(t, "PageNumber", "2", "PageSize", "12")
	p.leads(t, "msTenantID", seedTenant)
	var got sandbox.Calls
	decode(t, p.do(t, http.MethodGet, "/sandbox/calls", "", "").body, &got)
	if got.Token != 1 || got.Pages != 1 || got.ByTenant != 1 || got.Rows != 7 || got.ByStatus[200] != 3 || got.Peak != 1 {
		t.Errorf("counts %+v", got)
	}
	if !slices.Equal(got.Recent, []sandbox.PageCall{{Page: 2, Size: 12}}) {
		t.Errorf("page calls %v", got.Recent)
	}
	p.do(t, http.MethodPost, "/sandbox/calls/reset", "", "")
	if got := p.Calls(); got.Token+got.Pages+got.ByTenant+got.Rows+len(got.ByStatus)+len(got.Recent) != 0 {
		t.Errorf("counts after the reset %+v", got)
	}
}

func TestControlFaults(t *testing.T) {
	t.Parallel()
	p := open(t, sandbox.Options{})
	inject := func(body string) reply { return p.do(t, http.MethodPost, "/sandbox/faults", "", body) }
	if r := inject(`{"kind":"page","times":2,"status":429,"retryAfter":"3","latency":"1ms"}`); r.status != http.StatusNoContent {
		t.Fatalf("status %d, body %s", r.status, r.body)
	}
	if r := p.leads(t); r.status != 429 || r.header.Get("Retry-After") != "3" {
		t.Errorf("status %d, header %v", r.status, r.header)
	}
	p.do(t, http.MethodDelete, "/sandbox/faults", "", "")
	if r := p.leads(t); r.status != http.StatusOK {
		t.Errorf("after the deletion: status %d", r.status)
	}
	inject(`{"set":{"status":"Dormant","comments":null},"gzip":true}`)
	if r := p.leads(t); !strings.Contains(r.body, `"status":"Dormant"`) || !strings.Contains(r.body, `"comments":null`) {
		t.Errorf("set: %s", r.body)
	}
	for _, bad := range []string{``, `{"kind":"paeg"}`, `{"statsu":500}`, `{"status":99}`, `{"latency":"soon"}`, `{"latency":5}`} {
		if r := inject(bad); r.status != http.StatusBadRequest {
			t.Errorf("%s: status %d", bad, r.status)
		}
	}
}

func TestControlShift(t *testing.T) {
	t.Parallel()
	p := open(t, sandbox.Options{})
	before := p.IDs()
	var got struct{ Inserted, Removed []string }
	decode(t, p.do(t, http.MethodPost, "/sandbox/shift", "", `{"at":5,"insert":2,"remove":1}`).body, &got)
	if !slices.Equal(got.Removed, before[5:6]) || !slices.Equal(p.IDs(), slices.Concat(before[:5], got.Inserted, before[6:])) {
		t.Errorf("inserted %v, removed %v", got.Inserted, got.Removed)
	}
	if r := p.do(t, http.MethodPost, "/sandbox/shift", "", `{"insert":500001}`); r.status != http.StatusBadRequest {
		t.Errorf("too many leads: status %d", r.status)
	}
}

func TestControlRefusesOtherOrigins(t *testing.T) {
	t.Parallel()
	p := open(t, sandbox.Options{})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+"/sandbox/shift", strings.NewReader(`{"remove":60}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close() // the body does not matter
	if res.StatusCode != http.StatusForbidden || len(p.IDs()) != 60 {
		t.Errorf("status %d, %d leads left", res.StatusCode, len(p.IDs()))
	}
}
