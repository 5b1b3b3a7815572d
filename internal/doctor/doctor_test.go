package doctor_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"leadgraph/internal/doctor"
	"leadgraph/lead"
	"leadgraph/upstream"
	"leadgraph/upstream/sandbox"
	"leadgraph/upstream/token"
)

// tb is the common interface of *testing.T and *rapid.T.
type tb interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Cleanup(f func())
	Context() context.Context
}

// patient is a platform to examine.
type patient struct {
	*sandbox.Server
	url     string
	options doctor.Options
}

// admit starts a platform, wrapped by wrap if that is not nil.
func admit(t tb, quirks sandbox.Options, wrap func(http.Handler) http.Handler) *patient {
	t.Helper()
	platform, err := sandbox.New(quirks)
	if err != nil {
		t.Fatal(err)
	}
	var handler http.Handler = platform
	if wrap != nil {
		handler = wrap(platform)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return &patient{Server: platform, url: server.URL, options: doctor.Options{
		Rate: 100_000,
		Platform: upstream.Options{
			BaseURL: server.URL + sandbox.BasePath,
			Credentials: token.Credentials{
				TokenURL: server.URL + sandbox.TokenPath,
				ClientID: sandbox.DefaultClientID, ClientSecret: sandbox.DefaultClientSecret, Scope: sandbox.DefaultScope,
			},
		},
	}}
}

func (p *patient) examine(t tb) *doctor.Report {
	t.Helper()
	report, err := doctor.Examine(t.Context(), p.options)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func check(t tb, r *doctor.Report, name string) doctor.Check {
	t.Helper()
	i := slices.IndexFunc(r.Checks, func(c doctor.Check) bool { return c.Name == name })
	if i < 0 {
		t.Fatalf("there is no check %q", name)
	}
	return r.Checks[i]
}

// settings returns a report's settings as one string.
func settings(r *doctor.Report) string {
	var list []string
	for _, s := range r.Settings {
		list = append(list, s.String())
	}
	return strings.Join(list, " ")
}

// follow returns a client with the settings, and the page size of its walk.
func follow(t tb, p *patient, r *doctor.Report) (client *upstream.Client, walk int, byCatalogue bool) {
	t.Helper()
	o := p.options.Platform
	walk = upstream.MaxPageSize
	number := func(text string) int {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, s := range r.Settings {
		switch s.Flag {
		case "--first-page":
			o.FirstPage = number(s.Value)
		case "--tenant-param":
			o.TenantParam = s.Value
		case "--page-size":
			o.PageSize = number(s.Value)
		case "--catalogue-page-size":
			walk = number(s.Value)
		case "--pages-from-catalogue":
			byCatalogue = true
		case "--upstream-url":
			o.BaseURL = s.Value
		default:
			t.Fatalf("what does %s do?", s)
		}
	}
	client, err := upstream.NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client, walk, byCatalogue
}

// prove reads everything with the report's settings.
func prove(t tb, p *patient, quirks sandbox.Options, r *doctor.Report) {
	t.Helper()
	client, size, byCatalogue := follow(t, p, r)
	want := p.IDs()
	for _, size := range []int{size, 0} {
		if size == 0 && quirks.Unordered {
			continue // only the largest page holds all leads
		}
		walk, err := client.AllLeads(t.Context(), size)
		if err != nil || !walk.Complete {
			t.Fatalf("walk by %d: complete %v, error %v", size, walk.Complete, err)
		}
		got := idsOf(walk.Leads)
		if quirks.Unordered {
			slices.Sort(got)
			want = slices.Sorted(slices.Values(want))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("walk by %d (-want +got):\n%s", size, diff)
		}
	}
	tenants := p.Tenants()
	for _, tenant := range tenants[:min(5, len(tenants))] {
		leads, err := client.LeadsByTenant(t.Context(), tenant, false)
		if err != nil || len(leads) == 0 || slices.ContainsFunc(leads, func(l *lead.Lead) bool { return l.TenantID != tenant }) {
			t.Fatalf("lookup of %s: %d leads, error %v", tenant, len(leads), err)
		}
	}
	if leads, err := client.LeadsByTenant(t.Context(), "11111111-2222-4333-8444-555555555555", false); err != nil || len(leads) > 0 {
		t.Fatalf("lookup of nobody: %d leads, error %v", len(leads), err)
	}
	if byCatalogue {
		return
	}
	for _, size := range []int{1, 7, 50, 101, 2018} {
		for _, number := range []int{0, 1, 3} {
			leads, err := client.LeadsPage(t.Context(), number, size, lead.AllParts)
			if errors.Is(err, lead.ErrPageCut) && client.MaxPageSize() < size {
				continue // the server plans smaller pages
			}
			from := min(number*size, len(want))
			if diff := cmp.Diff(want[from:min(from+size, len(want))], idsOf(leads)); diff != "" || err != nil {
				t.Fatalf("page %d of %d (-want +got): error %v\n%s", number, size, err, diff)
			}
		}
	}
}

func idsOf(leads []*lead.Lead) []string {
	ids := make([]string, len(leads))
	for i, l := range leads {
		ids[i] = l.ID
	}
	return ids
}

func TestQuirks(t *testing.T) {
	t.Parallel()
	from1 := func(zero string) sandbox.Options { return sandbox.Options{FirstPage: 1, PageZero: zero} }
	for name, test := range map[string]struct {
		quirks   sandbox.Options
		adjust   func(*doctor.Options)
		settings string
		checks   map[string]string // the result and a prefix of the finding
	}{
		"documented": {checks: map[string]string{
			"first-page": "ok 0: pages 0 and 1 differ", "page-size": "ok honoured as far as the platform's 25 leads", "shape": "ok leads come as a bare array",
			"tenant-param": "ok msTenantID works, in any letter case", "unknown-tenant": "ok 200 with no leads", "leads": "ok 25 leads on 2 pages, the complete list", "order": "ok ",
			"compression": "ok the platform does not",
		}},
		"from 1, page 0 repeats":  {quirks: from1(sandbox.PageZeroRepeat), settings: "--first-page 1", checks: map[string]string{"first-page": "ok 1: page 0 repeats page 1"}},
		"from 1, page 0 is empty": {quirks: from1(sandbox.PageZeroEmpty), settings: "--first-page 1", checks: map[string]string{"first-page": "ok 1: page 0 is empty"}},
		"from 1, page 0 refused":  {quirks: from1(sandbox.PageZeroError), settings: "--first-page 1", checks: map[string]string{"first-page": "ok 1: page 0 is refused (400)"}},
		"from 1, as configured":   {quirks: from1(""), adjust: func(o *doctor.Options) { o.Platform.FirstPage = 1 }},
		"from 0, configured as 1": {adjust: func(o *doctor.Options) { o.Platform.FirstPage = 1 }, settings: "--first-page 0"},
		"few leads":               {quirks: sandbox.Options{Leads: 7}, checks: map[string]string{"first-page": "ok 0: page 0 has 7 leads and page 1 none", "leads": "ok 7 leads"}},
		"few leads, from 1":       {quirks: sandbox.Options{Leads: 7, FirstPage: 1}, settings: "--first-page 1", checks: map[string]string{"first-page": "ok 1: page 0 repeats page 1"}},
		"one lead":                {quirks: sandbox.Options{Leads: 1}, checks: map[string]string{"order": "skipped there are too few", "tenant-param": "ok "}},
		"one lead, from 1":        {quirks: sandbox.Options{Leads: 1, FirstPage: 1, PageZero: sandbox.PageZeroEmpty, TenantParam: "msTenantId"}, settings: "--first-page 1 --tenant-param msTenantId"},
		"no leads": {quirks: sandbox.Options{Empty: true}, checks: map[string]string{
			"first-page": "warning the platform has no leads,", "tenant-param": "warning the platform has no leads that can be read,", "leads": "ok 0 leads", "lookups": "skipped ",
		}},
		"nested":                   {quirks: sandbox.Options{Nested: true}, checks: map[string]string{"shape": "ok leads come as an array in an array"}},
		"envelope":                 {quirks: sandbox.Options{Envelope: true}, checks: map[string]string{"shape": "ok leads come as an object with the leads in its member data"}},
		"single object":            {quirks: sandbox.Options{Single: true, Leads: 1}, checks: map[string]string{"shape": "ok leads come as a single object"}},
		"msTenantId only":          {quirks: sandbox.Options{TenantParam: "msTenantId"}, settings: "--tenant-param msTenantId", checks: map[string]string{"tenant-param": "ok the platform accepts only msTenantId"}},
		"msTenantID only":          {quirks: sandbox.Options{TenantParam: "msTenantID"}, checks: map[string]string{"tenant-param": "ok the platform accepts only msTenantID"}},
		"configured spelling":      {quirks: sandbox.Options{TenantParam: "tenant"}, adjust: func(o *doctor.Options) { o.Platform.TenantParam = "tenant" }, checks: map[string]string{"tenant-param": "ok the platform accepts only tenant"}},
		"unknown tenant 404":       {quirks: sandbox.Options{UnknownTenant404: true}, checks: map[string]string{"unknown-tenant": "ok 404 naming the lead"}},
		"page size ignored":        {quirks: sandbox.Options{IgnorePageSize: true}, settings: "--catalogue-page-size 10 --page-size 10 --pages-from-catalogue", checks: map[string]string{"page-size": "warning the page size is ignored: requested 1 lead, got 10", "leads": "ok 25 leads on 4 pages"}},
		"pages cut":                {quirks: sandbox.Options{CutAbove: 15}, settings: "--catalogue-page-size 15 --page-size 15", checks: map[string]string{"page-size": "warning pages are cut: requested 200 leads, got 15"}},
		"pages cut at a step":      {quirks: sandbox.Options{CutAbove: 10}, settings: "--catalogue-page-size 10 --page-size 10"},
		"large pages refused":      {quirks: sandbox.Options{RefuseAbove: 5000}, settings: "--catalogue-page-size 4915", checks: map[string]string{"page-size": "warning pages of more than about"}},
		"small pages refused":      {quirks: sandbox.Options{RefuseAbove: 120}, settings: "--catalogue-page-size 119 --pages-from-catalogue"},
		"no order, one page":       {quirks: sandbox.Options{Unordered: true}, settings: "--first-page 0 --pages-from-catalogue", checks: map[string]string{"order": "warning the platform has no stable order"}},
		"no order, from 1":         {quirks: sandbox.Options{Unordered: true, FirstPage: 1}, settings: "--first-page 1 --pages-from-catalogue"},
		"several at once":          {quirks: sandbox.Options{FirstPage: 1, PageZero: sandbox.PageZeroError, Nested: true, Envelope: true, TenantParam: "msTenantId", IgnorePageSize: true, UnknownTenant404: true}, settings: "--catalogue-page-size 10 --first-page 1 --page-size 10 --pages-from-catalogue --tenant-param msTenantId"},
		"unknown tenant 404, JSON": {quirks: sandbox.Options{UnknownTenant: "404"}, checks: map[string]string{"unknown-tenant": "ok 404 naming the lead"}},
		"unknown tenant 404, bare": {quirks: sandbox.Options{UnknownTenant: sandbox.NothingBare404}, checks: map[string]string{"unknown-tenant": "ok 404 naming the lead"}},
		"unknown tenant 204":       {quirks: sandbox.Options{UnknownTenant: sandbox.NothingNoContent}, checks: map[string]string{"unknown-tenant": "ok 204 with no leads"}},
		"unknown tenant blank":     {quirks: sandbox.Options{UnknownTenant: sandbox.NothingBlank}, checks: map[string]string{"unknown-tenant": "ok 200 with no leads"}},
		"past the end 404":         {quirks: sandbox.Options{PastEnd: "404"}, checks: map[string]string{"leads": "ok 25 leads on 2 pages, the complete list"}},
		"past the end 416, cut":    {quirks: sandbox.Options{PastEnd: "416", CutAbove: 5}, settings: "--catalogue-page-size 5 --page-size 5", checks: map[string]string{"leads": "ok 25 leads on 6 pages, the complete list"}},
		"past the end blank":       {quirks: sandbox.Options{PastEnd: sandbox.NothingBlank}, checks: map[string]string{"leads": "ok 25 leads on 2 pages, the complete list"}},
		"token of few seconds":     {quirks: sandbox.Options{TokenLifetime: 20 * time.Second}, checks: map[string]string{"token": "warning a token valid for only 20s"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.quirks.Leads == 0 {
				test.quirks.Leads = 25
			}
			p := admit(t, test.quirks, nil)
			if test.adjust != nil {
				test.adjust(&p.options)
			}
			r := p.examine(t)
			if got := settings(r); got != test.settings {
				t.Errorf("settings %q, want %q", got, test.settings)
			}
			want := doctor.Usable
			if test.settings != "" {
				want = doctor.UsableWithSettings
			}
			if r.Verdict != want {
				t.Errorf("verdict %s: %+v", r.Verdict, r.Checks)
			}
			for name, want := range test.checks {
				if c := check(t, r, name); !strings.HasPrefix(string(c.Result)+" "+c.Finding, want) {
					t.Errorf("%s: %s %s, want %s", name, c.Result, c.Finding, want)
				}
			}
			if r.Calls > 60+walkCalls(r) {
				t.Errorf("%d calls", r.Calls)
			}
			if got := p.Calls(); got.CheckOnline > 0 || got.Peak > 1 {
				t.Errorf("%d calls with checkOnline, %d at a time", got.CheckOnline, got.Peak)
			}
			prove(t, p, test.quirks, r)
		})
	}
}

// walkCalls returns the number of additional calls that the walk may take.
func walkCalls(r *doctor.Report) int {
	if r.Facts.LargestPage == nil || *r.Facts.LargestPage == 0 || r.Facts.Leads == nil {
		return 0
	}
	return *r.Facts.Leads / *r.Facts.LargestPage
}

// More leads than fit one page. They are small, to save time.
func TestManyLeads(t *testing.T) {
	t.Parallel()
	const leads = 20_100
	r := admit(t, sandbox.Options{}, instead(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		number, _ := strconv.Atoi(query.Get("PageNumber"))
		size, _ := strconv.Atoi(query.Get("PageSize"))
		from, to := min(number*size, leads), min((number+1)*size, leads)
		if tenant, err := strconv.Atoi(strings.TrimPrefix(query.Get("msTenantID"), "f94238e5-4f2c-4e1b-8125-")); err == nil {
			from, to = tenant, tenant+1
		} else if query.Has("msTenantID") {
			from, to = 0, 0
		}
		rows := make([]string, 0, to-from)
		for i := from; i < to; i++ {
			rows = append(rows, fmt.Sprintf(`{"id":%d,"tenantId":"f94238e5-4f2c-4e1b-8125-%012d"}`, i, i))
		}
		body("application/json", "["+strings.Join(rows, ",")+"]")(w, r)
	})).examine(t)
	if c := check(t, r, "page-size"); c.Finding != "pages of 1 to 20,000 leads are answered in full" || r.Verdict != doctor.Usable {
		t.Errorf("verdict %s, %+v", r.Verdict, c)
	}
	if c := check(t, r, "leads"); c.Finding != "20,100 leads on 3 pages, the complete list" {
		t.Errorf("%+v", c)
	}
}

func TestHopeless(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		quirks  sandbox.Options
		check   string
		finding string
	}{
		"no spelling counts":           {sandbox.Options{TenantParam: "customer"}, "tenant-param", "no spelling of the tenant filter works (msTenantID, msTenantId, mstenantid)"},
		"one lead, filter ignored":     {sandbox.Options{TenantParam: "customer", Leads: 1}, "tenant-param", "no spelling"},
		"number ignored":               {sandbox.Options{IgnorePageNumber: true}, "first-page", "the page number is ignored: every page is the first"},
		"number and size ignored":      {sandbox.Options{IgnorePageNumber: true, IgnorePageSize: true}, "first-page", "the page number is ignored"},
		"one lead, number ignored":     {sandbox.Options{IgnorePageNumber: true, Leads: 1}, "first-page", "the page number is ignored"},
		"no order, more than a page":   {sandbox.Options{Unordered: true, CutAbove: 15}, "order", "a page requested again is different"},
		"fixed size, then a refusal":   {sandbox.Options{IgnorePageSize: true, PastEnd: "404", Leads: 20}, "leads", "a page is refused (404) after 20 leads, although the list may go on"},
		"pages of one, then a refusal": {sandbox.Options{CutAbove: 1, PastEnd: "404", Leads: 20}, "leads", "a page is refused (404) after 20 leads, although the list may go on"},
		"lookups refused by the size":  {sandbox.Options{RefuseAbove: 50}, "tenant-param", "no spelling"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.quirks.Leads == 0 {
				test.quirks.Leads = 25
			}
			r := admit(t, test.quirks, nil).examine(t)
			if c := check(t, r, test.check); r.Verdict != doctor.Unusable || c.Result != doctor.Failed || !strings.HasPrefix(c.Finding, test.finding) {
				t.Errorf("verdict %s, %s %s", r.Verdict, c.Result, c.Finding)
			}
		})
	}
}

// A list that changes while it is read is not taken for one without an order.
func TestMovingRows(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		skip    int // page calls before the change
		check   string
		finding string
	}{
		"between the pages 0 and 1":   {2, "first-page", "0: pages 0 and 1 differ"},
		"between a page and its copy": {9, "order", "rows moved while they were read"},
		"in the walk":                 {13, "leads", "25 leads on 2 pages"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			var p *patient
			p = admit(t, sandbox.Options{Leads: 25}, func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method == http.MethodGet && calls.Add(1) == int32(test.skip)+1 {
						p.Insert(0, 1)
						p.Remove(0, 1)
						p.Remove(3, 1)
						p.Insert(8, 1)
					}
					next.ServeHTTP(w, r)
				})
			})
			r := p.examine(t)
			if c := check(t, r, test.check); !strings.HasPrefix(c.Finding, test.finding) || r.Verdict != doctor.Usable {
				t.Errorf("verdict %s, %s %s", r.Verdict, c.Result, c.Finding)
			}
			prove(t, p, sandbox.Options{}, r)
		})
	}
}

func TestTimeRunsOut(t *testing.T) {
	t.Parallel()
	p := admit(t, sandbox.Options{Leads: 25, Latency: time.Hour}, nil)
	p.options.Timeout = 2 * time.Second // enough for the token on a busy machine
	p.options.Platform.AttemptTimeout = time.Hour
	p.options.Platform.Timeout = time.Hour
	r := p.examine(t)
	if c := check(t, r, "platform"); r.Verdict != doctor.Undecided || c.Result != doctor.Skipped || c.Finding != "the examination timed out" {
		t.Errorf("verdict %s, %+v", r.Verdict, c)
	}
	if c := check(t, r, "token"); c.Result != doctor.OK {
		t.Errorf("earlier findings are missing: %+v", c)
	}
}

func TestInterrupt(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	p := admit(t, sandbox.Options{Leads: 25}, nil)
	p.options.Show = func(c doctor.Check) {
		if c.Name == "tenant-param" {
			interrupt()
		}
	}
	r, err := doctor.Examine(ctx, p.options)
	if err != nil {
		t.Fatal(err)
	}
	if c := check(t, r, "leads"); c.Result != doctor.Skipped || !strings.HasSuffix(c.Finding, "interrupted") {
		t.Errorf("%+v", c)
	}
	if r.Verdict != doctor.Usable { // the essential checks were done
		t.Errorf("verdict %s", r.Verdict)
	}
}
