package graph

import (
	"testing"
	"time"

	"leadgraph/graph/pagination"
	"leadgraph/lead"
)

// TestListKind checks which source answers a page: the platform answers all
// leads in its own order, the catalogue everything else.
func TestListKind(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		filter *lead.Filter
		order  lead.Order
		want   pagination.Kind
	}{
		{"no filter", nil, lead.Order{}, pagination.KindUpstream},
		{"an empty filter", &lead.Filter{}, lead.Order{}, pagination.KindUpstream},
		{"a blank search", &lead.Filter{Search: " "}, lead.Order{}, pagination.KindUpstream},
		{"nested empty filters", &lead.Filter{And: []*lead.Filter{{}, nil}}, lead.Order{}, pagination.KindUpstream},
		{"the platform's order has no direction", nil, lead.Order{Descending: true}, pagination.KindUpstream},
		{"another order", nil, lead.Order{Field: lead.OrderStatus}, pagination.KindCatalogue},
		{"an empty filter in another order", &lead.Filter{}, lead.Order{Field: lead.OrderTenantID}, pagination.KindCatalogue},
		{"a condition", &lead.Filter{HasCustomer: new(false)}, lead.Order{}, pagination.KindCatalogue},
		{"a list without values", &lead.Filter{Statuses: []lead.Status{}}, lead.Order{}, pagination.KindCatalogue},
		{"a time", &lead.Filter{ConsentedOn: lead.TimeRange{To: new(time.Unix(0, 0))}}, lead.Order{}, pagination.KindCatalogue},
		{"one of no filters", &lead.Filter{Or: []*lead.Filter{}}, lead.Order{}, pagination.KindCatalogue},
		{"not everything", &lead.Filter{Not: &lead.Filter{}}, lead.Order{}, pagination.KindCatalogue},
		{"a nested condition", &lead.Filter{And: []*lead.Filter{{Search: "a"}}}, lead.Order{}, pagination.KindCatalogue},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			list := leadsQuery{filter: c.filter, order: c.order}.list()
			if list.Kind != c.want || (list.Fingerprint == 0) != (c.want == pagination.KindUpstream) {
				t.Errorf("list() = %+v, want kind %d", list, c.want)
			}
		})
	}
}
