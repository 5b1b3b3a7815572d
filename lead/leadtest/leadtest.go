// Package leadtest has what the tests of leads share: a fake platform on a fake clock,
// generators of random leads, filters and orders, and the number of random walks.
package leadtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
)

// The times of a catalogue made with Options, and how long Platform takes to read.
const (
	TTL        = 60 * time.Second
	Revalidate = 30 * time.Second
	IfError    = 10 * time.Minute
	ReadTime   = time.Second
)

// Platform is a source of a catalogue. After ReadTime it returns one lead, whose id is
// the number of the read. Change its fields with Set.
type Platform struct {
	mu        sync.Mutex
	reads     int
	running   int
	cancelled int

	Err        error // returned instead of the lead, if not nil
	Incomplete bool  // the end of the list was not reached
	Crash      bool  // a read panics
}

// AllLeads implements catalogue.Source. It panics if another read is running.
func (p *Platform) AllLeads(ctx context.Context, _ time.Time) (catalogue.Reading, error) {
	p.mu.Lock()
	p.reads++
	read := p.reads
	p.running++
	if p.running > 1 {
		panic("two refreshes at a time")
	}
	p.mu.Unlock()
	timer := time.NewTimer(ReadTime)
	defer timer.Stop()
	defer func() {
		p.mu.Lock()
		p.running--
		p.mu.Unlock()
	}()
	select {
	case <-timer.C:
	case <-ctx.Done():
		p.mu.Lock()
		p.cancelled++
		p.mu.Unlock()
		return catalogue.Reading{Calls: 1}, ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.Crash {
		panic("Dana Levi")
	}
	if p.Err != nil {
		return catalogue.Reading{Calls: 2}, p.Err
	}
	return catalogue.Reading{Leads: []*lead.Lead{{ID: fmt.Sprint(read)}}, Complete: !p.Incomplete, Calls: 3}, nil
}

// Set changes how later reads end.
func (p *Platform) Set(change func(p *Platform)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(p)
}

// Fail makes later reads fail with err, or succeed if it is nil.
func (p *Platform) Fail(err error) { p.Set(func(p *Platform) { p.Err = err }) }

// WantReads checks how many reads there were so far, and how many were cancelled.
func (p *Platform) WantReads(t *testing.T, reads, cancelled int) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reads != reads || p.cancelled != cancelled {
		t.Errorf("%d reads, %d of them cancelled, want %d and %d", p.reads, p.cancelled, reads, cancelled)
	}
}

// ErrDown is the error of a platform that is down.
var ErrDown = &lead.SourceError{Kind: lead.FailureUnavailable, Status: 503}

// Options returns the options of a catalogue for tests.
func Options() catalogue.Options {
	return catalogue.Options{TTL: TTL, StaleWhileRevalidate: Revalidate, StaleIfError: IfError, RefreshTimeout: 20 * time.Second}
}

// Answer requests a snapshot and describes the answer on one line: the number of the
// read, the state and how long it took.
func Answer(ctx context.Context, c *catalogue.Catalogue, want lead.Freshness) string {
	begun := time.Now()
	s, state, err := c.Snapshot(ctx, want)
	var text strings.Builder
	if err != nil {
		fmt.Fprintf(&text, "error %v", err)
	} else {
		fmt.Fprintf(&text, "read %s", s.All()[0].ID)
	}
	if state.Stale {
		text.WriteString(" stale")
	}
	if state.FromCache {
		text.WriteString(" cached")
	}
	if state.Calls > 0 {
		fmt.Fprintf(&text, " calls %d", state.Calls)
	}
	fmt.Fprintf(&text, " in %s", time.Since(begun))
	return text.String()
}

// WantAnswer checks the Answer to a request.
func WantAnswer(t *testing.T, c *catalogue.Catalogue, want lead.Freshness, text string) {
	t.Helper()
	if got := Answer(t.Context(), c, want); got != text {
		t.Errorf("got %q, want %q", got, text)
	}
}

// Pass advances the fake clock and waits until all goroutines are idle.
func Pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// MaxAge demands leads of that maximum age.
func MaxAge(d time.Duration) lead.Freshness { return lead.Freshness{MaxAge: &d} }

// What requests demand.
var (
	Whatever = lead.Freshness{}
	NoCache  = lead.Freshness{NoCache: true}
)

// IDs returns the ids of leads.
func IDs(leads []*lead.Lead) []string {
	texts := make([]string, len(leads))
	for i, l := range leads {
		texts[i] = l.ID
	}
	return texts
}

// Shuffled returns each value of the list twice, in another order and spelling. It
// keeps nil.
func Shuffled[T any](list []T, respell func(T) T) []T {
	if list == nil {
		return nil
	}
	other := make([]T, 0, 2*len(list))
	for _, v := range slices.Repeat(list, 2) {
		other = append(other, respell(v))
	}
	slices.Reverse(other)
	return other
}
