package sandbox

import (
	"maps"
	"slices"
	"sync"
)

// recentPages is the maximum length of Calls.Recent.
const recentPages = 1000

// Calls counts the calls since the start or the last reset, including refused
// ones.
type Calls struct {
	// Token counts calls of the token endpoint.
	Token int `json:"token"`
	// ByTenant counts lead calls with a tenant filter. CheckOnline counts those
	// of them with checkOnline=true. Pages counts lead calls without a filter.
	ByTenant    int `json:"byTenant"`
	CheckOnline int `json:"checkOnline"`
	Pages       int `json:"pages"`
	// Rows counts the leads in all answers.
	Rows int `json:"rows"`
	// ByStatus counts answers by status. Status 0 counts reset connections.
	ByStatus map[int]int `json:"byStatus"`
	// Peak is the largest number of concurrent lead calls.
	Peak int `json:"peak"`
	// Recent lists the last 1,000 page calls, oldest first.
	Recent []PageCall `json:"recent"`
}

// PageCall is a lead call without a tenant filter. It has the default values of
// parameters that the client did not send.
type PageCall struct {
	Page int `json:"page"`
	Size int `json:"size"`
}

// call describes a call for matching faults and for counting.
type call struct {
	token  bool
	tenant string // empty on a page call
	online bool
	page   int
	size   int
}

// tally counts calls.
type tally struct {
	mu       sync.Mutex
	calls    Calls
	inFlight int
}

func (t *tally) begin(c call) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.token {
		t.calls.Token++
		return
	}
	t.inFlight++
	t.calls.Peak = max(t.calls.Peak, t.inFlight)
	if c.tenant == "" {
		t.calls.Pages++
		if len(t.calls.Recent) == recentPages {
			t.calls.Recent = slices.Delete(t.calls.Recent, 0, 1)
		}
		t.calls.Recent = append(t.calls.Recent, PageCall{Page: c.page, Size: c.size})
		return
	}
	t.calls.ByTenant++
	if c.online {
		t.calls.CheckOnline++
	}
}

func (t *tally) end(c call) {
	if c.token {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.inFlight--
}

func (t *tally) answered(a answer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.calls.ByStatus == nil {
		t.calls.ByStatus = make(map[int]int)
	}
	t.calls.ByStatus[a.status]++
	t.calls.Rows += a.rows
}

// Calls returns the counts so far. It is safe for concurrent use.
func (s *Server) Calls() Calls {
	s.tally.mu.Lock()
	defer s.tally.mu.Unlock()
	c := s.tally.calls
	c.ByStatus = maps.Clone(c.ByStatus)
	c.Recent = slices.Clone(c.Recent)
	return c
}

// ResetCalls resets the counts. It is safe for concurrent use.
func (s *Server) ResetCalls() {
	s.tally.mu.Lock()
	defer s.tally.mu.Unlock()
	s.tally.calls = Calls{Peak: s.tally.inFlight}
}
