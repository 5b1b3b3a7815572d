package graph

import (
	"context"
	"fmt"
	"time"

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
	keys := make([]federation.Key, len(representations))
	refused := make([]error, len(representations))
	for i, representation := range representations {
		var fault *federation.Fault
		if keys[i], fault = federation.KeyOf(representation); fault != nil {
			at := fmt.Sprintf("representations[%d]", i)
			if fault.Member != "" {
				at += "." + fault.Member
			}
			refused[i] = errcode.BadInput(at, fault.Reason, nil)
		}
	}
	objects, errs := operationOf(ctx).objects(ctx, keys)
	entities := make([]generated.Entity, len(keys))
	for i := range keys {
		switch {
		case refused[i] != nil:
			failAt(ctx, i, refused[i])
		case errs[i] != nil:
			failAt(ctx, i, errs[i])
		default:
			entities[i] = objects[i]
		}
	}
	return entities
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
	known := map[federation.Key]any{}
	for i, key := range keys {
		switch err := failed[key.ID]; {
		case key.Type == federation.Tenant && err != nil:
			errs[i] = err
		case key.Type == federation.Lead && unread != nil:
			errs[i] = unread
		case key.Type != "":
			object, made := known[key]
			if !made {
				object = op.object(key)
				known[key] = object
			}
			objects[i] = object
		}
	}
	return objects, errs
}

// leadIDs returns the distinct ids of leads among the keys.
func leadIDs(keys []federation.Key) (ids []string) {
	seen := map[string]struct{}{}
	for _, key := range keys {
		if _, known := seen[key.ID]; !known && key.Type == federation.Lead {
			seen[key.ID] = struct{}{}
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

// object returns the object with a key, once its leads were read, or nil.
func (op *operation) object(key federation.Key) any {
	if key.Type == federation.Lead {
		if found := op.truth.Settle(key.ID); found != nil {
			return op.visible(found)
		}
		return nil
	}
	leads, asOf := op.truth.OfTenant(key.ID), op.truth.TenantAsOf(key.ID)
	shown := op.visibleAll(leads)
	if shown == nil {
		shown = []*lead.Lead{}
	}
	return &generated.Tenant{
		ID: federation.TenantID(key.ID), TenantID: key.ID, Leads: shown, PreferredLead: lead.Preferred(shown),
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
	if len(tenants) > 0 {
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
