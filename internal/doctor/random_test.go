package doctor_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"leadgraph/internal/doctor"
	"leadgraph/upstream/sandbox"
)

// For any combination of quirks: with the doctor's settings the client reads all
// leads and finds the tenants. If the doctor says that a platform is not usable, no
// setting would help.
func TestSettingsAreRight(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		flip := func(name string, percent int) bool { return rapid.IntRange(1, 100).Draw(rt, name) <= percent }
		quirks := sandbox.Options{
			Leads:            rapid.SampledFrom([]int{1, 2, 5, 9, 10, 11, 20, 37}).Draw(rt, "leads"),
			FirstPage:        rapid.IntRange(0, 1).Draw(rt, "first page"),
			PageZero:         rapid.SampledFrom([]string{sandbox.PageZeroRepeat, sandbox.PageZeroEmpty, sandbox.PageZeroError}).Draw(rt, "page zero"),
			Nested:           flip("nested", 30),
			Envelope:         flip("envelope", 30),
			Single:           flip("single", 20),
			TenantParam:      rapid.SampledFrom([]string{"", "msTenantID", "msTenantId", "mstenantid", "customer"}).Draw(rt, "tenant parameter"),
			IgnorePageSize:   flip("page size ignored", 20),
			IgnorePageNumber: flip("page number ignored", 10),
			Unordered:        flip("no order", 10),
			CutAbove:         rapid.SampledFrom([]int{0, 0, 0, 1, 6, 10, 25}).Draw(rt, "cut"),
			RefuseAbove:      rapid.SampledFrom([]int{0, 0, 60, 120, 3000}).Draw(rt, "refuse"),
			CutKeepsOffset:   flip("offsets kept", 50),
			PastEnd:          rapid.SampledFrom(nothings).Draw(rt, "past the end"),
			UnknownTenant:    rapid.SampledFrom(nothings).Draw(rt, "unknown tenant"),
			UnknownTenant404: flip("404", 30),
			Empty:            flip("empty", 5),
		}
		if quirks.Empty { // nothing would show that there is a lead endpoint
			quirks.PastEnd, quirks.UnknownTenant = "", ""
		}
		if quirks.IgnorePageSize { // otherwise no page would hold the leads between two pages
			quirks.CutKeepsOffset = false
			if strings.HasPrefix(quirks.PastEnd, "404") { // after full pages it may be a limit: see TestHopeless
				quirks.PastEnd = ""
			}
		}
		if quirks.CutAbove == 1 && strings.HasPrefix(quirks.PastEnd, "404") { // no page would show what is before and after the end
			quirks.PastEnd = ""
		}
		if quirks.Unordered && (quirks.CutAbove == 1 || quirks.Leads < 5) {
			rt.Skip("few leads can appear to be in order by chance")
		}
		p := admit(rt, quirks, nil)
		p.options.Platform.FirstPage = rapid.IntRange(0, 1).Draw(rt, "configured first page")
		p.options.Platform.TenantParam = rapid.SampledFrom([]string{"msTenantID", "msTenantId"}).Draw(rt, "configured tenant parameter")
		r := p.examine(rt)
		if quirks.Empty { // then the quirks hardly show
			if refused := quirks.RefuseAbove == 60; refused != (r.Verdict == doctor.Unusable) {
				rt.Fatalf("verdict %s on a platform without leads: %+v", r.Verdict, r.Checks)
			}
			return
		}
		if hopeless(quirks) != (r.Verdict == doctor.Unusable) {
			rt.Fatalf("verdict %s: %+v", r.Verdict, r.Checks)
		}
		if r.Verdict != doctor.Unusable {
			prove(rt, p, quirks, r)
		}
	})
}

// nothings are the ways to answer a page past the end and an unknown tenant that
// leadgraph reads.
var nothings = []string{
	"", "", sandbox.NothingNull, sandbox.NothingBlank, sandbox.NothingNoContent, sandbox.NothingBare404, sandbox.NothingNamed404, "404",
}

// hopeless reports whether no setting of leadgraph can work.
func hopeless(q sandbox.Options) bool {
	page := q.Leads // the largest page
	if q.IgnorePageSize {
		page = min(page, 10)
	}
	if q.CutAbove > 0 {
		page = min(page, q.CutAbove)
	}
	lookups := q.TenantParam != "customer" && (q.RefuseAbove == 0 || q.RefuseAbove >= 100)
	return !lookups || q.IgnorePageNumber || q.Unordered && page < q.Leads
}
