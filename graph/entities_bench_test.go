package graph_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"leadgraph/graph"
	"leadgraph/graph/federation"
	"leadgraph/graph/limits"
	"leadgraph/graph/pagination"
	"leadgraph/internal/apptest"
	"leadgraph/lead"
	"leadgraph/lead/catalogue"
)

// atHand is a catalogue that is always fresh.
type atHand struct{ all *catalogue.Snapshot }

func (c atHand) Snapshot(context.Context, lead.Freshness) (*catalogue.Snapshot, catalogue.State, error) {
	return c.all, catalogue.State{}, nil
}

func (atHand) AfterMiss(context.Context, *catalogue.Snapshot) (*catalogue.Snapshot, catalogue.State) {
	return nil, catalogue.State{}
}

func (c atHand) Current(context.Context) *catalogue.Snapshot { return c.all }

func (atHand) LastResort(context.Context) *catalogue.Snapshot { return nil }

// BenchmarkEntities answers 1,000 leads by their ids, as clients and as gateways ask for
// them: with the ten fields of a table and with most of what a lead has.
func BenchmarkEntities(b *testing.B) {
	leads := make([]*lead.Lead, 1000)
	ids, list := make([]string, len(leads)), make([]any, len(leads))
	for i := range leads {
		id := fmt.Sprintf("da68eafc-d3c6-4d3b-9a10-%012d", i)
		leads[i] = &lead.Lead{
			ID: id, TenantID: fmt.Sprintf("f94238e5-4f2c-4e1b-8125-%012d", i), Status: lead.StatusActive, StatusText: new("Active"), IsDirectLead: new(true),
			ConsentedOn: time.Unix(1e9, 0), LastModifiedOn: time.Unix(1e9, 0), ConsentedCountries: []string{"US", "DE"}, AsOf: time.Unix(1e9, 0),
			ContactDetails: &lead.ContactDetails{FullName: new("Anna Example"), Email: new("anna@contoso.example"), CompanyName: new("Contoso"), CompanySize: new("L250_U999")},
			Contacts:       []lead.Contact{{FullName: new("Bert Example"), Email: new("bert@contoso.example")}},
		}
		ids[i], list[i] = id, representation{"__typename": "Lead", "id": id}
	}
	o := graph.Options{
		Catalogue: atHand{catalogue.Build(leads, time.Unix(1e9, 0), nil)}, Cursors: pagination.NewSeal("", []byte("the key of the benchmark")),
		Caller: func(context.Context) string { return "" }, SeesPII: func(context.Context) bool { return true }, RequestID: func(context.Context) string { return "" },
		MaxBody: 256 << 10, Timeout: 10 * time.Second, Logger: slog.New(slog.DiscardHandler),
		Federation: &federation.Scopes{}, Limits: limits.Document{Values: limits.SubgraphValues},
	}
	handler, err := graph.NewHandler(o)
	if err != nil {
		b.Fatal(err)
	}
	for name, fields := range map[string]string{
		"table": `id tenantId status statusText isDirectLead consentedOn lastModifiedOn asOf freshness contactDetails { companyName }`,
		"full": `id tenantId status statusText isDirectLead consentedOn lastModifiedOn consentedCountries asOf freshness
			contactDetails { fullName email phoneNumber companyName companySize companySizeRange { min max } } contacts { fullName email phoneNumber companyName }`,
	} {
		for root, body := range map[string]string{
			"nodes":    apptest.Body(`query($ids: [ID!]!) { nodes(ids: $ids) { __typename ... on Lead { `+fields+` } } }`, map[string]any{"ids": ids}),
			"entities": apptest.Body(`query($r: [_Any!]!) { _entities(representations: $r) { __typename ... on Lead { `+fields+` } } }`, map[string]any{"r": list}),
		} {
			b.Run(name+"/"+root, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					request := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/graphql", strings.NewReader(body))
					request.Header.Set("Content-Type", "application/json")
					answer := httptest.NewRecorder()
					handler.ServeHTTP(answer, request)
					if answer.Code != http.StatusOK || strings.Contains(answer.Body.String(), "errors") {
						b.Fatal(answer.Body)
					}
				}
			})
		}
	}
}
