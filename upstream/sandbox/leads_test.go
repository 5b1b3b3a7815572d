package sandbox_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"leadgraph/upstream/sandbox"
)

const (
	seedLead   = "da68eafc-d3c6-4d3b-9a10-c48b26c6086b"
	seedTenant = "f94238e5-4f2c-4e1b-8125-2d27122ca75f"
	twinTenant = "6a7c0e81-4b3d-4f92-ae15-c9d8f7b6e510"
	noTenant   = "00000000-0000-4000-8000-000000000000"
)

func TestPagesSliceTheList(t *testing.T) {
	t.Parallel()
	for _, first := range []int{0, 1} {
		p := open(t, sandbox.Options{FirstPage: first})
		all := p.IDs()
		rapid.Check(t, func(rt *rapid.T) {
			size := rapid.IntRange(1, 80).Draw(rt, "size")
			index := rapid.IntRange(0, 80).Draw(rt, "index")
			got := ids(t, p.leads(t, "PageNumber", strconv.Itoa(first+index), "PageSize", strconv.Itoa(size)))
			from := min(index*size, len(all))
			if diff := cmp.Diff(all[from:min(from+size, len(all))], got); diff != "" {
				rt.Fatal(diff)
			}
		})
	}
}

func TestDefaultsAndSpellings(t *testing.T) {
	t.Parallel()
	p := open(t, sandbox.Options{})
	all := p.IDs()
	for name, c := range map[string]struct {
		query []string
		want  []string
	}{
		"defaults":           {nil, all[:10]},
		"any case":           {[]string{"pagenumber", "1", "PAGESIZE", "5"}, all[5:10]},
		"maximum":            {[]string{"PageSize", "20000"}, all},
		"zero rows":          {[]string{"PageSize", "0"}, []string{}},
		"far past the end":   {[]string{"PageNumber", "2147483647", "PageSize", "20000"}, []string{}},
		"unknown key":        {[]string{"Page Number", "3"}, all[:10]},
		"tenant":             {[]string{"msTenantID", seedTenant}, all[:1]},
		"tenant, other case": {[]string{"mstenantid", strings.ToUpper(seedTenant)}, all[:1]},
		"two leads":          {[]string{"msTenantId", twinTenant}, all[2:4]},
		"tenant, next page":  {[]string{"msTenantID", seedTenant, "PageNumber", "1"}, []string{}},
		"unknown tenant":     {[]string{"msTenantID", noTenant}, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := p.leads(t, c.query...)
			if diff := cmp.Diff(c.want, ids(t, r)); diff != "" {
				t.Error(diff)
			}
			if r.header.Get("Content-Length") != strconv.Itoa(len(r.body)) {
				t.Error("no Content-Length")
			}
		})
	}
}

func TestBadParameters(t *testing.T) {
	t.Parallel()
	p := open(t, sandbox.Options{})
	for _, c := range [][2]string{
		{"PageSize", "20001"}, {"PageSize", "-1"}, {"PageSize", "ten"}, {"PageNumber", "-1"},
		{"PageNumber", "2147483648"}, {"PageNumber", "x"}, {"checkOnline", "maybe"},
	} {
		r := p.leads(t, c[0], c[1])
		var problem struct {
			Errors map[string][]string
			Status int
		}
		if err := json.Unmarshal([]byte(r.body), &problem); err != nil {
			t.Fatal(err)
		}
		if r.status != http.StatusBadRequest || problem.Status != http.StatusBadRequest || len(problem.Errors[c[0]]) != 1 {
			t.Errorf("%v: status %d, body %s", c, r.status, r.body)
		}
	}
}

func TestExactTenantParam(t *testing.T) {
	t.Parallel()
	p := open(t, sandbox.Options{TenantParam: "msTenantId"})
	if got := ids(t, p.leads(t, "msTenantId", seedTenant)); len(got) != 1 {
		t.Errorf("exact spelling: %d rows", len(got))
	}
	if got := ids(t, p.leads(t, "msTenantID", seedTenant)); len(got) != 10 {
		t.Errorf("other spelling: %d rows, want the first page", len(got))
	}
}

func TestIgnorePageSize(t *testing.T) {
	t.Parallel()
	p := open(t, sandbox.Options{IgnorePageSize: true})
	got := ids(t, p.leads(t, "PageNumber", "1", "PageSize", "50"))
	if diff := cmp.Diff(p.IDs()[10:20], got); diff != "" {
		t.Error(diff)
	}
}

func TestPageZero(t *testing.T) {
	t.Parallel()
	for behaviour, want := range map[string]int{"": 10, sandbox.PageZeroRepeat: 10, sandbox.PageZeroEmpty: 0} {
		p := open(t, sandbox.Options{FirstPage: 1, PageZero: behaviour})
		got := ids(t, p.leads(t, "PageNumber", "0"))
		if diff := cmp.Diff(p.IDs()[:want], got); diff != "" {
			t.Errorf("%q: %s", behaviour, diff)
		}
	}
	p := open(t, sandbox.Options{FirstPage: 1, PageZero: sandbox.PageZeroError})
	if r := p.leads(t, "PageNumber", "0"); r.status != http.StatusBadRequest || !strings.Contains(r.body, "errorTicket") {
		t.Errorf("status %d, body %s", r.status, r.body)
	}
}

func TestOuterForms(t *testing.T) {
	t.Parallel()
	p := open(t, sandbox.Options{Nested: true})
	var nested []json.RawMessage
	decode(t, p.leads(t).body, &nested)
	if len(nested) != 1 || !slices.Equal(idsOf(t, string(nested[0])), p.IDs()[:10]) {
		t.Error("nested: not one list of ten leads")
	}
	if r := p.leads(t, "msTenantID", noTenant); r.body != "[[]]" {
		t.Errorf("nested, unknown tenant: %s", r.body)
	}

	p = open(t, sandbox.Options{Envelope: true})
	var envelope struct {
		CurrentPage, PageSize, TotalPages, TotalRecords int
		Data                                            json.RawMessage
	}
	decode(t, p.leads(t, "PageNumber", "2", "PageSize", "25").body, &envelope)
	if envelope.CurrentPage != 2 || envelope.PageSize != 25 || envelope.TotalPages != 3 || envelope.TotalRecords != 60 {
		t.Errorf("envelope: %+v", envelope)
	}
	if !slices.Equal(idsOf(t, string(envelope.Data)), p.IDs()[50:]) {
		t.Error("envelope: wrong rows")
	}
}

func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v in %.200s", err, text)
	}
}

func TestCheckOnline(t *testing.T) {
	t.Parallel()
	p := open(t, sandbox.Options{})
	tenant := p.OnlineTenants()[2]
	for _, step := range []struct {
		online string
		want   int
	}{{"false", 0}, {"True", 1}, {"true", 1}, {"false", 1}} {
		if got := ids(t, p.leads(t, "msTenantID", tenant, "checkOnline", step.online)); len(got) != step.want {
			t.Fatalf("checkOnline=%s: %d rows, want %d", step.online, len(got), step.want)
		}
	}
	if all := p.Tenants(); all[len(all)-1] != tenant || len(p.IDs()) != 61 {
		t.Error("the lead was not synced once, at the end")
	}
	if got := ids(t, p.leads(t, "msTenantID", noTenant, "checkOnline", "true")); len(got) != 0 {
		t.Errorf("unknown tenant: %d rows", len(got))
	}
	if got := p.Calls(); got.CheckOnline != 3 || got.ByTenant != 5 {
		t.Errorf("counts %+v", got)
	}
}

func TestLatency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := sandbox.New(sandbox.Options{Leads: 10, NoAuth: true, Latency: time.Second, OnlineLatency: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			query string
			want  time.Duration
		}{
			{"", time.Second},
			{"?checkOnline=true&msTenantID=" + seedTenant, time.Second},
			{"?checkOnline=true&msTenantID=" + noTenant, time.Minute + time.Second},
		} {
			began := time.Now()
			s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, leadPath+c.query, nil))
			if took := time.Since(began); took != c.want {
				t.Errorf("%q took %v, want %v", c.query, took, c.want)
			}
		}
	})
}

func TestCallerLeaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := sandbox.New(sandbox.Options{Leads: 10, NoAuth: true, Latency: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, leadPath, nil))
		if took := time.Since(began); took != time.Second || w.Body.Len() != 0 {
			t.Errorf("left after %v with %d bytes", took, w.Body.Len())
		}
	})
}
