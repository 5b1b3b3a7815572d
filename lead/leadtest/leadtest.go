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

const (
	TTL        = 60 * time.Second
	Revalidate = 30 * time.Second
	IfError    = 10 * time.Minute
	ReadTime   = time.Second
)

// Platform answers one lead whose id is the number of the read, after ReadTime.
type Platform struct {
	mu         sync.Mutex
	reads      int
	running    int
	cancelled  int
	Err        error
	Incomplete bool
	Crash      bool
}

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

func (p *Platform) Set(change func(p *Platform)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(p)
}

func (p *Platform) Fail(err error) { p.Set(func(p *Platform) { p.Err = err }) }

func (p *Platform) WantReads(t *testing.T, reads, cancelled int) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reads != reads || p.cancelled != cancelled {
		t.Errorf("%d reads, %d of them cancelled, want %d and %d", p.reads, p.cancelled, reads, cancelled)
	}
}

var ErrDown = &lead.SourceError{Kind: lead.FailureUnavailable, Status: 503}

func Options() catalogue.Options {
	return catalogue.Options{TTL: TTL, StaleWhileRevalidate: Revalidate, StaleIfError: IfError, RefreshTimeout: 20 * time.Second}
}

// Answer is what a request got, written on one line: the number of the read, the
// state and how long it took.
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

func WantAnswer(t *testing.T, c *catalogue.Catalogue, want lead.Freshness, text string) {
	t.Helper()
	if got := Answer(t.Context(), c, want); got != text {
		t.Errorf("got %q, want %q", got, text)
	}
}

// Pass lets fake time go by, and what is under way come to rest.
func Pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func MaxAge(d time.Duration) lead.Freshness { return lead.Freshness{MaxAge: &d} }

var (
	Whatever = lead.Freshness{}
	NoCache  = lead.Freshness{NoCache: true}
)

func Ids(leads []*lead.Lead) []string {
	texts := make([]string, len(leads))
	for i, l := range leads {
		texts[i] = l.ID
	}
	return texts
}

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
