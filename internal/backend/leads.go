package backend

import (
	"context"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/lookup"
	"leadgraph/lead/recent"
)

// LeadsPage reads a page of leads; see upstream.Client.
func (p *Platform) LeadsPage(ctx context.Context, page, size int, parts lead.Parts) ([]*lead.Lead, error) {
	if p.common != nil {
		p.hints.take()
		defer p.hints.give()
		return p.common.LeadsPage(ctx, page, size, parts)
	}
	leads, err := withReaders(ctx, p.pool, func(r *readers) ([]*lead.Lead, error) {
		return r.LeadsPage(ctx, page, size, parts)
	})
	p.accepts(ctx, err)
	return leads, err
}

// accepts notes that the platform accepts the token of the caller of ctx if err, the
// result of a read of the platform, is nil.
func (p *Platform) accepts(ctx context.Context, err error) {
	if key, _ := p.pool.caller(ctx); err == nil {
		p.pool.tokens.accept(key)
	}
}

// Accepted reports whether the platform has accepted the token of a partition. It is
// true if callers' tokens are not sent to the platform.
func (p *Platform) Accepted(partition string) bool {
	return p.pool == nil || p.pool.tokens.isAccepted(partition)
}

// MaxPageSize returns the largest page size that is worth requesting; see
// upstream.Client.
func (p *Platform) MaxPageSize() int {
	if p.hints != nil {
		p.hints.take()
	}
	return p.client.MaxPageSize()
}

// EachLead reads a page of leads one by one; see upstream.Client.
func (p *Platform) EachLead(ctx context.Context, page, size int, parts lead.Parts, restart func(), each func(*lead.Lead) error) error {
	if p.common != nil {
		p.hints.take()
		defer p.hints.give()
		return p.common.EachLead(ctx, page, size, parts, restart, each)
	}
	_, err := withReaders(ctx, p.pool, func(r *readers) (struct{}, error) {
		return struct{}{}, r.EachLead(ctx, page, size, parts, restart, each)
	})
	p.accepts(ctx, err)
	return err
}

// ByTenants looks up the leads of tenants; see lookup.Lookups.
func (p *Platform) ByTenants(ctx context.Context, tenantIDs []string, want lead.Freshness) ([]lookup.Lookup, lookup.Report) {
	if p.common != nil {
		return p.common.ByTenants(ctx, tenantIDs, want)
	}
	var report lookup.Report
	found, err := withReaders(ctx, p.pool, func(r *readers) (found []lookup.Lookup, _ error) {
		found, report = r.ByTenants(ctx, tenantIDs, want)
		return found, nil
	})
	if err != nil {
		found = make([]lookup.Lookup, len(tenantIDs))
		for i := range found {
			found[i].Err = err
		}
	}
	return found, report
}

// Online looks up a tenant and has the platform ask Microsoft; see lookup.Lookups.
func (p *Platform) Online(ctx context.Context, tenantID string) (lookup.Lookup, lookup.Report) {
	if p.common != nil {
		return p.common.Online(ctx, tenantID)
	}
	var report lookup.Report
	found, err := withReaders(ctx, p.pool, func(r *readers) (found lookup.Lookup, _ error) {
		found, report = r.Online(ctx, tenantID)
		return found, nil
	})
	if err != nil {
		found = lookup.Lookup{Err: err}
	}
	return found, report
}

// Snapshot returns all leads; see catalogue.Catalogue.
func (p *Platform) Snapshot(ctx context.Context, want lead.Freshness) (*catalogue.Snapshot, catalogue.State, error) {
	if p.common != nil {
		return p.common.Snapshot(ctx, want)
	}
	var state catalogue.State
	snapshot, err := withReaders(ctx, p.pool, func(r *readers) (snapshot *catalogue.Snapshot, err error) {
		snapshot, state, err = r.Snapshot(ctx, want)
		return snapshot, err
	})
	return snapshot, state, err
}

// Current returns the snapshot that is at hand, or nil; see catalogue.Catalogue.
func (p *Platform) Current(ctx context.Context) *catalogue.Snapshot {
	if p.common != nil {
		return p.common.Current(ctx)
	}
	snapshot, _ := withReaders(ctx, p.pool, func(r *readers) (*catalogue.Snapshot, error) { // nil if the caller has no readers
		return r.Current(ctx), nil
	})
	return snapshot
}

// AfterMiss returns a newer snapshot than one without a lead, or nil; see
// catalogue.Catalogue.
func (p *Platform) AfterMiss(ctx context.Context, in *catalogue.Snapshot) (*catalogue.Snapshot, catalogue.State) {
	if p.common != nil {
		return p.common.AfterMiss(ctx, in)
	}
	var state catalogue.State
	snapshot, _ := withReaders(ctx, p.pool, func(r *readers) (snapshot *catalogue.Snapshot, _ error) { // nil if the caller has no readers
		snapshot, state = r.AfterMiss(ctx, in)
		return snapshot, nil
	})
	return snapshot, state
}

// Recent returns the memory of the leads that were read since the catalogue.
func (p *Platform) Recent(ctx context.Context) *recent.Memory {
	if p.common != nil {
		return p.common.memory
	}
	memory, err := withReaders(ctx, p.pool, func(r *readers) (*recent.Memory, error) { return r.memory, nil })
	if err != nil {
		return recent.New()
	}
	return memory
}

// LastResort returns a snapshot for pages that cannot be read, or nil; see
// catalogue.Catalogue.
func (p *Platform) LastResort(ctx context.Context) *catalogue.Snapshot {
	if p.common != nil {
		return p.common.LastResort(ctx)
	}
	snapshot, _ := withReaders(ctx, p.pool, func(r *readers) (*catalogue.Snapshot, error) { // nil if the caller has no readers
		return r.LastResort(ctx), nil
	})
	return snapshot
}
