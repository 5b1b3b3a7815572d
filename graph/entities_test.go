package graph_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"leadgraph/graph"
	"leadgraph/graph/federation"
	"leadgraph/graph/limits"
	"leadgraph/internal/apptest"
	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/upstream/sandbox"
)

// subgraph is a service that gateways may ask.
func subgraph(t *testing.T, o serviceOptions) service {
	t.Helper()
	with := o.graph
	o.graph = func(options *graph.Options) {
		options.Federation = &federation.Scopes{}
		options.Limits.Values, options.MaxBody, options.ExposeCost = limits.SubgraphValues, 256<<10, true
		if with != nil {
			with(options)
		}
	}
	return newService(t, o)
}

type representation = map[string]any

func representations(name string, ids []string) []any {
	list := make([]any, len(ids))
	for i, id := range ids {
		list[i] = representation{"__typename": name, "id": id}
	}
	return list
}

func tenantIDs(tenants []string) []string {
	ids := make([]string, len(tenants))
	for i, tenant := range tenants {
		ids[i] = "Tenant:" + strings.ToLower(tenant)
	}
	return ids
}

// entity is what the tests select of an object.
type entity struct {
	Typename      string `json:"__typename"`
	ID            string
	TenantID      string
	Status        string
	AsOf          time.Time
	Freshness     string
	Leads         []struct{ ID, TenantID string }
	PreferredLead *struct{ ID string }
}

type entities struct {
	Entities []*entity `json:"_entities"`
}

const entitiesQuery = `query($r: [_Any!]!) { _entities(representations: $r) { __typename
  ... on Lead { __typename id tenantId status asOf freshness }
  ... on Tenant { id tenantId asOf freshness leads { id tenantId } preferredLead { id } } } }`

func (s service) entities(t *testing.T, representations []any) []*entity {
	t.Helper()
	return data[entities](t, s.query(t, entitiesQuery, "r", representations)).Entities
}

func TestAThousandLeadsCostOneReadingOfTheCatalogue(t *testing.T) {
	t.Parallel()
	s := subgraph(t, serviceOptions{sandbox: sandbox.Options{Leads: 1000}})
	ids := s.platform.IDs()
	a := s.query(t, entitiesQuery, "r", representations("Lead", ids))
	for i, e := range data[entities](t, a).Entities {
		if e == nil || e.ID != ids[i] || e.Typename != "Lead" || e.Freshness != "FRESH" || e.AsOf.IsZero() {
			t.Fatalf("entity %d is %+v, not lead %s", i, e, ids[i])
		}
	}
	s.wantCalls(t, 0, 2) // a full page and the empty page after it
	var cost struct {
		Requested, Actual struct{ UpstreamCalls, Rows int }
	}
	reread(t, a.Extensions["cost"], &cost)
	if cost.Requested.Rows != 1000 || cost.Requested.UpstreamCalls < cost.Actual.UpstreamCalls {
		t.Errorf("cost %+v", cost)
	}
	// They are all in the catalogue now.
	s.platform.ResetCalls()
	s.entities(t, representations("Lead", ids))
	s.wantCalls(t, 0, 0)
}

// reread turns a decoded value into another type.
func reread(t *testing.T, value, into any) {
	t.Helper()
	text, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Few tenants are looked up singly, and many by the plan of the lookups or by one refresh of
// the catalogue.
func TestTenantsAreReadByThePlan(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ tenants, byTenant, pages int }{{1, 1, 0}, {20, 20, 0}, {1000, 0, 2}} {
		s := subgraph(t, serviceOptions{sandbox: sandbox.Options{Leads: 1200}})
		tenants := distinct(s.platform.Tenants())[:c.tenants]
		// Each comes twice.
		got := s.entities(t, representations("Tenant", append(tenantIDs(tenants), tenantIDs(tenants)...))[:min(2*c.tenants, 1000)])
		for i, e := range got {
			tenant := tenants[i%len(tenants)]
			if e == nil || e.ID != "Tenant:"+strings.ToLower(tenant) || !strings.EqualFold(e.TenantID, tenant) || len(e.Leads) == 0 || e.PreferredLead == nil {
				t.Fatalf("entity %d is %+v, not tenant %s", i, e, tenant)
			}
			for _, l := range e.Leads {
				if !strings.EqualFold(l.TenantID, tenant) {
					t.Errorf("tenant %s has the lead of %s", tenant, l.TenantID)
				}
			}
		}
		s.wantCalls(t, c.byTenant, c.pages)
	}
}

func distinct(texts []string) (list []string) {
	seen := map[string]bool{}
	for _, text := range texts {
		if !seen[strings.ToLower(text)] {
			seen[strings.ToLower(text)] = true
			list = append(list, text)
		}
	}
	return list
}

func TestEqualEntitiesAreReadOnce(t *testing.T) {
	t.Parallel()
	s := subgraph(t, serviceOptions{})
	got := s.entities(t, representations("Tenant", slices.Repeat([]string{"Tenant:" + twinTenant, "Tenant:" + strings.ToUpper(twinTenant)}, 300)))
	for _, e := range got {
		if len(got) != 600 || len(e.Leads) != 2 || *got[0].PreferredLead != *e.PreferredLead {
			t.Fatalf("%d entities; %+v", len(got), e)
		}
	}
	s.wantCalls(t, 1, 0)
}

// Whatever is wrong with one representation, the others are answered.
func TestEntitiesFailOneByOne(t *testing.T) {
	t.Parallel()
	s := subgraph(t, serviceOptions{})
	good := s.platform.IDs()[7]
	list := []any{
		representation{"__typename": "Lead", "id": good},
		representation{"__typename": "Customer", "id": good},
		representation{"__typename": "Tenant", "id": "Tenant:" + twinTenant, "extra": true},
		representation{"__typename": "Tenant", "id": twinTenant},
		representation{"__typename": "Lead", "id": nil},
		representation{"__typename": "Lead", "id": "no such lead"},
		representation{"id": good},
		"Lead",
		7,
		representation{"__typename": "Tenant", "id": "Tenant:" + noTenant},
		representation{"__typename": "Lead", "id": good},
	}
	a := s.query(t, entitiesQuery, "r", list)
	var got entities
	if err := json.Unmarshal(a.Data, &got); err != nil {
		t.Fatal(err)
	}
	refused := map[int]string{
		1: "representations[1].__typename", 3: "representations[3].id", 4: "representations[4].id", 6: "representations[6].__typename",
		7: "representations[7]", 8: "representations[8]",
	}
	for i, e := range got.Entities {
		if _, isRefused := refused[i]; (e == nil) != (isRefused || i == 5) {
			t.Errorf("entity %d is %+v", i, e)
		}
	}
	if len(got.Entities[2].Leads) != 2 || got.Entities[9].Leads == nil || len(got.Entities[9].Leads) != 0 || got.Entities[9].PreferredLead != nil {
		t.Errorf("tenants: %s", a.Body)
	}
	if len(a.Errors) != len(refused) {
		t.Errorf("errors: %s", a.Body)
	}
	for _, e := range a.Errors {
		at, _ := e.Path[1].(float64)
		if e.Path[0] != "_entities" || e.Extensions["code"] != "BAD_USER_INPUT" || e.Extensions["argument"] != refused[int(at)] {
			t.Errorf("error %+v", e)
		}
	}
}

// A tenant that cannot be read does not take the others away, nor do leads without a
// catalogue.
func TestEntitiesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	s := subgraph(t, serviceOptions{})
	ids := s.platform.IDs()[:2]
	s.platform.Inject(sandbox.Fault{Kind: sandbox.KindTenant, Times: 1, Status: 503})
	s.platform.Inject(sandbox.Fault{Kind: sandbox.KindPage, Times: -1, Status: 429})
	list := append(representations("Lead", ids), representations("Tenant", tenantIDs(distinct(s.platform.Tenants())[:5]))...)
	a := s.query(t, entitiesQuery, "r", list)
	var got entities
	if err := json.Unmarshal(a.Data, &got); err != nil {
		t.Fatal(err)
	}
	codes := map[any]int{}
	for _, e := range a.Errors {
		at, _ := e.Path[1].(float64)
		if got.Entities[int(at)] != nil {
			t.Errorf("an error at an answer: %+v", e)
		}
		codes[e.Extensions["code"]]++
	}
	if fmt.Sprint(codes) != "map[UPSTREAM_RATE_LIMITED:2 UPSTREAM_UNAVAILABLE:1]" || len(got.Entities) != 7 {
		t.Errorf("codes %v, %s", codes, a.Body)
	}
}

// Extensions do not pass a gateway, so each object says whether it is old.
func TestStaleEntitiesAreMarked(t *testing.T) {
	t.Parallel()
	s := subgraph(t, serviceOptions{catalogue: catalogue.Options{TTL: 1, StaleIfError: time.Hour}})
	list := append(representations("Lead", s.platform.IDs()[:1]), representations("Tenant", []string{"Tenant:" + twinTenant})...)
	fresh := s.entities(t, list)
	s.platform.Inject(sandbox.Fault{Kind: sandbox.KindPage, Times: -1, Status: 503})
	stale := s.entities(t, list)
	if fresh[0].Freshness != "FRESH" || fresh[1].Freshness != "FRESH" || stale[0].Freshness != "STALE" || !stale[0].AsOf.Equal(fresh[0].AsOf) {
		t.Errorf("fresh %+v, stale %+v", fresh[0], stale[0])
	}
	if alone := s.entities(t, list[1:]); alone[0].Freshness != "FRESH" { // a lookup has just read it
		t.Errorf("the tenant is %+v", alone[0])
	}
	for _, document := range []string{`{ leads(first: 3, orderBy: {field: STATUS}) { freshness nodes { freshness } } }`, `{ node(id: "` + fresh[0].ID + `") { ... on Lead { freshness } } }`} {
		if a := s.query(t, document); strings.Count(a.Body, "STALE") != strings.Count(a.Body, "freshness") {
			t.Errorf("%s: %s", document, a.Body)
		}
	}
}

func TestRepresentationsAsLiterals(t *testing.T) {
	t.Parallel()
	s := subgraph(t, serviceOptions{})
	const one = `{ __typename ... on Tenant { leads { id } } }`
	for document, want := range map[string]string{
		`($id: String!) { _entities(representations: [{__typename: "Tenant", id: $id}]) ` + one + ` }`:       `{"_entities":[{"__typename":"Tenant","leads":[{"id":"3f6a2b19-8d47-4e05-9c1a-f2b7d6e5a009"},{"id":"b5d8e4c7-2a60-4c39-8f7e-10a9b3c6d511"}]}]}`,
		`($id: String) { __typename _entities(representations: {__typename: "Lead", id: $id}) ` + one + ` }`: `{"__typename":"Query","_entities":[null]}`,
		`($id: ID!) { node(id: $id) { __typename } _entities(representations: []) ` + one + ` }`:             `{"node":{"__typename":"Tenant"},"_entities":[]}`,
	} {
		if a := s.query(t, `query`+document, "id", "Tenant:"+twinTenant); string(a.Data) != want {
			t.Errorf("%s: %s", document, a.Body)
		}
	}
	// A null is no value of _Any!, so the type refuses the whole list.
	a := s.query(t, entitiesQuery, "r", []any{nil})
	if a.Data != nil || len(a.Errors) != 1 || a.Errors[0].Extensions["argument"] != "$r[0]" {
		t.Errorf("null: %s", a.Body)
	}
}

// The compiled projection renders the bytes of the generated executor.
// A single value is a list of one, in variables and in literals, for all keys.
func TestASingleKeyIsAList(t *testing.T) {
	t.Parallel()
	s := subgraph(t, serviceOptions{})
	id := s.platform.IDs()[0]
	want := data[entities](t, s.query(t, entitiesQuery, "r", representations("Lead", []string{id})))
	one := representation{"__typename": "Lead", "id": id}
	if got := data[entities](t, s.query(t, entitiesQuery, "r", one)); len(got.Entities) != 1 || got.Entities[0] == nil || got.Entities[0].ID != want.Entities[0].ID {
		t.Errorf("as a variable: %+v", got.Entities)
	}
	literal := fmt.Sprintf(`{ _entities(representations: {__typename: "Lead", id: %q}) { ... on Lead { id } } }`, id)
	if got := data[entities](t, s.query(t, literal)); len(got.Entities) != 1 || got.Entities[0] == nil || got.Entities[0].ID != id {
		t.Errorf("as a literal: %+v", got.Entities)
	}
	nodes := data[struct{ Nodes []*entity }](t, s.query(t, `query($ids: [ID!]!) { nodes(ids: $ids) { id } }`, "ids", id)).Nodes
	if len(nodes) != 1 || nodes[0] == nil || nodes[0].ID != id {
		t.Errorf("as a node: %+v", nodes)
	}
}

func TestEntitiesAreProjected(t *testing.T) {
	t.Parallel()
	var bodies []string
	for _, textbook := range []bool{false, true} {
		s := subgraph(t, serviceOptions{sandbox: sandbox.Options{Leads: 50}, graph: func(o *graph.Options) { o.Textbook, o.ExposeCost = textbook, false }})
		list := append(representations("Lead", s.platform.IDs()), representations("Tenant", tenantIDs(distinct(s.platform.Tenants())[:9]))...)
		a := s.query(t, `query($r: [_Any!]!) { _entities(representations: $r) { __typename ... on Tenant { id leads { id } } ... on Lead { id status contacts { email } civicAddresses(country: "US") { formatted } } } }`, "r", list)
		data[any](t, a)
		bodies = append(bodies, a.Body)
	}
	if bodies[0] != bodies[1] {
		t.Errorf("projected:\n%s\nby the executor:\n%s", bodies[0], bodies[1])
	}
}

func TestTenantsAreNodes(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	lead := s.platform.IDs()[3]
	a := s.query(t, `query($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Tenant { tenantId leads { id } preferredLead { id status } } } node(id: "Tenant:`+noTenant+`") { id ... on Tenant { leads { id } } } }`,
		"ids", []string{"Tenant:" + twinTenant, lead, twinTenant})
	const want = `{"nodes":[{"__typename":"Tenant","id":"Tenant:` + twinTenant + `","tenantId":"` + twinTenant + `",` +
		`"leads":[{"id":"3f6a2b19-8d47-4e05-9c1a-f2b7d6e5a009"},{"id":"b5d8e4c7-2a60-4c39-8f7e-10a9b3c6d511"}],"preferredLead":{"id":"b5d8e4c7-2a60-4c39-8f7e-10a9b3c6d511","status":"ACTIVE"}},` +
		`{"__typename":"Lead","id":"%s"},null],"node":{"id":"Tenant:` + noTenant + `","leads":[]}}`
	if got := string(a.Data); got != fmt.Sprintf(want, lead) || len(a.Errors) > 0 {
		t.Errorf("%s", a.Body)
	}
}

// An ID may be written as a number.
func TestANumberIsAnID(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	s.platform.Edit(s.platform.IDs()[5], map[string]any{"id": "12345"})
	if a := s.query(t, `{ node(id: 12345) { id } nodes(ids: [12345]) { id } }`); string(a.Data) != `{"node":{"id":"12345"},"nodes":[{"id":"12345"}]}` {
		t.Errorf("%s", a.Body)
	}
}

func TestEntitiesHidePersonalData(t *testing.T) {
	t.Parallel()
	s := subgraph(t, serviceOptions{graph: func(o *graph.Options) { o.SeesPII = func(context.Context) bool { return false } }})
	a := s.query(t, `query($r: [_Any!]!) { _entities(representations: $r) { ... on Tenant { leads { contactDetails { fullName companyName } } } } }`,
		"r", representations("Tenant", []string{"Tenant:" + seedTenant}))
	if string(a.Data) != `{"_entities":[{"leads":[{"contactDetails":{"fullName":null,"companyName":"SIPTest"}}]}]}` ||
		len(a.Errors) != 1 || fmt.Sprint(a.Errors[0].Path) != "[_entities 0 leads 0 contactDetails fullName]" {
		t.Errorf("%s", a.Body)
	}
}

// Without the setting, clients do not see that there are subgraphs.
func TestFederationIsOffByDefault(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	for _, document := range []string{`{ _service { sdl } }`, `{ _entities(representations: []) { __typename } }`} {
		if a := s.query(t, document); len(a.Errors) != 1 || a.Errors[0].Extensions["code"] != "GRAPHQL_VALIDATION_FAILED" {
			t.Errorf("%s: %s", document, a.Body)
		}
	}
	a := s.query(t, `{ __schema { types { name possibleTypes { name } } queryType { fields { name } } } any: __type(name: "_Any") { name } }`)
	if strings.Contains(a.Body, `"_Entity"`) || strings.Contains(a.Body, `"_entities"`) || !strings.Contains(a.Body, `"any":null`) || len(a.Errors) > 0 {
		t.Errorf("%s", a.Body)
	}
}

// TestSchemaForComposition compares the schema that a gateway gets with the tables that it
// follows from.
func TestSchemaForComposition(t *testing.T) {
	t.Parallel()
	for _, scopes := range []federation.Scopes{{}, {Read: "leads.read", Personal: "leads.pii"}} {
		s := subgraph(t, serviceOptions{graph: func(o *graph.Options) { o.Federation = &scopes }})
		sdl := data[struct {
			Service struct{ SDL string } `json:"_service"`
		}](t, s.query(t, `{ _service { sdl } }`)).Service.SDL
		document, err := parser.ParseSchema(&ast.Source{Input: sdl})
		if err != nil {
			t.Fatalf("%v\n%s", err, sdl)
		}
		if len(document.SchemaExtension) != 1 || document.SchemaExtension[0].Directives.ForName("link") == nil || strings.Contains(sdl, "@pii") || strings.Contains(sdl, "_Any") {
			t.Errorf("%s", sdl)
		}
		personal := map[string]bool{}
		note(personal, "Lead", lead.LeadFields)
		note(personal, "ContactDetails", lead.DetailsFields)
		note(personal, "Contact", lead.ContactFields)
		note(personal, "CivicAddress", lead.AddressFields)
		note(personal, "Location", lead.LocationFields)
		for _, definition := range document.Definitions {
			isRoot := definition.Name == "Query" || definition.Name == "Subscription"
			for _, field := range definition.Fields {
				at, needs := definition.Name+"."+field.Name, ""
				switch {
				case scopes.Read == "":
				case personal[at]:
					needs = `[["leads.read","leads.pii"]]`
				case isRoot:
					needs = `[["leads.read"]]`
				}
				if tagged := field.Directives.ForName("tag") != nil; tagged != personal[at] {
					t.Errorf("%s: tagged %v, personal %v", at, tagged, personal[at])
				}
				if got := scopesOf(field.Directives); got != needs {
					t.Errorf("%s needs the scopes %s, not %s", at, got, needs)
				}
				if hidden := field.Directives.ForName("inaccessible") != nil; hidden != (at == "Query.node" || at == "Query.nodes") {
					t.Errorf("%s: inaccessible %v", at, hidden)
				}
			}
			isEntity := definition.Name == "Lead" || definition.Name == "Tenant"
			if keyed := definition.Directives.ForName("key") != nil; keyed != isEntity {
				t.Errorf("%s: key %v", definition.Name, keyed)
			}
			if shared := definition.Directives.ForName("shareable") != nil; shared != (definition.Name == "PageInfo") {
				t.Errorf("%s: shareable %v", definition.Name, shared)
			}
			if needs := scopesOf(definition.Directives); (needs != "") != (isEntity && scopes.Read != "") {
				t.Errorf("%s needs the scopes %s", definition.Name, needs)
			}
		}
	}
}

func note[T any](personal map[string]bool, name string, fields []lead.Field[T]) {
	for _, field := range fields {
		personal[name+"."+field.Name] = field.Traits.Has(lead.Personal)
	}
}

func scopesOf(directives ast.DirectiveList) string {
	if d := directives.ForName("requiresScopes"); d != nil {
		return d.Arguments.ForName("scopes").Value.String()
	}
	return ""
}

// A body of 1,000 representations is larger than other bodies may be.
func TestAThousandRepresentationsNeedALargerBody(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	ids := tenantIDs(slices.Repeat([]string{twinTenant}, 1000))
	if body := apptest.Body(entitiesQuery, map[string]any{"r": representations("Tenant", ids)}); len(body) <= 64<<10 || s.post(t, body).Status != 413 {
		t.Errorf("%d bytes", len(body))
	}
}
