package main

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// ages are the settings of leadgraph that say how old an answer may be.
type ages struct {
	lookup, noLead               time.Duration // of a tenant's leads, or of its having none
	fresh, revalidate, ifFailing time.Duration // of the catalogue
	// reading bounds how long the platform is read for one answer. Who comes while
	// that is done shares what is as old as it takes, unless he bounds the age.
	reading time.Duration
}

// jitter is how much longer than its setting the catalogue may be fresh.
const jitter = 1.1

// failure is an error in an answer.
type failure struct {
	Message    string
	Path       []any
	Extensions map[string]any
}

func (f failure) code() string { code, _ := f.Extensions["code"].(string); return code }

// asked says when and how a request was made.
type asked struct {
	sent, answered time.Time
	noCache        bool
	maxAge         time.Duration // with hasMaxAge
	hasMaxAge      bool
}

// bound is the age that the request allows if a setting allows that much.
func (j *judge) bound(setting time.Duration) time.Duration {
	switch {
	case j.noCache:
		return 0
	case j.hasMaxAge:
		return min(setting, j.maxAge)
	}
	return max(setting, j.ages.reading)
}

// answer is what came.
type answer struct {
	Data       object
	Errors     []failure
	Extensions object
	text       string // excerpt
}

// judge looks at one answer. The history is locked while it does.
type judge struct {
	asked
	answer
	history *history
	ages    ages
	asOf    time.Time // of the catalogue, as the parts say that are cut from it
	wrong   []string
}

func (j *judge) fail(format string, args ...any) {
	j.wrong = append(j.wrong, fmt.Sprintf(format, args...))
}

// failed tells whether an error speaks of the value at the path, or of one that
// it is in.
func (j *judge) failed(path ...any) bool {
	return slices.ContainsFunc(j.Errors, func(f failure) bool {
		return len(f.Path) <= len(path) && slices.Equal(f.Path, path[:len(f.Path)])
	})
}

// codes that the faults of a platform, or too much load, can cause.
var expectedCodes = []string{
	"UPSTREAM_UNAVAILABLE", "UPSTREAM_TIMEOUT", "UPSTREAM_RATE_LIMITED", "UPSTREAM_REJECTED", "UPSTREAM_BAD_RESPONSE", "UPSTREAM_AUTH", "OVERLOADED",
}

// secrets are texts that no error may hold: of hosts, of Go's errors and of
// personal data, all of which ends so in the sandbox.
var secrets = []string{"127.0.0.1", "://", "localhost", ".example", "/api/", "tcp", "dial", "EOF", "context ", "goroutine", ".go:", "json:", "Bearer", "sandbox"}

// errors checks what holds for every error.
func (j *judge) errors(codes []string) {
	for _, f := range j.Errors {
		if !slices.Contains(codes, f.code()) {
			j.fail("the code %q is not one of those that can be here", f.code())
		}
		id, _ := f.Extensions["requestId"].(string)
		if id == "" {
			j.fail("an error has no request id")
		}
		text := strings.ReplaceAll(fmt.Sprint(f.Message, f.Extensions), id, "") // random letters, which may happen to be a word
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				j.fail("an error says %q", secret)
			}
		}
	}
}

// row compares a lead in the answer with the platform's, and returns that. It
// must have been there in one of the versions.
func (j *judge) row(value any, selected selection, among []*version) *row {
	got, _ := value.(object)
	id, _ := got["id"].(string)
	known := j.history.rows[id]
	if known == nil {
		j.fail("the platform never had the lead %q", id)
		return nil
	}
	want := selected.expect(known.raw)
	for key, value := range want {
		if !reflect.DeepEqual(got[key], value) {
			j.fail("lead %s: %s is %v, the platform has %v", id, key, got[key], value)
		}
	}
	if len(got) != len(want) {
		j.fail("lead %s has %d fields, %d are selected", id, len(got), len(want))
	}
	if !slices.ContainsFunc(among, func(v *version) bool { _, there := v.places[id]; return there }) {
		j.fail("the platform had lead %s at another time", id)
	}
	return known
}

// looked are the versions that a lookup of a tenant can be of.
func (j *judge) looked(empty bool) []*version {
	age := j.ages.lookup
	if empty {
		age = j.ages.noLead
	}
	return j.history.during(j.sent.Add(-j.bound(age)), j.answered)
}

// tenantRows checks all leads of a tenant, in a list.
func (j *judge) tenantRows(values []any, tenant string, selected selection) {
	versions := j.looked(len(values) == 0)
	var ids []string
	for _, value := range values {
		r := j.row(value, selected, versions)
		if r == nil {
			return
		}
		if r.tenant != tenant {
			j.fail("lead %s of tenant %s is shown for tenant %s", r.id, r.tenant, tenant)
		}
		ids = append(ids, r.id)
	}
	if !slices.ContainsFunc(versions, func(v *version) bool { return slices.Equal(ids, idsOf(v.tenants[tenant])) }) {
		j.fail("tenant %s has the leads %v, at no such time %v", tenant, idsOf(j.history.current().tenants[tenant]), ids)
	}
}

// tenantRow checks the lead that stands for a tenant; null stands for none.
func (j *judge) tenantRow(value any, tenant string, selected selection) {
	versions := j.looked(value == nil)
	id := ""
	if value != nil {
		r := j.row(value, selected, versions)
		if r == nil {
			return
		}
		id = r.id
		if r.tenant != tenant {
			j.fail("lead %s of tenant %s is shown for tenant %s", r.id, r.tenant, tenant)
		}
	}
	if !slices.ContainsFunc(versions, func(v *version) bool {
		best := preferred(v.tenants[tenant])
		return best == nil && id == "" || best != nil && best.id == id
	}) {
		j.fail("tenant %s is shown with the lead %q, at no such time", tenant, id)
	}
}

func idsOf(rows []*row) []string {
	var ids []string
	for _, r := range rows {
		ids = append(ids, r.id)
	}
	return ids
}

// moment reads a time of the answer.
func (j *judge) moment(value any) time.Time {
	text, _ := value.(string)
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		j.fail("asOf is %v", value)
	}
	return at
}

// catalogue returns the versions that the catalogue of a moment can be of, after
// it has checked that it is young enough. All parts of an operation must tell of
// the same one.
func (j *judge) catalogue(asOf any) []*version {
	at := j.moment(asOf)
	if !j.asOf.IsZero() && !at.Equal(j.asOf) {
		j.fail("parts of one operation tell of %v and of %v", j.asOf, at)
	}
	j.asOf = at
	oldest := time.Duration(float64(j.ages.fresh)*jitter) + j.ages.revalidate
	if j.Extensions["stale"] == true && !j.noCache && !j.hasMaxAge {
		oldest = j.ages.ifFailing
	}
	if age := j.sent.Sub(at); age > j.bound(oldest)+time.Millisecond { // milliseconds are shown
		j.fail("the catalogue is %v old, %v are allowed", age, j.bound(oldest))
	}
	end := at.Add(j.ages.reading)
	if end.After(j.answered) {
		end = j.answered
	}
	return j.history.during(at, end)
}
