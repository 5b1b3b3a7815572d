package backend

import (
	"context"
	"log/slog"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
)

// confirmed reads all leads a second time if the first reading has passed over some that
// were known, or may have passed over others. A list that is read page by page can change
// meanwhile. One page shows one moment, but the log of changes says that a lead is gone
// only if two complete readings agree.
type confirmed struct {
	next catalogue.Source
	// latest returns what reports whether a list has all leads that were there before; nil
	// if none are known.
	latest func(context.Context) func([]*lead.Lead) bool
	log    *slog.Logger
}

// AllLeads implements catalogue.Source. A lead is gone if it is absent from both
// readings. If the list changed during the second reading too, the leads of the first are
// kept. If the second reading fails, so does the whole, and the catalogue before stays:
// both together would be a list that never was. Without one, the first reading must do.
// The result is as old as the reading that its leads are from, or as the first one if they
// are from both.
func (c *confirmed) AllLeads(ctx context.Context, notBefore time.Time) (catalogue.Reading, error) {
	first, err := c.next.AllLeads(ctx, notBefore)
	if err != nil || !first.Complete {
		return first, err
	}
	before := c.latest(ctx)
	if !first.Changed && (before == nil || before(first.Leads)) {
		return first, nil
	}
	begun := time.Now()
	second, err := c.next.AllLeads(ctx, notBefore)
	if second.AsOf.IsZero() {
		second.AsOf = begun
	}
	calls := first.Calls + second.Calls
	result := second
	switch {
	case ctx.Err() != nil:
		return catalogue.Reading{Calls: calls}, ctx.Err()
	case before == nil && (err != nil || !second.Complete):
		result = first
	case err != nil: // nothing confirms that leads are gone
		return catalogue.Reading{Calls: calls}, err
	case second.Changed:
		result.Leads, result.AsOf = merge(second.Leads, first.Leads), first.AsOf
	}
	c.log.LogAttrs(ctx, slog.LevelInfo, "all leads were read twice, because the list changed",
		slog.Bool("changedAgain", second.Changed), slog.Int("leads", len(result.Leads)))
	result.Calls = calls
	return result, nil
}

func idsOf(leads []*lead.Lead) map[string]struct{} {
	ids := make(map[string]struct{}, len(leads))
	for _, l := range leads {
		ids[l.ID] = struct{}{}
	}
	return ids
}

// merge returns the leads with the others that are missing there. Each of these follows
// the lead that it followed among the others.
func merge(leads, others []*lead.Lead) []*lead.Lead {
	known := idsOf(leads)
	following := map[string][]*lead.Lead{} // by the id of the known lead before; "" at the front
	last := ""
	for _, l := range others {
		if _, ok := known[l.ID]; ok {
			last = l.ID
		} else {
			following[last] = append(following[last], l)
		}
	}
	merged := append(make([]*lead.Lead, 0, len(leads)+len(others)), following[""]...)
	for _, l := range leads {
		merged = append(append(merged, l), following[l.ID]...)
	}
	return merged
}
