package projection_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"pgregory.net/rapid"

	"leadgraph/graph/generated"
	"leadgraph/graph/projection"
	"leadgraph/lead"
	"leadgraph/lead/catalogue"
)

// answers are the values that the resolvers return. The tests replace only the
// resolvers; the executor is the real one.
type answers struct {
	lead       *lead.Lead
	lists      [][]*lead.Lead // a nil list is a hole with an error
	connection *generated.LeadConnection
	nodes      []generated.Node // also the entities
	stats      *catalogue.Stats
	changes    *generated.LeadChangeConnection
	err        error
}

// The executor calls these for the fields of a subgraph.
var _ generated.EntityResolver = resolvers{}

type (
	resolvers struct {
		generated.ResolverRoot
		answers
	}
	queryResolver struct {
		generated.QueryResolver
		answers
	}
	leadResolver struct{ generated.LeadResolver }
)

func (r resolvers) Query() generated.QueryResolver { return queryResolver{answers: r.answers} }
func (r resolvers) Lead() generated.LeadResolver   { return leadResolver{} }

func (r resolvers) Entities(context.Context, []any) []generated.Entity {
	entities := make([]generated.Entity, len(r.nodes))
	for i, node := range r.nodes {
		entities[i] = node
	}
	return entities
}

func (resolvers) Service(context.Context) (generated.Service, error) {
	return generated.Service{Sdl: "type Query"}, nil
}

func (q queryResolver) Lead(context.Context, string, bool) (*lead.Lead, error) {
	return q.lead, q.err
}

func (q queryResolver) Leads(context.Context, *int, *string, *int, *string, *lead.Filter, []*lead.Order) (*generated.LeadConnection, error) {
	return q.connection, q.err
}

func (q queryResolver) LeadStats(context.Context, *lead.Filter) (*catalogue.Stats, error) {
	return q.stats, q.err
}

func (q queryResolver) LeadChanges(context.Context, string, *int, *lead.Filter) (*generated.LeadChangeConnection, error) {
	return q.changes, q.err
}

func (q queryResolver) Node(context.Context, string) (generated.Node, error) {
	if q.lead == nil {
		return nil, q.err
	}
	return q.lead, q.err
}

func (q queryResolver) Nodes(context.Context, []string) ([]generated.Node, error) {
	return q.nodes, q.err
}

func (q queryResolver) LeadsByTenantIds(ctx context.Context, _ []string) ([][]*lead.Lead, error) { //nolint:revive // the generator's name
	for i, list := range q.lists {
		if list == nil {
			graphql.AddError(graphql.WithPathContext(ctx, graphql.NewPathWithIndex(i)), errors.New("hole"))
		}
	}
	return q.lists, q.err
}

func (leadResolver) CivicAddresses(_ context.Context, l *lead.Lead, country *string, status *lead.ValidationStatus) ([]*lead.CivicAddress, error) {
	return lead.FilterAddresses(l.CivicAddresses, country, status), nil
}

// pair is one schema with two executors, with and without projection.
type pair struct {
	generated, projected *executor.Executor
	projector            *projection.Projector
}

func newPair(tb rapid.TB, a answers) pair {
	tb.Helper()
	schema := generated.NewExecutableSchema(generated.Config{Resolvers: resolvers{answers: a}})
	projector, err := projection.New(schema.Schema())
	if err != nil {
		tb.Fatal(err)
	}
	p := pair{newExecutor(schema), newExecutor(schema), projector}
	p.projected.AroundFields(projector.Middleware)
	return p
}

func newExecutor(schema graphql.ExecutableSchema) *executor.Executor {
	e := executor.New(schema)
	e.SetQueryCache(lru.New[*ast.QueryDocument](100))
	e.SetRecoverFunc(func(context.Context, any) error { return errors.New("panic") })
	return e
}

// answer is a response in a form that can be compared. The executor resolves
// lists concurrently, so errors come in any order.
type answer struct {
	Data   string
	Errors []string
}

func execute(ctx context.Context, tb rapid.TB, e *executor.Executor, query string, variables map[string]any) []answer {
	tb.Helper()
	ctx = graphql.StartOperationTrace(ctx)
	op, errs := e.CreateOperationContext(ctx, &graphql.RawParams{Query: query, Variables: variables})
	if errs != nil {
		tb.Fatalf("%v\n%s", errs, query)
	}
	var all []answer
	next, ctx := e.DispatchOperation(ctx, op)
	for response := next(ctx); response != nil; response = next(ctx) {
		a := answer{Data: string(response.Data)}
		for _, err := range response.Errors {
			text, err := json.Marshal(err)
			if err != nil {
				tb.Fatal(err)
			}
			a.Errors = append(a.Errors, string(text))
		}
		slices.Sort(a.Errors)
		all = append(all, a)
		if response.HasNext == nil || !*response.HasNext {
			break
		}
	}
	return all
}

// checkEqual runs one query on both executors and returns the response.
func checkEqual(tb rapid.TB, p pair, query string, variables map[string]any) []answer {
	tb.Helper()
	want := execute(context.Background(), tb, p.generated, query, variables)
	got := execute(context.Background(), tb, p.projected, query, variables)
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Fatalf("the answers differ (-executor +projection):\n%s\n%s\n%v", diff, query, variables)
	}
	return got
}

// sample has a value, usually an unusual one, in every field.
func sample() *lead.Lead {
	company, size := "Zoë \"& Söhne\" <\\>\t\x01\u2028 😀 \xff", "L250_U999"
	country, status := "US", "Valid"
	return &lead.Lead{
		ID: "1", TenantID: "f94238e5-4f2c-4e1b-8125-2d27122ca75f", TenantOrigin: new("Office365"),
		OperatorID: new(""), Status: lead.StatusActive, StatusText: new("Active"), IsDirectLead: new(true),
		IsNotActive: new(false), UMPCustomerGUID: new("guid"), ChannelID: new("7"), OVOCChannelID: new("8"),
		AsOf:     time.Date(2026, 1, 2, 3, 4, 5, 6789e3, time.FixedZone("", 3600)),
		Comments: []string{"first\nline", ""}, ConsentedOn: time.Date(2024, 4, 3, 13, 32, 12, 123456700, time.UTC),
		LastModifiedOn:     time.Date(2024, 4, 3, 13, 32, 12, 0, time.FixedZone("", 7200)),
		ConsentedCountries: []string{"US", "DE"},
		ContactDetails:     &lead.ContactDetails{FullName: new("N"), Email: new("e@x.example"), PhoneNumber: new("+1"), CompanyName: &company, CompanySize: &size},
		Contacts:           []lead.Contact{{FullName: new("N"), CompanySize: new("L1000"), Contacts: json.RawMessage(`{"a":[1, "b"]}`)}, {}},
		CivicAddresses: []lead.CivicAddress{
			{ID: "a", Country: &country, HouseNumber: new("1"), ValidationStatus: lead.ValidationValidated, ValidationStatusText: &status,
				Locations: []lead.Location{{ID: "l", IsDefault: new(true), ELIN: new("e")}, {ID: "m"}}},
			{ID: "b", Country: new("de"), ValidationStatus: lead.ValidationInvalid},
		},
	}
}

func sampleAnswers() answers {
	one, empty := sample(), &lead.Lead{AsOf: time.Unix(1, 0)}
	return answers{
		lead:  one,
		lists: [][]*lead.Lead{{one, empty}, {}, nil, {one}},
		connection: &generated.LeadConnection{
			Edges:    []*generated.LeadEdge{{Cursor: "c1", Node: one}, {Cursor: "c2", Node: empty}},
			Nodes:    []*lead.Lead{one, empty},
			PageInfo: &generated.PageInfo{HasNextPage: true, EndCursor: new("c2")}, TotalCount: new(7),
			AsOf: time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC),
		},
		nodes: []generated.Node{one, nil, (*lead.Lead)(nil), empty, &generated.Tenant{
			ID: "Tenant:1", TenantID: "1", Leads: []*lead.Lead{one, empty}, PreferredLead: one, AsOf: time.Unix(1, 0), Freshness: lead.AgeStale,
		}, &generated.Tenant{ID: "Tenant:2", TenantID: "2", AsOf: time.Unix(1, 0)}, (*generated.Tenant)(nil)},
		stats: sampleStats(),
	}
}

func sampleStats() *catalogue.Stats {
	other, strange := sample(), &lead.Lead{ID: "strange", Status: 77, ContactDetails: &lead.ContactDetails{CompanySize: new("?")}}
	other.ID, other.ContactDetails.CompanySize, other.ConsentedOn = "other", new("L1_U9"), time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
	stats := catalogue.Build([]*lead.Lead{sample(), other, strange}, time.Unix(1, 0), nil).Stats(nil)
	return &stats
}

const tenant = `tenantId: "f94238e5-4f2c-4e1b-8125-2d27122ca75f"`

// ownSchema returns a copy of the schema that a test may change.
func ownSchema(t *testing.T) *ast.Schema {
	t.Helper()
	text, err := os.ReadFile("../../schema.graphqls")
	if err != nil {
		t.Fatal(err)
	}
	return gqlparser.MustLoadSchema(&ast.Source{Input: string(text)})
}

func schema() *ast.Schema { return generated.NewExecutableSchema(generated.Config{}).Schema() }
