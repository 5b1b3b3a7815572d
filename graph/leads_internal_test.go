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
		orders []lead.Order
		want   pagination.Kind
	}{
		{"no filter", nil, nil, pagination.KindUpstream},
		{"an empty filter", &lead.Filter{}, nil, pagination.KindUpstream},
		{"a blank search", &lead.Filter{Search: " "}, nil, pagination.KindUpstream},
		{"nested empty filters", &lead.Filter{And: []*lead.Filter{{}, nil}}, nil, pagination.KindUpstream},
		{"another order", nil, []lead.Order{{Field: lead.OrderStatus}}, pagination.KindCatalogue},
		{"an empty filter in another order", &lead.Filter{}, []lead.Order{{Field: lead.OrderTenantID}}, pagination.KindCatalogue},
		{"several orders", nil, []lead.Order{{Field: lead.OrderStatus}, {Field: lead.OrderCountry}}, pagination.KindCatalogue},
		{"a condition", &lead.Filter{HasCustomer: new(false)}, nil, pagination.KindCatalogue},
		{"a list without values", &lead.Filter{Statuses: []lead.Status{}}, nil, pagination.KindCatalogue},
		{"a time", &lead.Filter{ConsentedOn: lead.TimeRange{To: new(time.Unix(0, 0))}}, nil, pagination.KindCatalogue},
		{"one of no filters", &lead.Filter{Or: []*lead.Filter{}}, nil, pagination.KindCatalogue},
		{"not everything", &lead.Filter{Not: &lead.Filter{}}, nil, pagination.KindCatalogue},
		{"a nested condition", &lead.Filter{And: []*lead.Filter{{Search: "a"}}}, nil, pagination.KindCatalogue},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			list := leadsQuery{filter: c.filter, orders: c.orders}.list()
			if list.Kind != c.want || (list.Fingerprint == 0) != (c.want == pagination.KindUpstream) {
				t.Errorf("list() = %+v, want kind %d", list, c.want)
			}
		})
	}
}
