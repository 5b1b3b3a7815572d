package main

import (
	"context"
	"errors"
	"time"

	"leadgraph/test/soak/child"
	"leadgraph/test/soak/pace"
)

const (
	// settleTime is how long leadgraph may take to settle.
	settleTime = 30 * time.Second
	// steadySeconds is how long nothing must change: leadgraph looks every ten seconds for
	// idle connections that the platform has closed.
	steadySeconds = 11
)

// settle closes all connections, waits until leadgraph holds no more than it
// needs, and returns what it holds then.
func (k *soak) settle(ctx context.Context) (child.Vitals, error) {
	k.platform.ClearFaults()
	k.load.Client.CloseIdle()
	if err := errors.Join(k.platform.Down(), k.platform.Up(ctx)); err != nil {
		return child.Vitals{}, err
	}
	last, same := child.Vitals{}, 0
	for begun := time.Now(); same < steadySeconds && time.Since(begun) < settleTime && pace.Rest(ctx, time.Second); {
		v, err := k.child.Look(ctx)
		if err != nil {
			return v, err
		}
		if v.Goroutines == last.Goroutines && v.Files == last.Files {
			same++
		} else {
			same = 0
		}
		last = v
	}
	var err error
	last.Heap, err = k.child.Heap(ctx)
	return last, err
}

// heapInterval is the time between two readings of the heap. Each one forces a
// garbage collection.
const heapInterval = 10 * time.Second

// watch notes the maximum of what leadgraph holds under load.
func (k *soak) watch(ctx context.Context) {
	begun, collected := time.Now(), time.Time{}
	for pace.Rest(ctx, time.Second) {
		v, err := k.child.Look(ctx)
		if k.memory == 0 && time.Since(collected) >= heapInterval { // where memory is limited, nobody else collects
			collected = time.Now()
			v.Heap, _ = k.child.Heap(ctx) // fails if the load has just ended
		}
		if err != nil {
			continue // the load may have just ended
		}
		k.summary.Peak = k.summary.Peak.Most(v)
		if time.Since(begun) < k.duration/3 {
			k.summary.Early = k.summary.Peak
		}
	}
}
