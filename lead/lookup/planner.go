package lookup

import (
	"errors"
	"math"
	"sync"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
)

// The REST API has no read of several tenants. What k tenants cost is therefore
// compared between k single reads and one reading of all leads: the time until
// the answer, plus a price in time for what the platform has to do.
const (
	// callPrice is about what a request costs the platform beside its rows.
	callPrice = 10 * time.Millisecond
	// rowPrice is about what sending and decoding a lead costs both sides.
	rowPrice = 20 * time.Microsecond
	// fewTenants are always read singly: what a table's page of lookups takes must
	// not depend on how many other leads there are.
	fewTenants = 20
	// longestFallback bounds what is begun after all leads could not be read.
	longestFallback = 10 * time.Second
)

// What is expected before anything was measured. A first batch of hundreds of
// tenants takes the catalogue, one of tens does not.
const (
	expectedOne     = 50 * time.Millisecond
	expectedAll     = 3 * time.Second
	expectedAllRow  = 200 * time.Microsecond // of each lead, if that is more
	expectedCalls   = 3
	expectedRows    = 10_000
	halfLife        = 10 * time.Minute
	weightOfOneRead = 0.2 // of the latest in the moving average
	weightOfAllRead = 0.5 // there are few
)

// expectation is what reads are expected to take.
type expectation struct {
	one   time.Duration // a single read
	all   time.Duration // a reading of all leads
	calls float64       // of a reading of all leads
	rows  int
}

// preferCatalogue tells whether reading all leads is expected to cost less than
// reading k tenants, fanOut at a time. Ties go to single reads.
func (e expectation) preferCatalogue(k, fanOut int, t catalogue.Traffic) bool {
	return k > fewTenants && e.catalogue(t) < e.singles(k, fanOut)+time.Duration(k)*callPrice
}

// singles is how long k single reads take.
func (e expectation) singles(k, fanOut int) time.Duration {
	rounds := (k + fanOut - 1) / fanOut
	return time.Duration(rounds) * e.one
}

// catalogue is the cost of all leads. Of a reading under way half the time is
// left on average, and its price is paid.
func (e expectation) catalogue(t catalogue.Traffic) time.Duration {
	whole := e.all + time.Duration(e.calls*float64(callPrice)) + time.Duration(e.rows)*rowPrice
	switch {
	case !t.Running:
		return whole
	case t.Useful:
		return e.all / 2
	default:
		return e.all/2 + whole
	}
}

// canDoWithout tells whether k tenants are read singly after the reading of all
// failed: when that says little about single reads and they end in time.
func (e expectation) canDoWithout(err error, k, fanOut int) bool {
	if source, ok := errors.AsType[*lead.SourceError](err); ok {
		switch source.Kind {
		case lead.FailureTimeout, lead.FailureRejected, lead.FailureBadResponse:
		default:
			return false // of a platform in trouble nothing more is asked
		}
	}
	return e.singles(k, fanOut) <= longestFallback
}

// bound says what a measured time tells of the time that a whole read takes.
type bound uint8

const (
	exactly bound = iota
	atLeast       // the read was given up
	atMost        // the read may have begun later
)

// average is a moving average, of which a measure that tells nothing new is kept
// away.
type average struct {
	value    float64
	measured time.Time // the last time; zero: never
}

// add takes a measure in, with a weight between 0 and 1.
func (a *average) add(measure float64, is bound, unmeasured, weight float64) {
	expected := a.faded(unmeasured)
	if is == atLeast && measure <= expected || is == atMost && measure >= expected {
		return
	}
	if !a.measured.IsZero() {
		measure = expected + weight*(measure-expected)
	}
	a.value, a.measured = measure, time.Now()
}

// faded returns the average, drawn to what is expected without a measure the
// longer ago the last one is. Otherwise what once was slow would never be tried
// again.
func (a *average) faded(unmeasured float64) float64 {
	if a.measured.IsZero() {
		return unmeasured
	}
	left := math.Exp2(-float64(time.Since(a.measured)) / float64(halfLife))
	return unmeasured + left*(a.value-unmeasured)
}

// meter measures reads. It is safe for concurrent use.
type meter struct {
	mu    sync.Mutex
	one   average // time of a single read
	all   average // time of a reading of all leads
	calls average // of a reading of all leads
	rows  int     // of the last one; 0: not known
}

func (m *meter) readOne(took time.Duration, is bound) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.one.add(float64(took), is, float64(expectedOne), weightOfOneRead)
}

func (m *meter) readAll(took time.Duration, is bound) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all.add(float64(took), is, m.unmeasuredAll(), weightOfAllRead)
}

func (m *meter) unmeasuredAll() float64 {
	return float64(max(expectedAll, time.Duration(m.rows)*expectedAllRow))
}

// called notes how many calls a reading of all leads took.
func (m *meter) called(calls int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls.add(float64(calls), exactly, expectedCalls, weightOfAllRead)
}

// sized notes how many leads there are.
func (m *meter) sized(rows int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rows = rows
}

// expect says what reads are going to take.
func (m *meter) expect() expectation {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := expectation{
		one:   time.Duration(m.one.faded(float64(expectedOne))),
		all:   time.Duration(m.all.faded(m.unmeasuredAll())),
		calls: m.calls.faded(expectedCalls),
		rows:  m.rows,
	}
	if e.rows == 0 {
		e.rows = expectedRows
	}
	return e
}
