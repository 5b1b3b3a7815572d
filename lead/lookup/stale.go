package lookup

import (
	"context"
	"log/slog"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/flight"
)

// keptFor returns how long the leads of a tenant are kept: longer than they are fresh, in
// case the platform fails.
func (l *Lookups) keptFor(leads []*lead.Lead) time.Duration {
	if len(leads) == 0 {
		return l.lifetime(leads) // that a tenant had none says little later
	}
	return max(l.lifetime(leads), l.opts.StaleIfError)
}

// kept reports whether an answer is young enough to be kept.
func (l *Lookups) kept(found Found) bool {
	age := time.Since(found.AsOf)
	return age >= 0 && age < l.keptFor(found.Leads)
}

// lastResort returns the latest leads that are known of a tenant, for a request whose
// read fails. There are none if the request limits the age of its data, if the tenant had
// no leads, or if the platform has denied access.
func (l *Lookups) lastResort(key string, need lead.Demand) (Found, bool) {
	if l.opts.StaleIfError <= 0 || need.NoCache || !need.NotBefore.IsZero() || l.life.Err() != nil || l.opts.Denied() {
		return Found{}, false
	}
	latest := l.latest(key)
	age := time.Since(latest.AsOf)
	return latest.Found, len(latest.Leads) > 0 && age >= 0 && age <= l.opts.StaleIfError
}

// fallBack answers the places whose read failed with old leads, where that is allowed.
func (l *Lookups) fallBack(ctx context.Context, q *inquiry, places []int) {
	if ctx.Err() != nil {
		return
	}
	served := 0
	var cause error
	for _, place := range places {
		answer := &q.found[place]
		if answer.Err == nil || lead.Denied(answer.Err) {
			continue
		}
		if old, ok := l.lastResort(q.keys[place], q.need); ok {
			served, cause = served+1, answer.Err
			*answer = Lookup{Leads: old.Leads, AsOf: old.AsOf, Stale: true}
		}
	}
	if served > 0 {
		l.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "lookups failed: old leads are served", slog.Int("tenants", served), slog.Any("error", cause))
	}
}

// patience returns a context that bounds how long a request waits for a read: until its
// own deadline, or four fifths of that time if old leads of one of the tenants can answer
// it afterwards.
func (l *Lookups) patience(ctx context.Context, need lead.Demand, keys ...string) (context.Context, context.CancelFunc) {
	for _, key := range keys {
		if _, ok := l.lastResort(key, need); ok {
			return flight.Patient(ctx)
		}
	}
	return ctx, func() {}
}
