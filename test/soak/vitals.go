package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// vitals are what leadgraph holds at a moment.
type vitals struct {
	Goroutines, Files int64
	Heap              int64 // bytes that are in use after a collection; 0: not known
	RSS               int64 // bytes
}

func (v vitals) most(other vitals) vitals {
	return vitals{max(v.Goroutines, other.Goroutines), max(v.Files, other.Files), max(v.Heap, other.Heap), max(v.RSS, other.RSS)}
}

// What may be left over. Connections and goroutines come and go in the
// background. Memory is compared with that of the first third, in which the
// caches fill; what was freed goes back to the system bit by bit.
const (
	spareGoroutines = 5
	spareFiles      = 5
	spareHeap       = 32 << 20 // the most that lookups may remember
	spareRSS        = 64 << 20
)

// resident names what the system has given to leadgraph.
const resident = "bytes of resident memory"

// settleTime is the most that leadgraph may take to come to rest.
const settleTime = 30 * time.Second

// settle ends all connections, waits until leadgraph holds no more than it needs
// and returns what that is.
func (k *soak) settle(ctx context.Context) (vitals, error) {
	k.platform.ClearFaults()
	k.load.client.http.CloseIdleConnections()
	if err := errors.Join(k.platform.down(), k.platform.up(ctx)); err != nil {
		return vitals{}, err
	}
	least, same := vitals{}, 0
	for begun := time.Now(); same < 3 && time.Since(begun) < settleTime && rest(ctx, time.Second); {
		v, err := k.child.look(ctx)
		if err != nil {
			return v, err
		}
		if v.Goroutines == least.Goroutines && v.Files == least.Files {
			same++
		} else {
			same = 0
		}
		least = v
	}
	var err error
	least.Heap, err = k.child.heap(ctx)
	return least, err
}

// compare looks for what is left over.
func (k *soak) compare() {
	s := k.summary
	for _, kept := range []struct {
		name          string
		before, after int64
		spare         int64
	}{
		{"goroutines", s.Before.Goroutines, s.After.Goroutines, spareGoroutines},
		{"open files", s.Before.Files, s.After.Files, spareFiles},
		{"bytes of heap", s.Early.Heap, s.After.Heap, spareHeap},
		{resident, s.Early.RSS, s.Peak.RSS, s.Early.RSS/4 + spareRSS},
	} {
		if s.Race && kept.name == resident {
			continue // most of it is the detector's own, which grows with every address that was ever used
		}
		if kept.after > kept.before+kept.spare {
			k.tally.violation(leaks, "%d %s, there were %d and %d may be more", kept.after, kept.name, kept.before, kept.spare)
		}
	}
	if open := k.tally.underWay(); open > 0 {
		k.tally.violation(hung, "%d requests did not end", open)
	}
	if why := k.tally.vacuous(); why != "" {
		k.tally.violation(vacuous, "%s", why)
	}
}

// vacuous says why the soak proves too little; empty if it does not.
func (t *tally) vacuous() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	served, all := 0, 0
	for _, k := range t.kinds {
		served += k.served
		all += k.served + k.partial + k.refused
	}
	switch {
	case served*2 < all:
		return fmt.Sprintf("%d of %d operations were answered in whole", served, all)
	case t.walks == 0:
		return "no walk came to its end"
	case len(t.faults) < 3:
		return "hardly anything went wrong"
	}
	return ""
}
