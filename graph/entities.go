package graph

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"leadgraph/graph/federation"
	"leadgraph/graph/generated"
	"leadgraph/graph/loader"
	"leadgraph/internal/admission"
	"leadgraph/internal/errcode"
	"leadgraph/lead"
	"leadgraph/lead/lookup"
)

var _ generated.EntityResolver = (*Resolver)(nil)

// Service implements generated.EntityResolver.
func (r *Resolver) Service(context.Context) (generated.Service, error) {
	return generated.Service{Sdl: r.sdl}, nil
}

// Entities implements generated.EntityResolver. Each representation that is malformed, or
// that cannot be read, has an error of its own.
func (r *Resolver) Entities(ctx context.Context, representations []any) []generated.Entity {
	op := operationOf(ctx)
	objects, errs := op.objects(ctx, op.keys[graphql.GetFieldContext(ctx).Field.Alias])
	entities := make([]generated.Entity, len(representations))
	for i, representation := range representations {
		if entities[i] = objects[i]; objects[i] != nil {
			continue
		}
		if errs[i] != nil {
			failAt(ctx, i, errs[i])
		} else if _, fault := federation.KeyOf(representation); fault != nil {
			failAt(ctx, i, refusal(i, fault))
		}
	}
	return entities
}

func refusal(i int, fault *federation.Fault) error {
	at := fmt.Sprintf("representations[%d]", i)
	if fault.Member != "" {
		at += "." + fault.Member
	}
	return errcode.BadInput(at, fault.Reason, nil)
}

// objects returns the objects with these keys, in their order; nil for a zero key and for
// a lead that does not exist. Each object that cannot be read has an error.
func (op *operation) objects(ctx context.Context, keys []federation.Key) (objects []any, errs []error) {
	objects, errs = make([]any, len(keys)), make([]error, len(keys))
	tenants, tooMany := federation.Lookups(keys)
	failed := op.readTenants(ctx, tenants, tooMany)
	ids := leadIDs(keys)
	all, unread := allLeads{}, error(nil)
	if len(ids) > 0 {
		all, unread = waiting(ctx, op.snapshot)
	}
	if err := op.meet(ctx); err != nil {
		for i := range errs {
			errs[i] = err
		}
		return objects, errs
	}
	if len(ids) > 0 && unread == nil {
		op.seek(ctx, ids, all)
	}
	known := map[string]*generated.Tenant{}
	for i, key := range keys {
		switch {
		case key.Type == federation.Lead && unread != nil:
			errs[i] = unread
		case key.Type == federation.Lead:
			if found := op.truth.Settle(key.ID); found != nil {
				objects[i] = op.visible(found)
			}
		case key.Type == federation.Tenant && failed[key.ID] != nil:
			errs[i] = failed[key.ID]
		case key.Type == federation.Tenant:
			if known[key.ID] == nil {
				known[key.ID] = op.tenant(key.ID)
			}
			objects[i] = known[key.ID]
		}
	}
	return objects, errs
}

// leadIDs returns the ids of leads among the keys.
func leadIDs(keys []federation.Key) []string {
	ids := make([]string, 0, len(keys))
	for _, key := range keys {
		if key.Type == federation.Lead {
			ids = append(ids, key.ID)
		}
	}
	return ids
}

// readTenants reads the leads of tenants, too many of them from the catalogue. It returns
// the errors by tenant.
func (op *operation) readTenants(ctx context.Context, tenants []string, tooMany bool) map[string]error {
	failed := map[string]error{}
	if tooMany {
		if _, err := waiting(ctx, op.snapshot); err != nil {
			for _, tenant := range tenants {
				failed[tenant] = err
			}
		}
		return failed
	}
	keys := make([]loader.Key, len(tenants))
	for i, tenant := range tenants {
		keys[i].TenantID = tenant
	}
	errs, _ := waiting(ctx, func() ([]error, error) {
		_, errs := op.leads.LoadAll(ctx, keys)
		return errs, nil
	})
	for i, err := range errs {
		if err != nil {
			failed[tenants[i]] = err
		}
	}
	return failed
}

// tenant returns a tenant whose leads were read.
func (op *operation) tenant(id string) *generated.Tenant {
	leads, asOf := op.truth.OfTenant(id), op.truth.TenantAsOf(id)
	shown := op.visibleAll(leads)
	if shown == nil {
		shown = []*lead.Lead{}
	}
	return &generated.Tenant{
		ID: federation.TenantID(id), TenantID: id, Leads: shown, PreferredLead: lead.Preferred(shown),
		AsOf: asOf.Truncate(time.Millisecond), Freshness: op.ageAt(asOf),
	}
}

// seek looks for leads that nothing is known of. The tenants of leads that a lookup or
// a page has just shown are looked up. For others, a catalogue that is not just read is
// refreshed.
func (op *operation) seek(ctx context.Context, ids []string, all allLeads) {
	var missing, tenants []string
	var since time.Time
	for _, id := range ids {
		if _, known := op.truth.ByID(id); known {
			continue
		}
		tenant, asOf, exists := op.truth.TenantOf(id)
		if !exists {
			missing = append(missing, id)
			continue
		}
		tenants, since = append(tenants, tenant), later(since, asOf)
	}
	slices.Sort(tenants)
	if tenants = slices.Compact(tenants); len(tenants) > 0 {
		read, _ := waiting(ctx, func() ([]lookup.Lookup, error) { return op.lookUp(ctx, tenants, newerThan(since)), nil })
		for _, found := range read {
			for _, l := range found.Leads {
				op.truth.Found(l)
			}
		}
	}
	if len(missing) == 0 {
		return
	}
	slot := admission.Of(ctx)
	slot.Away()
	newer, state := op.options.Catalogue.AfterMiss(ctx, all.Snapshot)
	slot.Back(ctx)
	op.spendOnAll(newer, state, nil)
	if newer == nil {
		return
	}
	for _, id := range missing {
		if found := newer.ByID(id); found != nil {
			op.truth.Found(found)
		}
	}
}
