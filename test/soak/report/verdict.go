package report

import "fmt"

// The spare amounts are what leadgraph may hold in addition after the load.
// Connections and goroutines come and go in the background. Memory is compared
// with the first third of the load, in which the caches fill. Go returns freed
// memory to the system slowly.
const (
	spareGoroutines = 5
	spareFiles      = 5
	spareHeap       = 32 << 20 // the maximum size of the lookup cache
	spareRSS        = 64 << 20
)

// resident names the memory that the system has given to leadgraph, and heap what it
// uses of that.
const (
	resident = "bytes of resident memory"
	heap     = "bytes of heap"
)

// Conclude looks for leaks, for requests that did not end, and for a soak that
// tested too little. It notes them as violations.
func (t *Tally) Conclude(s Summary) {
	for _, kept := range []struct {
		name          string
		before, after int64
		spare         int64
	}{
		{"goroutines", s.Before.Goroutines, s.After.Goroutines, spareGoroutines},
		{"open files", s.Before.Files, s.After.Files, spareFiles},
		{heap, s.Early.Heap, s.After.Heap, spareHeap},
		{resident, s.Early.RSS, s.Peak.RSS, s.Early.RSS/4 + spareRSS},
	} {
		if kept.name == resident && (s.Race || s.Limit > 0) {
			continue // mostly the race detector's, which grows with every address ever used; or judged by its limit
		}
		if kept.name == heap && s.Limit > 0 {
			continue // not known under load
		}
		if kept.after > kept.before+kept.spare {
			t.Violation(Leaks, "%d %s, there were %d and %d more are allowed", kept.after, kept.name, kept.before, kept.spare)
		}
	}
	if s.Limit > 0 && s.MostRSS > s.Limit {
		t.Violation(Leaks, "%s MiB of resident memory, %s are allowed", mebi(s.MostRSS), mebi(s.Limit))
	}
	if open := t.UnderWay(); open > 0 {
		t.Violation(Hung, "%d requests did not end", open)
	}
	if why := t.tooLittle(); why != "" {
		t.Violation(TooLittle, "%s", why)
	}
}

// tooLittle says why the soak tested too little. It returns an empty text if it
// tested enough.
func (t *Tally) tooLittle() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	served, all := 0, 0
	for _, k := range t.kinds {
		served += k.served
		all += k.served + k.partial + k.refused
	}
	switch {
	case served*2 < all:
		return fmt.Sprintf("only %d of %d operations were answered in whole", served, all)
	case len(t.walks) == 0:
		return "no walk reached its end"
	case len(t.faults) < 3:
		return "hardly anything went wrong"
	}
	return ""
}
