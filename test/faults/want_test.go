package faults

import (
	"fmt"
	"strings"
	"time"

	"leadgraph/upstream/sandbox"
)

// warmth is what a program has cached when it meets a fault.
type warmth string

const (
	cold    warmth = "cold"    // nothing
	fresh   warmth = "fresh"   // a token, and an answer fresh enough to be used again
	expired warmth = "expired" // a token, and an answer that is too old
)

var warmths = []warmth{cold, fresh, expired}

// operation is a column of the matrix.
type operation struct {
	name     string // in the document and in the log
	title    string
	document string
	after    string // variable of the document
	strikes  string // the kind of calls that a fault hits
	reads    int    // number of calls for leads
	cached   bool   // whether a cache can answer it
	before   string // document that warms it up as well, if it is not empty
	// right is the data of a good answer, failed that after one failed read, and
	// ruined that after all reads failed. paths and allPaths are the paths of the
	// errors of failed and ruined.
	right, failed, ruined string
	paths, allPaths       []string
}

const (
	firstTenant  = "f94238e5-4f2c-4e1b-8125-2d27122ca75f"
	secondTenant = "9e2d4c10-77aa-4b7e-8f53-5a1c2be0d902" // its rows are full of personal data
	twinTenant   = "6a7c0e81-4b3d-4f92-ae15-c9d8f7b6e510" // has two leads
)

var (
	oneTenant = &operation{
		name: "One", title: "`lead`", strikes: sandbox.KindTenant, reads: 1, cached: true,
		document: fmt.Sprintf(`query One { lead(tenantId: %q) { id status statusText } }`, secondTenant),
		right:    `{"lead":{"id":"1c0b7a52-6a0e-4f1d-9a55-0d2f6f3b8e01","status":"ACTIVE","statusText":"Active"}}`,
		failed:   `{"lead":null}`, ruined: `{"lead":null}`,
		paths: []string{"[lead]"}, allPaths: []string{"[lead]"},
	}
	severalTenants = &operation{
		name: "Several", title: "`leadsByTenantIds`", strikes: onlyTenant, reads: 3, cached: true,
		document: fmt.Sprintf(`query Several { leadsByTenantIds(tenantIds: [%q, %q, %q]) { id status } }`, firstTenant, secondTenant, twinTenant),
		right:    several(`[{"id":"1c0b7a52-6a0e-4f1d-9a55-0d2f6f3b8e01","status":"ACTIVE"}]`),
		failed:   several(`null`), ruined: `{"leadsByTenantIds":[null,null,null]}`,
		paths:    []string{"[leadsByTenantIds 1]"},
		allPaths: []string{"[leadsByTenantIds 0]", "[leadsByTenantIds 1]", "[leadsByTenantIds 2]"},
	}
	pageTwo = &operation{
		name: "Page", title: "`leads`, page 2", strikes: sandbox.KindPage, reads: 1,
		document: `query Page($after: Cursor) { leads(first: 2, after: $after) { nodes { id status } pageInfo { hasNextPage } } }`,
		right:    `{"leads":{"nodes":[{"id":"b5d8e4c7-2a60-4c39-8f7e-10a9b3c6d511","status":"ACTIVE"},{"id":"7182e1dd-8e81-41e7-814f-857e6bc26cd8","status":"NOT_ACTIVE"}],"pageInfo":{"hasNextPage":true}}}`,
		failed:   `{"leads":null}`, ruined: `{"leads":null}`,
		paths: []string{"[leads]"}, allPaths: []string{"[leads]"},
	}
	shownPage = &operation{
		name: pageTwo.name, title: "`leads`, page 2, after all leads were read", strikes: pageTwo.strikes, reads: pageTwo.reads,
		document: pageTwo.document, before: counts.document,
		right: pageTwo.right, failed: pageTwo.failed, ruined: pageTwo.ruined, paths: pageTwo.paths, allPaths: pageTwo.allPaths,
	}
	counts = &operation{
		name: "Counts", title: "`leadStats`", strikes: sandbox.KindPage, reads: 2, cached: true,
		document: `query Counts { leadStats { total byStatus { status count } } }`,
		right:    `{"leadStats":{"total":40,"byStatus":[{"status":"ACTIVE","count":29},{"status":"NOT_ACTIVE","count":3},{"status":"SUSPENDED","count":3},{"status":"REMOVED","count":3},{"status":"UNKNOWN","count":2}]}}`,
		failed:   `{"leadStats":null}`, ruined: `{"leadStats":null}`,
		paths: []string{"[leadStats]"}, allPaths: []string{"[leadStats]"},
	}
	operations = []*operation{oneTenant, severalTenants, pageTwo, shownPage, counts}
)

// several returns the data of severalTenants with the given leads of the second
// tenant.
func several(second string) string {
	return `{"leadsByTenantIds":[[{"id":"da68eafc-d3c6-4d3b-9a10-c48b26c6086b","status":"ACTIVE"}],` + second +
		`,[{"id":"3f6a2b19-8d47-4e05-9c1a-f2b7d6e5a009","status":"REMOVED"},{"id":"b5d8e4c7-2a60-4c39-8f7e-10a9b3c6d511","status":"ACTIVE"}]]}`
}

// patience is how long leadgraph waits in a cell.
type patience int

const (
	usual   patience = iota // longer than anything takes except a wait without end
	short                   // for faults that end in a time-out, with a single retry
	hurried                 // the request ends before an attempt does
)

// answerMargin is spare time for a busy machine.
const answerMargin = 3 * time.Second

// budget returns the time-outs of a read, of an attempt and of the request.
func (f fault) budget() (read, attempt, request time.Duration) {
	switch f.patience {
	case short:
		return 5 * time.Second, time.Second, 8 * time.Second
	case hurried:
		return 20 * time.Second, 15 * time.Second, 2 * time.Second
	}
	return 40 * time.Second, 30 * time.Second, 40 * time.Second
}

// span is a range of numbers, for results that depend on what happens first.
type span struct{ least, most int }

func just(n int) span { return span{n, n} }

func (s span) holds(n int) bool { return s.least <= n && n <= s.most }

func (s span) plus(n int) span { return span{s.least + n, s.most + n} }

// String returns the range as the page shows it.
func (s span) String() string {
	if s.least == s.most {
		return fmt.Sprint(s.least)
	}
	return fmt.Sprintf("%d–%d", s.least, s.most)
}

// These waits are known only roughly: that of a request that a refresh outlasts is at
// least a second, and after a 429 without a wait it follows from the refusals before.
const (
	estimated = -time.Second
	guessed   = -time.Millisecond
)

// outcome is the expected result of a cell.
type outcome struct {
	data       string
	shown      string // name on the page, unless the answer is simply right
	code       string // of all errors
	paths      []string
	stale      bool
	retryAfter time.Duration // or one of the above
	leads      span          // calls for leads that arrive
	tokens     span
}

// want returns the expected outcome: that of the rules, changed by the fault's own.
func (c cell) want() outcome {
	o := c.rule()
	if c.fault.unlike != nil && (c.warm != fresh || !c.op.cached) {
		c.fault.unlike(c.op, c.warm, &o)
	}
	held := c.warm == expired && c.op != pageTwo || c.warm == fresh && c.op == shownPage
	if held && o.code != "" && o.code != "UPSTREAM_AUTH" {
		// The leads were read before, and old ones are better than none unless the
		// platform denies access.
		o.code, o.paths, o.retryAfter, o.data, o.stale = "", nil, 0, c.op.right, true
	}
	return o
}

func (c cell) rule() outcome {
	f := c.fault
	right := outcome{data: c.op.right, leads: just(c.op.reads)}
	if c.warm == cold {
		right.tokens = just(1)
	}
	switch {
	case c.warm == fresh && c.op.cached:
		right.leads = just(0)
		return right
	case f.ofToken && c.warm != cold: // the token is valid for an hour
		return right
	case f.ofToken && f.code == "":
		right.tokens = f.attempts
	case f.code == "":
		right.leads = f.attempts.plus(c.op.reads - 1)
	case f.ofToken:
		return outcome{data: c.op.ruined, code: f.code, paths: c.op.allPaths, retryAfter: f.retryAfter, tokens: f.attempts} // all wait for one request
	case f.network != nil: // no call arrives
		return outcome{data: c.op.ruined, code: f.code, paths: c.op.allPaths, tokens: right.tokens}
	default:
		right.data, right.code, right.paths, right.retryAfter = c.op.failed, f.code, c.op.paths, f.retryAfter
		right.leads = f.attempts.plus(len(c.op.allPaths) - 1)
	}
	if f.renewed {
		right.tokens = right.tokens.plus(1)
	}
	return right
}

// succeeds changes an outcome to that of a read that was answered.
func (o *outcome) succeeds(data, shown string) {
	o.data, o.shown, o.code, o.paths, o.retryAfter = data, shown, "", nil, 0
}

// knownToHaveNone changes the outcome of lookups that are told that there is no such
// lead.
func knownToHaveNone(op *operation, w warmth, o *outcome) {
	switch op {
	case oneTenant:
		o.succeeds(op.failed, "null")
	case severalTenants:
		o.succeeds(several(`[]`), "an empty list")
	default:
		looksElsewhere(op, w, o)
		return
	}
	if w == cold { // page 1 is requested too until page 0 has returned a row
		o.leads.most++
	}
	if op == oneTenant {
		o.leads.least = o.leads.most
	}
}

// looksElsewhere changes the outcome of reads in pages that are refused after the platform
// has answered: it may count pages from 1 now, or refuse the size.
func looksElsewhere(op *operation, w warmth, o *outcome) {
	switch {
	case w == cold:
	case op == pageTwo:
		o.leads = just(4)
	case op == counts:
		o.leads = just(3)
	}
}

// readOn changes the outcome of windows, which read on after a full page without a row that
// can be read. A first page that is not full and has none fails at once.
func readOn(op *operation, _ warmth, o *outcome) {
	if op == pageTwo || op == shownPage {
		o.leads = just(2)
	}
}

// onlyLookups makes faults harmless that only matter to lookups of a tenant.
func onlyLookups(op *operation, _ warmth, o *outcome) {
	if op == pageTwo || op == shownPage || op == counts {
		o.succeeds(op.right, "")
		o.leads = just(op.reads)
	}
}

// statusOf changes the outcome of leads whose status is unknown. text is its JSON
// form.
func statusOf(text string) func(*operation, warmth, *outcome) {
	return func(op *operation, _ warmth, o *outcome) {
		o.shown = "right, state `UNKNOWN`"
		switch op {
		case counts:
			o.data = `{"leadStats":{"total":40,"byStatus":[{"status":"UNKNOWN","count":40}]}}`
		case severalTenants: // one of them
			o.data = several(`[{"id":"1c0b7a52-6a0e-4f1d-9a55-0d2f6f3b8e01","status":"UNKNOWN"}]`)
		default:
			o.data = strings.NewReplacer(`"ACTIVE"`, `"UNKNOWN"`, `"NOT_ACTIVE"`, `"UNKNOWN"`, `"statusText":"Active"`, `"statusText":`+text).Replace(op.right)
		}
	}
}
