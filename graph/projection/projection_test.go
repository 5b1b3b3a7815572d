package projection_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2/ast"

	"leadgraph/graph/generated"
	"leadgraph/graph/projection"
	"leadgraph/lead"
)

func TestSelectionsAreRendered(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		query     string
		variables map[string]any
	}{
		"aliases":              {query: `{a: lead(` + tenant + `){x: id y: id id __typename t: __typename}}`},
		"only __typename":      {query: `{lead(` + tenant + `){__typename contactDetails{__typename}}}`},
		"first and last place": {query: `{lead(` + tenant + `){__typename id __typename status k: __typename}}`},
		"merged": {query: `{lead(` + tenant + `){id contacts{fullName} status contacts{email fullName} id}
			lead(` + tenant + `){statusText contacts{companySizeRange{min}}}}`},
		"fragments": {query: `query Q{...R lead(` + tenant + `){...L ...N ... on Lead{...L contacts{email}} ...{id}}}
			fragment R on Query{lead(` + tenant + `){comments}}
			fragment L on Lead{id contacts{...C}} fragment C on Contact{fullName contacts}
			fragment N on Node{id ... on Lead{status} __typename}`},
		"nothing left":   {query: `{lead(` + tenant + `){id @skip(if: true) contactDetails{email @include(if: false)}}}`},
		"skip and merge": {query: conditional, variables: map[string]any{"a": true, "b": false}},
		"the other way":  {query: conditional, variables: map[string]any{"a": false, "b": true}},
		"neither":        {query: conditional, variables: map[string]any{"a": false, "b": false}},
		"arguments": {query: `{lead(` + tenant + `){us: civicAddresses(country: "us"){id} n: civicAddresses(country: null){id}
			i: civicAddresses(validationStatus: INVALID, country: "DE"){id} none: civicAddresses(country: "FR"){id}}}`},
		"argument variables": {query: filtered, variables: map[string]any{"c": "Us", "s": "VALIDATED"}},
		"unset":              {query: filtered},
		"null":               {query: filtered, variables: map[string]any{"c": nil, "s": nil}},
		"arguments far down": {query: `query($c: CountryCode = "DE"){leads{edges{node{civicAddresses(country: $c){id}}}
			nodes{civicAddresses(country: $c){id}}}}`},
		"lists with a hole": {query: `{leadsByTenantIds(tenantIds: []){id comments consentedOn}}`},
		"nodes":             {query: `{node(id: "1"){id t: __typename ... on Lead{status} ... on Node{id}} nodes(ids: []){__typename ... on Lead{comments}}}`},
		"stats":             {query: `{leadStats` + selectAll(schema(), "LeadStats") + `}`},
		"connection": {query: `{leads{edges{cursor node{id}} nodes{tenantId contactDetails{companyName}}
			pageInfo{hasNextPage hasPreviousPage startCursor endCursor} totalCount asOf}}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, sampleAnswers())
			for range 2 { // compiled, then from the cache
				checkEqual(t, p, test.query, test.variables)
			}
			checkRendered(t, p)
		})
	}
}

const (
	conditional = `query($a: Boolean!, $b: Boolean = true){lead(` + tenant + `){
		contacts @include(if: $a){fullName} id @skip(if: $a) contacts @skip(if: $b){email} ...F @include(if: $b) status}
		lead(` + tenant + `) @include(if: $b){comments}}
		fragment F on Lead{id contacts{phoneNumber}}`
	filtered = `query($c: CountryCode, $s: ValidationStatus){lead(` + tenant + `){
		civicAddresses(country: $c, validationStatus: $s){id validationStatus}}}`
)

// checkRendered fails if any field fell back.
func checkRendered(t *testing.T, p pair) {
	t.Helper()
	stats := p.projector.Stats()
	for why, n := range stats.Fallbacks {
		if n > 0 {
			t.Errorf("%d fallbacks: %s", n, why)
		}
	}
	if stats.Hits == 0 {
		t.Error("nothing was rendered")
	}
}

// One operation's plan must not serve another that shares its first field.
func TestPlansAreKeptApart(t *testing.T) {
	t.Parallel()
	p := newPair(t, sampleAnswers())
	const document = `
		query A{...R} query B{...R lead(` + tenant + `){status}} query C($x: Boolean!){...R @skip(if: $x) b: lead(` + tenant + `){id}}
		fragment R on Query{lead(` + tenant + `){id}}`
	for _, name := range []string{"A", "B", "A"} {
		ctx := graphql.StartOperationTrace(t.Context())
		op, errs := p.projected.CreateOperationContext(ctx, &graphql.RawParams{Query: document, OperationName: name})
		if errs != nil {
			t.Fatal(errs)
		}
		next, ctx := p.projected.DispatchOperation(ctx, op)
		want := map[string]string{"A": `{"lead":{"id":"1"}}`, "B": `{"lead":{"id":"1","status":"ACTIVE"}}`}[name]
		if got := string(next(ctx).Data); got != want {
			t.Errorf("operation %s: got %s, want %s", name, got, want)
		}
	}
}

func TestOddValuesAreRendered(t *testing.T) {
	t.Parallel()
	everything := `{lead(` + tenant + `)` + selectAll(schema(), "Lead") + `}`
	read := time.Unix(1, 999_999)
	tests := map[string]*lead.Lead{
		"every field": sample(),
		"no field":    {AsOf: read},
		"empty lists": {AsOf: read, Comments: []string{}, Contacts: []lead.Contact{}, CivicAddresses: []lead.CivicAddress{{Locations: []lead.Location{}}}},
		"empty parts": {AsOf: read, ContactDetails: &lead.ContactDetails{}, Contacts: []lead.Contact{{Contacts: json.RawMessage{}}}},
		"not found":   nil,
	}
	for value := range 256 {
		tests["enum value "+string(rune(value))] = &lead.Lead{
			AsOf: read, Status: lead.Status(value), CivicAddresses: []lead.CivicAddress{{ValidationStatus: lead.ValidationStatus(value)}},
		}
	}
	for name, value := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, answers{lead: value})
			checkEqual(t, p, everything, nil)
			checkRendered(t, p)
		})
	}
}

func TestListsInAllLengthsAreRendered(t *testing.T) {
	t.Parallel()
	for name, lists := range map[string][][]*lead.Lead{"nil": nil, "empty": {}, "holes": {nil, nil}, "one": {{sample()}}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, answers{lists: lists, connection: &generated.LeadConnection{PageInfo: &generated.PageInfo{}, AsOf: time.Unix(1, 0)}})
			checkEqual(t, p, `{leadsByTenantIds(tenantIds: []){id} leads{nodes{id} edges{cursor}}}`, nil)
			checkRendered(t, p)
		})
	}
}

func TestFallbacksAnswerAsTheExecutor(t *testing.T) {
	t.Parallel()
	with := func(change func(*generated.LeadConnection)) answers {
		a := sampleAnswers()
		change(a.connection)
		return a
	}
	const leads = `{leads{nodes{id} edges{cursor node{id status}} pageInfo{endCursor} asOf}}`
	tests := map[string]struct {
		answers answers
		query   string
		reason  string
	}{
		"nil row in a list":   {answers{lists: [][]*lead.Lead{{sample()}, {sample(), nil}}}, `{leadsByTenantIds(tenantIds: []){id}}`, "null"},
		"nil node in an edge": {with(func(c *generated.LeadConnection) { c.Edges[1].Node = nil }), leads, "null"},
		"nil edge":            {with(func(c *generated.LeadConnection) { c.Edges[0] = nil }), leads, "null"},
		"nil page info":       {with(func(c *generated.LeadConnection) { c.PageInfo = nil }), leads, "null"},
		"zero time":           {with(func(c *generated.LeadConnection) { c.AsOf = time.Time{} }), leads, "null"},
		"arguments in a node": {sampleAnswers(), `{node(id: "1"){... on Lead{civicAddresses(country: "US"){id}}}}`, "arguments"},
		"no lead as a node":   {answers{nodes: []generated.Node{graphql.Null}}, `{nodes(ids: []){id}}`, "value"},
		"bad argument":        {sampleAnswers(), `{lead(` + tenant + `){civicAddresses(country: "USA"){id}}}`, "arguments"},
		"defer":               {sampleAnswers(), `{lead(` + tenant + `){id ...@defer{status}}}`, "defer"},
		"huge":                {sampleAnswers(), `{lead(` + tenant + `){` + aliases(401) + `}}`, "size"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, test.answers)
			checkEqual(t, p, test.query, nil)
			if n := p.projector.Stats().Fallbacks[test.reason]; n == 0 {
				t.Errorf("no fallback for the reason %q: %v", test.reason, p.projector.Stats())
			}
		})
	}
}

func aliases(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("a" + strings.Repeat("x", i) + ":id ")
	}
	return b.String()
}

func TestResolverErrorsPass(t *testing.T) {
	t.Parallel()
	p := newPair(t, answers{err: errors.New("failed")})
	got := checkEqual(t, p, `{lead(`+tenant+`){id} leads{asOf}}`, nil)
	if len(got) != 1 || len(got[0].Errors) != 2 {
		t.Errorf("want two errors, got %v", got)
	}
}

// An inner list is rendered even if the connection around it cannot be.
func TestConnectionFallsBackFieldByField(t *testing.T) {
	t.Parallel()
	p := newPair(t, sampleAnswers())
	checkEqual(t, p, `{a: leads{...@defer(label: "a"){asOf} nodes{id status} edges{node{id}}} b: leads{...@defer(label: "b"){asOf} nodes{tenantId}}}`, nil)
	if stats := p.projector.Stats(); stats.Fallbacks["defer"] != 2 || stats.Hits != 3 {
		t.Errorf("want the connections to fall back and their lists to be rendered, got %v", stats)
	}
}

// The memory of one response must not show in another.
func TestConcurrentAnswersDoNotMix(t *testing.T) {
	t.Parallel()
	p := newPair(t, answers{lead: sample(), connection: &generated.LeadConnection{Nodes: slices.Repeat([]*lead.Lead{sample()}, 300)}})
	var group sync.WaitGroup
	for _, query := range []string{`{leads{nodes{id comments}}}`, `{a: leads{nodes{tenantId}} b: leads{nodes{status}}}`, `{lead(` + tenant + `){comments}}`} {
		want := execute(t.Context(), t, p.generated, query, nil)
		for range 2 {
			group.Go(func() {
				for range 20 {
					if diff := cmp.Diff(want, execute(t.Context(), t, p.projected, query, nil)); diff != "" {
						t.Errorf("%s (-executor +projection):\n%s", query, diff)
					}
				}
			})
		}
	}
	group.Wait()
	checkRendered(t, p)
}

func TestEndedContextStopsLongLists(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	connection := &generated.LeadConnection{Nodes: slices.Repeat([]*lead.Lead{sample()}, 1000)}
	p := newPair(t, answers{connection: connection})
	p.projected.AroundFields(func(ctx context.Context, next graphql.Resolver) (any, error) {
		value, err := next(ctx)
		cancel()
		return value, err
	})
	got := execute(ctx, t, p.projected, `{leads{nodes{id}}}`, nil)
	if len(got) != 1 || got[0].Data != `{"leads":null}` || !strings.Contains(strings.Join(got[0].Errors, ""), context.Canceled.Error()) {
		t.Errorf("want null and the context's error, got %.200v", got)
	}
	if ended := p.projector.Stats().Ended; ended != 1 {
		t.Errorf("Stats().Ended = %d, want 1", ended)
	}
}

func TestTableCoversTheSchema(t *testing.T) {
	t.Parallel()
	s := schema()
	for root, queries := range map[string]string{"Lead": `lead(` + tenant + `)`, "LeadConnection": `leads`, "LeadStats": `leadStats`} {
		for field, query := range fieldQueries(s, s.Types[root], queries) {
			t.Run(field, func(t *testing.T) {
				t.Parallel()
				p := newPair(t, sampleAnswers())
				checkEqual(t, p, `{`+query+`}`, nil)
				if hits := p.projector.Stats().Hits; hits != 1 {
					t.Errorf("%s is not rendered: it has no row in the table", field)
				}
			})
		}
	}
}

// fieldQueries returns, for each field of the type and of the types in it, the
// shortest query inside prefix that selects it.
func fieldQueries(s *ast.Schema, of *ast.Definition, prefix string) map[string]string {
	queries := map[string]string{}
	for _, field := range of.Fields {
		part := s.Types[field.Type.Name()]
		if part.IsLeafType() {
			queries[of.Name+"."+field.Name] = prefix + "{" + field.Name + "}"
			continue
		}
		for name, query := range fieldQueries(s, part, called(field)) {
			queries[name] = prefix + "{" + query + "}"
		}
	}
	return queries
}

// called returns the field with the arguments that it requires.
func called(field *ast.FieldDefinition) string {
	if field.Arguments.ForName("interval") != nil {
		return field.Name + "(interval: WEEK)"
	}
	return field.Name
}

// selectAll selects every field of the type and of the types in it.
func selectAll(s *ast.Schema, name string) string {
	text := "{__typename "
	for _, field := range s.Types[name].Fields {
		text += called(field) + " "
		if part := s.Types[field.Type.Name()]; !part.IsLeafType() {
			text += selectAll(s, part.Name)
		}
	}
	return text + "}"
}

func TestNewChecksTheSchema(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*ast.Schema)
		want   string
	}{
		"type of a field": {func(s *ast.Schema) { s.Types["Lead"].Fields.ForName("operatorId").Type.NonNull = true }, "operatorId cannot be of type String!"},
		"arguments":       {func(s *ast.Schema) { s.Types["Lead"].Fields.ForName("civicAddresses").Arguments = nil }, "civicAddresses("},
		"missing type":    {func(s *ast.Schema) { delete(s.Types, "Contact") }, "Contact"},
		"enum values":     {func(s *ast.Schema) { s.Types["LeadStatus"].EnumValues[0].Name = "OTHER" }, "LeadStatus"},
		"more values":     {func(s *ast.Schema) { s.Types["LeadStatus"].EnumValues = nil }, "LeadStatus"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := ownSchema(t)
			test.change(s)
			if _, err := projection.New(s); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("New: %v, want an error about %s", err, test.want)
			}
		})
	}
}
