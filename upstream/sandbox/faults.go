package sandbox

import (
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
	KindPage   = "page"   // a lead call without one
)

// Fault says what goes wrong with the calls of one kind. Of the queued faults
// the first that matches a call strikes it.
//
// Status, Body, HTML and ExpiredToken replace the answer; RepeatRows, Set and
// Endless bend the leads of an answer that is not replaced, and the other fields
// whatever answer is given.
type Fault struct {
	// Kind is one of the Kind constants. Empty is KindLead.
	Kind string `json:"kind"`
	// Times is the number of calls to spoil; 0 means 1, and -1 means all until
	// ClearFaults.
	Times int `json:"times"`
	// Every spoils only each Every-th matching call; 0 means each one.
	Every int `json:"every"`

	// Status replaces the status; without Body a lead call gets the platform's
	// problem details, and 401 and 403 an empty body.
	Status int `json:"status"`
	// Body replaces the body, sent as JSON.
	Body string `json:"body"`
	// HTML answers as a proxy does: a page of HTML, which is Body if there is one,
	// with Status or 200.
	HTML bool `json:"html"`
	// ExpiredToken answers 401 and forgets all tokens.
	ExpiredToken bool `json:"expiredToken"`

	// RetryAfter and Header are sent as header fields.
	RetryAfter string            `json:"retryAfter"`
	Header     map[string]string `json:"header"`
	// Latency delays the answer's header; Stall pauses in the middle of its body.
	Latency time.Duration `json:"-"`
	Stall   time.Duration `json:"-"`
	// CutBody closes the connection after that many bytes of the body.
	CutBody int `json:"cutBody"`
	// PadBody puts that many spaces before the body, which is still valid JSON.
	PadBody int64 `json:"padBody"`
	// Gzip compresses the body, padding included, whatever the client accepts.
	Gzip bool `json:"gzip"`
	// Chunked does not announce the length of the body.
	Chunked bool `json:"chunked"`
	// BadJSON drops the body's last byte.
	BadJSON bool `json:"badJSON"`
	// Reset ends the connection with a TCP reset instead of an answer.
	Reset bool `json:"reset"`
	// RepeatRows has every lead stand in the list twice, one behind the other.
	RepeatRows bool `json:"repeatRows"`
	// Set replaces members of every lead in the answer; nil is sent as null.
	Set map[string]any `json:"set"`
	// Endless fills the pages past the end with new leads, so that a walk never
	// meets an empty page.
	Endless bool `json:"endless"`
	// Shift moves rows just before the call is answered and leaves the answer
	// to the faults behind this one; all other effects are ignored beside it.
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

// replacement is the answer that the fault gives in the platform's place, if it
// gives one.
func (f Fault) replacement(c call) (answer, bool) {
	status := orDefault(f.Status, http.StatusOK)
	switch {
	case f.ExpiredToken:
		return answer{status: http.StatusUnauthorized}, true
	case f.HTML:
		return answer{status: status, contentType: htmlType, body: []byte(orDefault(f.Body, proxyPage))}, true
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

// faultQueue holds the faults in the order of their injection.
type faultQueue struct {
	mu     sync.Mutex
	queued []*queuedFault
}

type queuedFault struct {
	Fault
	met int // matching calls so far
}

// due counts one matching call and reports whether the fault strikes it.
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

// ClearFaults forgets all queued faults. It is safe for concurrent use.
func (s *Server) ClearFaults() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.queued = nil
}

// takeFault returns the fault that strikes the call, the zero Fault if none
// does, and does what it does to the server's state.
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
