package lookup

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
)

// The REST API cannot read several tenants in one request. The planner therefore
// compares the cost of k single reads with the cost of one read of all leads. The
// cost is the time until the answer, plus a price, in time, for the platform's work.
const (
	// callPrice is the approximate cost of a request to the platform, without its
	// leads.
	callPrice = 10 * time.Millisecond
	// leadPrice is the approximate cost of sending and decoding a lead, for both
	// sides.
	leadPrice = 20 * time.Microsecond
	// fewTenants is the number of tenants up to which single reads are always used.
	// The time for one page of a table must not depend on how many other leads
	// there are.
	fewTenants = 20
	// longestFallback is the maximum expected duration of single reads that are
	// started after reading all leads has failed.
	longestFallback = 10 * time.Second
)

// The expectations before the first measurement. With these, a first batch of
// hundreds of tenants uses the catalogue; one of tens does not.
const (
	expectedOne     = 50 * time.Millisecond
	expectedAll     = 3 * time.Second
	expectedAllLead = 200 * time.Microsecond // per lead, if that is more than expectedAll
	expectedCalls   = 3
	expectedLeads   = 10_000
	halfLife        = 10 * time.Minute
	weightOfOneRead = 0.2 // of the latest measurement in the moving average
	weightOfAllRead = 0.5 // higher, because reads of all leads are rare
)

// expectation is the expected cost of reads.
type expectation struct {
	one   time.Duration // a single read
	all   time.Duration // a read of all leads
	calls float64       // of a read of all leads
	leads int           // in a read of all leads
}

// preferCatalogue reports whether reading all leads is expected to cost less than
// reading k tenants, fanOut at a time. If both cost the same, it is false.
func (e expectation) preferCatalogue(k, fanOut int, t catalogue.Traffic) bool {
	return k > fewTenants && e.catalogue(t) < e.singles(k, fanOut)+time.Duration(k)*callPrice
}

// singles returns the expected duration of k single reads.
func (e expectation) singles(k, fanOut int) time.Duration {
	rounds := (k + fanOut - 1) / fanOut
	return time.Duration(rounds) * e.one
}

// catalogue returns the expected cost of reading all leads. If a read is running, on
// average half of its time is left, and its price is already paid.
func (e expectation) catalogue(t catalogue.Traffic) time.Duration {
	whole := e.all + time.Duration(e.calls*float64(callPrice)) + time.Duration(e.leads)*leadPrice
	switch {
	case !t.Running:
		return whole
	case t.Useful:
		return e.all / 2
	default:
		return e.all/2 + whole
	}
}

// canDoWithout reports whether to read k tenants singly after reading all leads has
// failed with err: if the failure says little about single reads, and they are
// expected to end in the time that is left to ctx.
func (e expectation) canDoWithout(ctx context.Context, err error, k, fanOut int) bool {
	if source, ok := errors.AsType[*lead.SourceError](err); ok {
		switch source.Kind {
		case lead.FailureTimeout, lead.FailureRejected, lead.FailureBadResponse:
		default:
			return false // do not add load to a platform in trouble
		}
	}
	left := longestFallback
	if deadline, bounded := ctx.Deadline(); bounded {
		left = min(left, time.Until(deadline))
	}
	return e.singles(k, fanOut) <= left
}

// bound says how a measured time relates to the time of a complete read.
type bound uint8

const (
	exactly bound = iota
	atLeast       // the read was abandoned
	atMost        // the read may have begun later
)

// average is a moving average. It ignores a measurement that is only a bound and
// does not contradict the expectation.
type average struct {
	value    float64
	measured time.Time // when last; zero means never
}

// add adds a measurement with a weight between 0 and 1.
func (a *average) add(measurement float64, is bound, unmeasured, weight float64) {
	expected := a.faded(unmeasured)
	if is == atLeast && measurement <= expected || is == atMost && measurement >= expected {
		return
	}
	if !a.measured.IsZero() {
		measurement = expected + weight*(measurement-expected)
	}
	a.value, a.measured = measurement, time.Now()
}

// faded returns the average. The older the last measurement, the closer the result
// is to the value expected without any. Otherwise a way of reading that once was
// slow would never be tried again.
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
	all   average // time of a read of all leads
	calls average // of a read of all leads
	leads int     // in the last read of all leads; 0 means not known
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
	return float64(max(expectedAll, time.Duration(m.leads)*expectedAllLead))
}

// called notes the number of calls of a read of all leads.
func (m *meter) called(calls int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls.add(float64(calls), exactly, expectedCalls, weightOfAllRead)
}

// sized notes the number of all leads.
func (m *meter) sized(leads int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.leads = leads
}

// expect returns the expected cost of reads.
func (m *meter) expect() expectation {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := expectation{
		one:   time.Duration(m.one.faded(float64(expectedOne))),
		all:   time.Duration(m.all.faded(m.unmeasuredAll())),
		calls: m.calls.faded(expectedCalls),
		leads: m.leads,
	}
	if e.leads == 0 {
		e.leads = expectedLeads
	}
	return e
}
