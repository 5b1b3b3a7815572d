package catalogue

import (
	"context"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/flight"
)

// MissAge is how old a snapshot must be before a lead that it does not have causes a
// refresh. There is at most one such refresh in this time.
const MissAge = 10 * time.Second

// AfterMiss returns a newer snapshot than the one in which a lead was not found, or
// nil if there is none. If the snapshot is older than MissAge, AfterMiss waits for a
// running refresh or starts one, unless the last one failed just now or AfterMiss has
// started one within MissAge. It waits for at most four fifths of the request's time;
// the refresh goes on afterwards.
func (c *Catalogue) AfterMiss(ctx context.Context, in *Snapshot) (*Snapshot, State) {
	join, first := c.afterMiss(ctx, in)
	state := State{FromCache: join == nil}
	if join != nil {
		patient, cancel := flight.Patient(ctx)
		got, _ := join.Wait(patient) // after an error the snapshot at hand must do
		cancel()
		if first {
			state.Calls = got.calls
		}
	}
	if latest := c.Current(ctx); latest != nil && latest.asOf.After(in.asOf) {
		return latest, state
	}
	return nil, state
}

// afterMiss returns the refresh to wait for, or nil.
func (c *Catalogue) afterMiss(ctx context.Context, in *Snapshot) (join *flight.Flight[outcome], first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now().UTC()
	switch {
	case c.life.Err() != nil, c.current.Snapshot != nil && c.current.asOf.After(in.asOf), now.Sub(in.asOf) <= MissAge:
		return nil, false
	case c.refresh.running() && c.refresh.Join():
		return c.refresh.Flight, false
	case c.refresh.running(), now.Before(c.failure.until), now.Sub(c.missing) <= MissAge:
		return nil, false
	}
	c.missing = now
	c.begin(ctx, lead.Demand{NotBefore: now.Add(-MissAge)}, now)
	c.refresh.Join()
	return c.refresh.Flight, true
}
