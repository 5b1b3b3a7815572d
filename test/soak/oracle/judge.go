package oracle

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Ages are the settings of leadgraph that limit how old an answer may be.
type Ages struct {
	Lookup, NoLead               time.Duration // of a tenant's leads, and of a tenant that has none
	Fresh, Revalidate, IfFailing time.Duration // of the catalogue
	// Reading limits how long leadgraph reads from the platform for one answer. A
	// request that arrives meanwhile shares the result, which is as old as the
	// read takes, unless the request limits the age.
	Reading time.Duration
	// Torn tells that reading all leads takes several pages, so that a catalogue can
	// show several moments. A lead that one reading does not find may then stay until
	// the next one.
	Torn bool
}

// jitter is the factor by which the catalogue may be fresh for longer than its
// setting.
const jitter = 1.1

// Failure is an error in an answer.
type Failure struct {
	Message    string
	Path       []any
	Extensions map[string]any
}

// Code returns the public code of the error.
func (f Failure) Code() string { code, _ := f.Extensions["code"].(string); return code }

// Answer is what a client received for one operation.
type Answer struct {
	Data       Object
	Errors     []Failure
	Extensions Object
	Excerpt    string `json:"-"` // of the text that was received
}

// Asked says when and how a client made a request.
type Asked struct {
	Sent, Answered time.Time
	NoCache        bool
	HasMaxAge      bool
	MaxAge         time.Duration // if HasMaxAge is set
}

// Judge judges one answer.
type Judge struct {
	Asked
	Answer
	history *History
	ages    Ages
	asOf    time.Time // of the catalogue, from the parts of the answer that show it
	wrong   []string
}

// Judge runs a check on an answer and returns what is wrong. The history does
// not change meanwhile.
func (h *History) Judge(when Asked, a Answer, ages Ages, check func(*Judge)) (wrong []string) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	j := &Judge{Asked: when, Answer: a, history: h, ages: ages}
	check(j)
	return j.wrong
}

func (j *Judge) fail(format string, args ...any) {
	j.wrong = append(j.wrong, fmt.Sprintf(format, args...))
}

// failed tells whether an error is about the value at the path, or about a value
// that contains it.
func (j *Judge) failed(path ...any) bool {
	return slices.ContainsFunc(j.Errors, func(f Failure) bool {
		return len(f.Path) <= len(path) && slices.Equal(f.Path, path[:len(f.Path)])
	})
}

// newEnough is how old leads may be that a request gets that demands new ones; twice as
// old as a reading takes if that is longer.
const newEnough = 5 * time.Second

// bound returns the maximum age of data whose setting allows the given age.
func (j *Judge) bound(setting time.Duration) time.Duration {
	setting = max(setting, j.ages.Reading)
	enough := max(newEnough, 2*j.ages.Reading)
	switch {
	case j.NoCache:
		return min(setting, enough)
	case j.HasMaxAge:
		return min(setting, max(j.MaxAge, enough))
	}
	return setting
}

// remembered returns the maximum age of a tenant's leads: of old ones, if the answer says
// that the platform fails.
func (j *Judge) remembered() time.Duration {
	if j.Extensions["stale"] == true && !j.NoCache && !j.HasMaxAge {
		return max(j.ages.Lookup, j.ages.IfFailing)
	}
	return j.ages.Lookup
}

// row compares a lead in the answer with the states that it had in the versions,
// and returns the one that is shown.
func (j *Judge) row(value any, selected Selection, among []*version) *Row {
	got, _ := value.(Object)
	id, _ := got["id"].(string)
	all := j.history.states[id]
	if len(all) == 0 {
		j.fail("the platform never had the lead %q", id)
		return nil
	}
	states := statesIn(among, id)
	if len(states) == 0 {
		j.fail("the platform had lead %s at another time", id)
		states = all[len(all)-1:]
	}
	for _, r := range states {
		if reflect.DeepEqual(got, selected.expect(r.Raw)) {
			return r
		}
	}
	known := states[len(states)-1]
	want := selected.expect(known.Raw)
	for key, value := range want {
		if !reflect.DeepEqual(got[key], value) {
			j.fail("lead %s: %s is %v, the platform has %v (%d states)", id, key, got[key], value, len(states))
		}
	}
	if len(got) != len(want) {
		j.fail("lead %s has %d fields, %d are selected", id, len(got), len(want))
	}
	return known
}

// statesIn returns the states of a lead in the versions, each once.
func statesIn(versions []*version, id string) []*Row {
	var states []*Row
	for _, v := range versions {
		if r := v.row(id); r != nil && !slices.Contains(states, r) {
			states = append(states, r)
		}
	}
	return states
}

// moment reads a time in the answer.
func (j *Judge) moment(value any) time.Time {
	text, _ := value.(string)
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		j.fail("asOf is %v", value)
	}
	return at
}

// catalogue checks that a catalogue with the given asOf is young enough and
// returns the versions that it may show. All parts of an operation must show the
// same catalogue.
func (j *Judge) catalogue(asOf any) []*version {
	at := j.moment(asOf)
	if !j.asOf.IsZero() && !at.Equal(j.asOf) {
		j.fail("one operation shows catalogues of %v and of %v", j.asOf, at)
	}
	j.asOf = at
	oldest := time.Duration(float64(j.ages.Fresh)*jitter) + j.ages.Revalidate
	if j.Extensions["stale"] == true && !j.NoCache && !j.HasMaxAge {
		oldest = j.ages.IfFailing
	}
	if age := j.Sent.Sub(at); age > j.bound(oldest)+time.Millisecond { // asOf is shown in milliseconds
		j.fail("the catalogue is %v old, %v are allowed", age, j.bound(oldest))
	}
	end := at.Add(j.ages.Reading)
	if end.After(j.Answered) {
		end = j.Answered
	}
	return j.history.during(at, end)
}

// shown returns the versions whose values a list with the given asOf may show. The
// values may be newer than the list.
func (j *Judge) shown(asOf any) []*version {
	from := j.moment(asOf)
	if j.ages.Torn {
		from = from.Add(-2 * j.ages.Reading)
	}
	return j.history.during(from, j.Answered)
}

// expectedCodes are the codes that faults of the platform or too much load can
// cause.
var expectedCodes = []string{
	"UPSTREAM_UNAVAILABLE", "UPSTREAM_TIMEOUT", "UPSTREAM_RATE_LIMITED", "UPSTREAM_REJECTED", "UPSTREAM_BAD_RESPONSE", "UPSTREAM_AUTH", "OVERLOADED",
}

// secrets are texts that no error may contain: parts of hosts, of Go's errors
// and of personal data. All of the sandbox's personal data contains ".example".
var secrets = []string{"127.0.0.1", "://", "localhost", ".example", "/api/", "tcp", "dial", "EOF", "context ", "goroutine", ".go:", "json:", "Bearer", "sandbox"}

// errors checks the rules for every error.
func (j *Judge) errors(codes []string) {
	for _, f := range j.Errors {
		if !slices.Contains(codes, f.Code()) {
			j.fail("the code %q is not expected here", f.Code())
		}
		id, _ := f.Extensions["requestId"].(string)
		if id == "" {
			j.fail("an error has no request id")
		}
		text := strings.ReplaceAll(fmt.Sprint(f.Message, f.Extensions), id, "") // its random letters may form such a text
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				j.fail("an error contains %q", secret)
			}
		}
	}
}
