package projection_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"

	"leadgraph/graph/generated"
	"leadgraph/lead"
)

// BenchmarkAnswer measures whole operations without HTTP: the cached document,
// the resolvers, which already have their values, and the rendering.
func BenchmarkAnswer(b *testing.B) {
	const nested = `id tenantId status statusText isDirectLead umpCustomerGuid channelId comments consentedOn lastModifiedOn consentedCountries
		contactDetails{fullName email phoneNumber companyName companySize} contacts{fullName email phoneNumber companyName}
		civicAddresses{id country houseNumber streetName cityOrTown postalOrZipCode validationStatus locations{id description additionalInfo}}`
	tests := []struct {
		name  string
		rows  int
		query string
	}{
		{"lead of 11 fields", 1, `{lead(` + tenant + `){id tenantId status statusText operatorId isDirectLead umpCustomerGuid channelId
			consentedOn lastModifiedOn consentedCountries contactDetails{fullName email companyName}}}`},
		{"20 leads by alias", 1, `{` + aliased(20) + `}`},
		{"100 nested leads", 100, `{leads{nodes{` + nested + `} pageInfo{hasNextPage endCursor}}}`},
		{"1000 leads of 4 fields", 1000, `{leads{nodes{id tenantId status contactDetails{companyName}}}}`},
		{"20000 leads of 4 fields", 20000, `{leads{nodes{id tenantId status consentedOn}}}`},
	}
	for _, test := range tests {
		rows := benchLeads(test.rows)
		p := newPair(b, answers{lead: rows[0], connection: &generated.LeadConnection{
			Nodes: rows, PageInfo: &generated.PageInfo{HasNextPage: true, EndCursor: new("cursor")},
		}})
		for name, e := range map[string]*executor.Executor{"executor": p.generated, "projection": p.projected} {
			b.Run(fmt.Sprintf("%s/%s", test.name, name), func(b *testing.B) {
				ctx := graphql.StartOperationTrace(b.Context())
				b.ReportAllocs()
				for b.Loop() {
					op, errs := e.CreateOperationContext(ctx, &graphql.RawParams{Query: test.query})
					if errs != nil {
						b.Fatal(errs)
					}
					next, ctx := e.DispatchOperation(ctx, op)
					b.SetBytes(int64(len(next(ctx).Data)))
				}
			})
		}
	}
}

func aliased(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "l%d: lead(%s){id tenantId status consentedOn} ", i, tenant)
	}
	return text.String()
}

// benchLeads returns leads of a usual size.
func benchLeads(n int) []*lead.Lead {
	leads := make([]*lead.Lead, n)
	for i := range leads {
		leads[i] = &lead.Lead{
			ID: fmt.Sprint("lead-", i), TenantID: fmt.Sprintf("f94238e5-4f2c-4e1b-8125-%012d", i), Status: lead.StatusActive, StatusText: new("Active"),
			OperatorID: new("operator"), IsDirectLead: new(false), UMPCustomerGUID: new("0f1e2d3c-4f2c-4e1b-8125-2d27122ca75f"), ChannelID: new("7"),
			Comments: []string{"Called them twice; they will decide in May."}, ConsentedCountries: []string{"US", "DE", "FR"},
			ConsentedOn:    time.Date(2024, 4, 3, 13, 32, 12, 1234567*100, time.UTC).Add(time.Duration(i) * time.Minute),
			LastModifiedOn: time.Date(2025, 4, 3, 13, 32, 12, 0, time.UTC),
			ContactDetails: &lead.ContactDetails{
				FullName: new("Zoë Müller"), Email: new("zoe.mueller@contoso.example"), PhoneNumber: new("+1 425 555 0100"),
				CompanyName: new("Contoso International Holdings"), CompanySize: new("L250_U999"),
			},
			Contacts: slices.Repeat([]lead.Contact{{
				FullName: new("Global Administrator"), Email: new("admin@contoso.example"), PhoneNumber: new("+1 425 555 0101"), CompanyName: new("Contoso"),
			}}, 2),
			CivicAddresses: slices.Repeat([]lead.CivicAddress{{
				ID: "0f1e2d3c-4f2c-4e1b-8125-2d27122ca75f", Country: new("US"), HouseNumber: new("4567"), StreetName: new("Main"), CityOrTown: new("Redmond"),
				PostalOrZipCode: new("98052"), ValidationStatus: lead.ValidationValidated,
				Locations: slices.Repeat([]lead.Location{{ID: "1f1e2d3c-4f2c-4e1b-8125-2d27122ca75f", Description: new("Floor 3"), AdditionalInfo: new("East wing")}}, 2),
			}}, 2),
		}
	}
	return leads
}
