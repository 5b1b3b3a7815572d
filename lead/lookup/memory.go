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

var errForeign = &lead.SourceError{Kind: lead.FailureBadResponse, Err: errors.New("the answer contains leads of other tenants")}

// remembered is a cached answer.
type remembered struct {
	Found
	// heldAt is the latest moment at which the answer is known to have been true. An
	// answer with a later heldAt replaces it.
	heldAt time.Time
	number uint64 // of the read; 0 if another process read it
}

// dated returns the leads with the time at which reading them began. It copies those
// that have another, because the source may have given them to others too.
func dated(leads []*lead.Lead, asOf time.Time) Found {
	found := Found{make([]*lead.Lead, len(leads)), asOf}
	for i, l := range leads {
		if found.Leads[i] = l; !l.AsOf.Equal(asOf) {
			dated := *l
			dated.AsOf = asOf
			found.Leads[i] = &dated
		}
	}
	return found
}

// lifetime returns the maximum age of the leads of a tenant.
func (l *Lookups) lifetime(leads []*lead.Lead) time.Duration {
	if len(leads) == 0 {
		return l.opts.NegativeTTL
	}
	return l.opts.TTL
}

// fromMemory answers from the caches and returns the places of the other tenants.
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
			found = dated(found.Leads, found.AsOf)
			l.opts.OnRead(key, found)
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

// recall answers the place from the memory of this process and reports whether it
// could.
func (l *Lookups) recall(q *inquiry, place int) bool {
	known, ok := l.known(q.keys[place], q.need)
	if ok {
		q.found[place] = Lookup{Leads: known.Leads, AsOf: known.AsOf}
		q.report.CacheHits++
	}
	return ok
}

// known returns the latest answer about a tenant if it meets the demand. It never
// falls back to an older answer that lives longer, because then a client could see
// time go backwards.
func (l *Lookups) known(key string, need lead.Demand) (remembered, bool) {
	if l.cache == nil {
		return remembered{}, false
	}
	latest := l.latest(key)
	return latest, !latest.AsOf.IsZero() && l.alive(latest.Found) && need.MetBy(latest.number, latest.AsOf)
}

// latest returns the latest answer about a tenant, however old it is. Its AsOf is zero if
// nothing is known.
func (l *Lookups) latest(key string) (latest remembered) {
	ok := false
	if l.cache != nil {
		latest, ok = l.cache.GetIfPresent(key)
	}
	if s := l.newest.Load(); s != nil && (!ok || s.AsOf().After(latest.heldAt)) {
		latest = remembered{Found: Found{s.ByTenant(key), s.AsOf()}, heldAt: s.AsOf()}
	}
	return latest
}

// alive reports whether an answer is young enough to be served. It rejects an answer
// from the future, which the clock of another replica may cause, because that answer
// would live for too long.
func (l *Lookups) alive(found Found) bool {
	age := time.Since(found.AsOf)
	return age >= 0 && age < l.lifetime(found.Leads)
}

// remember caches an answer unless a later one is known.
func (l *Lookups) remember(key string, r remembered) {
	if l.cache == nil || !l.kept(r.Found) {
		return
	}
	l.cache.Compute(key, func(old remembered, found bool) (remembered, otter.ComputeOp) {
		if found && old.heldAt.After(r.heldAt) {
			return old, otter.CancelOp
		}
		return r, otter.WriteOp
	})
}

// share gives answers to the other replicas in the background.
func (l *Lookups) share(found map[string]Found) {
	if l.opts.Shared == nil || l.cache == nil || len(found) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.life.Err() != nil {
		return // Close may already have waited for puts
	}
	l.puts.Go(func() {
		_, err := flight.Guard(func() (struct{}, error) {
			l.opts.Shared.Put(l.life, found)
			return struct{}{}, nil
		})
		if err != nil {
			l.opts.Logger.LogAttrs(l.life, slog.LevelError, "sharing lookups with other replicas failed", slog.Any("error", err))
		}
	})
}

// belong reports whether all leads are the tenant's. In a cache, a wrong answer
// would spread.
func belong(leads []*lead.Lead, tenant string) bool {
	for _, l := range leads {
		if !strings.EqualFold(l.TenantID, tenant) {
			return false
		}
	}
	return true
}
