package sandbox

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Kinds of calls that a fault applies to. "tenant:<id>" and "page:<number>"
// narrow KindTenant and KindPage to one tenant or one page number.
const (
	KindLead   = "lead"   // any lead call
	KindToken  = "token"  // a token call
	KindTenant = "tenant" // a lead call with a tenant filter
	KindPage   = "page"   // a lead call without a tenant filter
)

// Fault describes what goes wrong with calls of one kind. The first queued
// fault that matches a call applies to it.
//
// Status, Body, HTML and ExpiredToken replace the answer. RepeatRows, Set and
// Endless change the leads of an answer that is not replaced. The other fields
// apply to any answer.
type Fault struct {
	// Kind is one of the Kind constants. Empty means KindLead.
	Kind string `json:"kind"`
	// Times is the number of calls to affect. 0 means 1; -1 means all calls until
	// ClearFaults.
	Times int `json:"times"`
	// Every affects only each Every-th matching call. 0 means each call.
	Every int `json:"every"`

	// Status replaces the status. Without Body, a lead call gets the platform's
	// problem details, but 401 and 403 have an empty body.
	Status int `json:"status"`
	// Body replaces the body. It is sent as JSON unless HTML is set.
	Body string `json:"body"`
	// HTML sends an HTML page, as a proxy does. The page is Body, or a default if
	// Body is empty; the status is Status, or 200 if that is 0.
	HTML bool `json:"html"`
	// ExpiredToken answers 401 and invalidates all tokens.
	ExpiredToken bool `json:"expiredToken"`

	// RetryAfter and Header are sent as header fields.
	RetryAfter string            `json:"retryAfter"`
	Header     map[string]string `json:"header"`
	// Latency delays the answer's header. Stall pauses in the middle of its body.
	Latency time.Duration `json:"-"`
	Stall   time.Duration `json:"-"`
	// CutBody closes the connection after this many bytes of the body.
	CutBody int `json:"cutBody"`
	// PadBody is a number of spaces to send before the body, which remains valid
	// JSON.
	PadBody int64 `json:"padBody"`
	// Gzip compresses the body and its padding, even if the client does not accept
	// gzip.
	Gzip bool `json:"gzip"`
	// Chunked omits Content-Length.
	Chunked bool `json:"chunked"`
	// BadJSON drops the last byte of the body.
	BadJSON bool `json:"badJSON"`
	// Reset closes the connection with a TCP reset instead of answering.
	Reset bool `json:"reset"`
	// RepeatRows lists every lead twice in succession.
	RepeatRows bool `json:"repeatRows"`
	// Set replaces members of every lead in the answer. Nil is sent as null.
	Set map[string]any `json:"set"`
	// Endless fills pages past the end with new leads, so that reading page by
	// page never reaches an empty one.
	Endless bool `json:"endless"`
	// Shift moves rows just before the call is answered. All other effects of the
	// fault are ignored; later faults in the queue may still apply to the call.
	Shift *Shift `json:"shift"`
}

func (f Fault) matches(c call) bool {
	kind, which, narrowed := strings.Cut(f.Kind, ":")
	switch kind {
	case KindToken:
		return c.token
	case KindTenant:
		return c.tenant != "" && (!narrowed || strings.EqualFold(which, c.tenant))
	case KindPage:
		return !c.token && c.tenant == "" && (!narrowed || which == strconv.Itoa(c.page))
	case KindLead, "":
		return !c.token
	}
	return false
}

const proxyPage = "<!DOCTYPE html>\n<html><head><title>Gateway</title></head><body><h1>The service is unavailable.</h1></body></html>\n"

// replacement returns the answer that the fault puts in place of the platform's
// and reports whether there is one.
func (f Fault) replacement(c call) (answer, bool) {
	status := cmp.Or(f.Status, http.StatusOK)
	switch {
	case f.ExpiredToken:
		return answer{status: http.StatusUnauthorized}, true
	case f.HTML:
		return answer{status: status, contentType: htmlType, body: []byte(cmp.Or(f.Body, proxyPage))}, true
	case f.Body != "":
		return answer{status: status, contentType: jsonType, body: []byte(f.Body)}, true
	case f.Status == 0:
		return answer{}, false
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return answer{status: status}, true
	case c.token:
		return jsonAnswer(status, jsonType, map[string]string{
			"error":             "temporarily_unavailable",
			"error_description": "AADSTS90033: A transient error has occurred. Please try again.",
		}), true
	}
	return liveProblem(status, "The request could not be served"), true
}

// faultQueue holds faults in the order in which they were injected.
type faultQueue struct {
	mu     sync.Mutex
	queued []*queuedFault
}

type queuedFault struct {
	Fault
	met int // number of matching calls so far
}

// due counts a matching call and reports whether the fault applies to it.
func (q *queuedFault) due() bool {
	q.met++
	return q.Every <= 1 || q.met%q.Every == 0
}

func (q *queuedFault) usedUp() bool {
	return q.Times >= 0 && q.met/max(q.Every, 1) >= max(q.Times, 1)
}

// Inject queues a fault. It is safe for concurrent use.
func (s *Server) Inject(f Fault) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.queued = append(s.faults.queued, &queuedFault{Fault: f})
}

// ClearFaults removes all queued faults. It is safe for concurrent use.
func (s *Server) ClearFaults() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.queued = nil
}

// takeFault returns the fault that applies to the call, or the zero Fault. It
// also makes the fault's changes to the server's state.
func (s *Server) takeFault(c call) Fault {
	struck, shifts := s.faults.take(c)
	for _, by := range shifts {
		s.shift(by)
	}
	if struck.ExpiredToken {
		s.tokens.forget()
	}
	return struck
}

func (q *faultQueue) take(c call) (struck Fault, shifts []Shift) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, f := range q.queued {
		if !f.matches(c) || !f.due() {
			continue
		}
		if f.Shift == nil {
			struck = f.Fault
			break
		}
		shifts = append(shifts, *f.Shift)
	}
	q.queued = slices.DeleteFunc(q.queued, (*queuedFault).usedUp)
	return struck, shifts
}
