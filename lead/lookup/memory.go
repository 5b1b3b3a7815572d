package lookup

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/maypok86/otter/v2"

	"leadgraph/lead"
	"leadgraph/lead/flight"
)

var errForeign = &lead.SourceError{Kind: lead.FailureBadResponse, Err: errors.New("leads of other tenants in the answer")}

// remembered is what is known about a tenant.
type remembered struct {
	Found
	// heldAt is the latest moment at which this is known to have held. What held
	// later replaces it.
	heldAt time.Time
	number uint64 // of the read; 0 for what this process did not read
}

// lifetime is the age up to which leads of a tenant are served.
func (l *Lookups) lifetime(leads []*lead.Lead) time.Duration {
	if len(leads) == 0 {
		return l.opts.NegativeTTL
	}
	return l.opts.TTL
}

// fromMemory answers what is remembered and returns the places of the others.
func (l *Lookups) fromMemory(ctx context.Context, q *inquiry) (missing []int) {
	for place := range q.keys {
		if !l.recall(q, place) {
			missing = append(missing, place)
		}
	}
	if l.opts.Shared == nil || l.cache == nil || len(missing) == 0 || q.need.NoCache {
		return missing
	}
	keys := make([]string, len(missing))
	for i, place := range missing {
		keys[i] = q.keys[place]
	}
	for key, found := range l.opts.Shared.Get(ctx, keys) {
		if belong(found.Leads, key) {
			l.remember(key, remembered{Found: found, heldAt: found.AsOf})
		}
	}
	still := missing[:0]
	for _, place := range missing {
		if !l.recall(q, place) {
			still = append(still, place)
		}
	}
	return still
}

func (l *Lookups) recall(q *inquiry, place int) bool {
	known, ok := l.known(q.keys[place], q.need)
	if ok {
		q.found[place] = Lookup{Leads: known.Leads, AsOf: known.AsOf}
		q.report.CacheHits++
	}
	return ok
}

// known returns the latest knowledge about a tenant if it meets the demand. An
// older answer that has more time to live would go back in time.
func (l *Lookups) known(key string, need lead.Demand) (remembered, bool) {
	if l.cache == nil {
		return remembered{}, false
	}
	latest, ok := l.cache.GetIfPresent(key)
	if s := l.newest.Load(); s != nil && (!ok || s.AsOf().After(latest.heldAt)) {
		latest, ok = remembered{Found: Found{s.ByTenant(key), s.AsOf()}, heldAt: s.AsOf()}, true
	}
	return latest, ok && l.alive(latest.Found) && need.MetBy(latest.number, latest.AsOf)
}

// alive tells whether an answer is young enough to be served. One from the future,
// by the clock of another replica, would live for too long.
func (l *Lookups) alive(found Found) bool {
	age := time.Since(found.AsOf)
	return age >= 0 && age < l.lifetime(found.Leads)
}

// remember keeps an answer unless a later one is known.
func (l *Lookups) remember(key string, r remembered) {
	if l.cache == nil || !l.alive(r.Found) {
		return
	}
	l.cache.Compute(key, func(old remembered, found bool) (remembered, otter.ComputeOp) {
		if found && old.heldAt.After(r.heldAt) {
			return old, otter.CancelOp
		}
		return r, otter.WriteOp
	})
}

// share gives answers to the other replicas while nobody waits.
func (l *Lookups) share(found map[string]Found) {
	if l.opts.Shared == nil || l.cache == nil || len(found) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.life.Err() != nil {
		return // Close may be past waiting for puts
	}
	l.puts.Go(func() {
		_, err := flight.Guard(func() (struct{}, error) {
			l.opts.Shared.Put(l.life, found)
			return struct{}{}, nil
		})
		if err != nil {
			l.opts.Logger.LogAttrs(l.life, slog.LevelError, "lookups could not be shared", slog.Any("error", err))
		}
	})
}

// belong tells whether all leads are the tenant's. A wrong answer would do more
// harm in a cache than where it arose.
func belong(leads []*lead.Lead, tenant string) bool {
	for _, lead := range leads {
		if !strings.EqualFold(lead.TenantID, tenant) {
			return false
		}
	}
	return true
}
