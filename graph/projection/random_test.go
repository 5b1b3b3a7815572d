package projection_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
	"pgregory.net/rapid"

	"leadgraph/graph/generated"
	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/changes"
)

// Any document over any values gets the same response as from the executor
// alone. Use -rapid.checks for more documents.
func TestAnyAnswerEqualsTheExecutors(t *testing.T) {
	t.Parallel()
	s := schema()
	var hits uint64
	rapid.Check(t, func(t *rapid.T) {
		p := newPair(t, anyAnswers(t))
		for range rapid.IntRange(1, 2).Draw(t, "documents") {
			d := &document{T: t, schema: s, variables: map[string]bool{}}
			query := d.write()
			for range 2 { // other variables need another plan
				checkEqual(t, p, query, d.values())
			}
		}
		hits += p.projector.Stats().Hits
	})
	if hits == 0 {
		t.Error("nothing was rendered")
	}
}

// document returns a random valid document.
type document struct {
	*rapid.T
	schema    *ast.Schema
	fragments []fragment
	variables map[string]bool // the ones that are used
}

type fragment struct{ on, text string }

var variableTypes = map[string]string{
	"a": "Boolean!", "b": "Boolean! = true", "c": "CountryCode", "d": `CountryCode = "DE"`, "s": "ValidationStatus",
	"z": `TimeZone! = "Asia/Kathmandu"`,
}

func (d *document) write() string {
	body := d.selection(d.schema.Query)
	var text strings.Builder
	text.WriteString("query")
	for i, name := range slices.Sorted(maps.Keys(d.variables)) {
		text.WriteString([]string{"(", ", "}[min(i, 1)] + "$" + name + ": " + variableTypes[name])
	}
	if len(d.variables) > 0 {
		text.WriteString(")")
	}
	text.WriteString(body)
	for i, f := range d.fragments {
		fmt.Fprintf(&text, " fragment F%d on %s%s", i, f.on, f.text)
	}
	return text.String()
}

// values draws the variables. Optional ones are sometimes absent.
func (d *document) values() map[string]any {
	countries := rapid.SampledFrom([]any{"US", "de", nil})
	all := map[string]any{
		"a": rapid.Bool().Draw(d.T, "a"), "b": rapid.Bool().Draw(d.T, "b"), "c": countries.Draw(d.T, "c"),
		"d": countries.Draw(d.T, "d"), "z": rapid.SampledFrom([]any{"UTC", "America/St_Johns"}).Draw(d.T, "z"), "s": rapid.SampledFrom([]any{"VALIDATED", "UNKNOWN", nil}).Draw(d.T, "s"),
	}
	values := map[string]any{}
	for name := range d.variables {
		if name == "a" || d.chance(70) {
			values[name] = all[name]
		}
	}
	return values
}

func (d *document) chance(percent int) bool {
	return rapid.IntRange(0, 99).Draw(d.T, "chance") < percent
}

func (d *document) selection(of *ast.Definition) string {
	var text strings.Builder
	text.WriteString("{")
	for range rapid.IntRange(1, 5).Draw(d.T, "selections") {
		switch kind := rapid.IntRange(0, 9).Draw(d.T, "kind"); {
		case kind == 0 && of != d.schema.Query:
			text.WriteString(rapid.SampledFrom([]string{"__typename", "t: __typename"}).Draw(d.T, "typename") + d.directives())
		case kind == 1:
			on := d.condition(of)
			text.WriteString("... on " + on.Name + d.directives() + d.selection(on))
		case kind == 2:
			text.WriteString("..." + d.directives() + d.selection(of))
		case kind == 3:
			text.WriteString("..." + d.fragment(d.condition(of)) + d.directives())
		case of.Kind == ast.Union:
			text.WriteString("__typename")
		default:
			text.WriteString(d.field(of))
		}
		text.WriteString(" ")
	}
	return text.String() + "}"
}

// condition draws a type condition that can hold for the type.
func (d *document) condition(of *ast.Definition) *ast.Definition {
	candidates := append([]*ast.Definition{of}, d.schema.GetImplements(of)...)
	if of.IsAbstractType() {
		candidates = append(candidates, d.schema.Types["Lead"], d.schema.Types["Tenant"])
	}
	return rapid.SampledFrom(candidates).Draw(d.T, "condition")
}

// fragment returns the name of a complete fragment, so that none spreads
// itself.
func (d *document) fragment(on *ast.Definition) string {
	for i, f := range d.fragments {
		if f.on == on.Name && d.chance(50) {
			return fmt.Sprint("F", i)
		}
	}
	text := d.selection(on)
	d.fragments = append(d.fragments, fragment{on.Name, text})
	return fmt.Sprint("F", len(d.fragments)-1)
}

// addressArguments belong to the aliases with the same index: fields with the
// same response name must have the same arguments.
var addressArguments = []string{
	"", `(country: "us")`, `(country: null)`, `(country: $c)`, `(validationStatus: INVALID, country: $d)`,
	`(validationStatus: $s)`, `(country: "nowhere")`,
}

var periodArguments = []string{`(interval: DAY)`, `(interval: WEEK, timeZone: "Europe/Berlin")`, `(interval: MONTH, timeZone: $z)`}

// arguments draws one of the texts, and returns the field with it and an alias of its own.
func (d *document) arguments(field string, texts []string) string {
	i := rapid.IntRange(0, len(texts)-1).Draw(d.T, "arguments")
	for name := range variableTypes {
		if strings.Contains(texts[i], "$"+name) {
			d.variables[name] = true
		}
	}
	return fmt.Sprintf("x%d: %s%s", i, field, texts[i])
}

func (d *document) field(of *ast.Definition) string {
	fields := of.Fields
	if of == d.schema.Query {
		fields = slices.DeleteFunc(slices.Clone(fields), func(f *ast.FieldDefinition) bool { return strings.HasPrefix(f.Name, "__") })
	}
	field := rapid.SampledFrom(fields).Draw(d.T, "field")
	text := rapid.SampledFrom([]string{"", "a_" + field.Name + ": "}).Draw(d.T, "alias") + field.Name
	switch field.Name {
	case "lead":
		if of == d.schema.Query {
			text += `(` + tenant + `)`
		}
	case "leadsByTenantIds":
		text += `(tenantIds: [])`
	case "node":
		if of == d.schema.Query {
			text += `(id: "1")`
		}
	case "nodes":
		if of == d.schema.Query {
			text += `(ids: [])`
		}
	case "_entities":
		text += `(representations: [])`
	case "leadChanges":
		text += `(after: "")`
	case "civicAddresses":
		text = d.arguments(field.Name, addressArguments)
	case "consentedPer", "changedPer":
		text = field.Name + "_" + d.arguments(field.Name, periodArguments)
	}
	text += d.directives()
	if part := d.schema.Types[field.Type.Name()]; !part.IsLeafType() {
		text += d.selection(part)
	}
	return text
}

func (d *document) directives() string {
	var text string
	for _, name := range []string{"skip", "include"} {
		if !d.chance(15) {
			continue
		}
		value := rapid.SampledFrom([]string{"true", "false", "$a", "$b"}).Draw(d.T, "if")
		if name, ok := strings.CutPrefix(value, "$"); ok {
			d.variables[name] = true
		}
		text += " @" + name + "(if: " + value + ")"
	}
	return text
}

func anyAnswers(t *rapid.T) answers {
	leads := rapid.SliceOfN(rapid.OneOf(rapid.Just[*lead.Lead](nil), anyLead, anyLead, anyLead, anyLead), 0, 3)
	a := answers{
		lead:  rapid.OneOf(rapid.Just[*lead.Lead](nil), anyLead, anyLead).Draw(t, "lead"),
		lists: rapid.SliceOfN(rapid.OneOf(rapid.Just[[]*lead.Lead](nil), leads, leads), 0, 3).Draw(t, "lists"),
	}
	for _, l := range leads.Draw(t, "nodes") {
		tenant := &generated.Tenant{
			ID: anyText.Draw(t, "id"), TenantID: anyText.Draw(t, "tenant"), Leads: leads.Draw(t, "leads"), PreferredLead: l,
			AsOf: anyTime.Draw(t, "as of"), Freshness: anyAge.Draw(t, "age"),
		}
		a.nodes = append(a.nodes, rapid.SampledFrom([]generated.Node{l, l, tenant, nil}).Draw(t, "node"))
	}
	if rare(t) {
		return a
	}
	stats := catalogue.Build(rapid.SliceOfN(anyLead, 0, 5).Draw(t, "counted"), anyTime.Draw(t, "as of"), nil).Stats(nil)
	a.stats = &stats
	a.connection = &generated.LeadConnection{Nodes: leads.Draw(t, "nodes"), TotalCount: maybe(t, rapid.Int()), AsOf: anyTime.Draw(t, "as of")}
	for range rapid.IntRange(0, 3).Draw(t, "edges") {
		edge := &generated.LeadEdge{Cursor: anyText.Draw(t, "cursor"), Node: anyLead.Draw(t, "node")}
		if rare(t) {
			edge.Node = nil
		}
		if rare(t) {
			edge = nil
		}
		a.connection.Edges = append(a.connection.Edges, edge)
	}
	if !rare(t) {
		a.connection.PageInfo = &generated.PageInfo{
			HasNextPage: rapid.Bool().Draw(t, "next"), StartCursor: maybe(t, anyText), EndCursor: maybe(t, anyText),
		}
	}
	a.changes = anyChanges.Draw(t, "changes")
	return a
}

func rare(t *rapid.T) bool { return rapid.IntRange(0, 19).Draw(t, "rare") == 19 }

func maybe[V any](t *rapid.T, value *rapid.Generator[V]) *V {
	if rapid.Bool().Draw(t, "absent") {
		return nil
	}
	return new(value.Draw(t, "value"))
}

var (
	anyText = rapid.OneOf(
		rapid.SampledFrom([]string{"", "plain", "a \"quoted\" \\ text", "\x00\t\r\n\b\x1f\x7f", "\u2028<&>", "😀 漢字", "bad \xff\xe2\x82", "US", "de", "L250_U999", "L5"}),
		rapid.String(),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 20), func(b []byte) string { return string(b) }),
	)
	anyTime = rapid.Custom(func(t *rapid.T) time.Time {
		if rare(t) {
			return time.Time{}
		}
		zone := time.FixedZone("", rapid.IntRange(-50000, 50000).Draw(t, "zone"))
		return time.Unix(rapid.Int64Range(-62135596800, 253402300799).Draw(t, "seconds"),
			100*rapid.Int64Range(0, 9999999).Draw(t, "fraction")).In(zone)
	})
	anyAge  = rapid.SampledFrom([]lead.Age{lead.AgeFresh, lead.AgeRevalidating, lead.AgeStale})
	anyJSON = rapid.SampledFrom([]json.RawMessage{nil, {}, json.RawMessage(`null`), json.RawMessage(`{"a": [1,"<b>"]}`)})

	anyLead = rapid.Custom(func(t *rapid.T) *lead.Lead {
		l := &lead.Lead{
			AsOf: anyTime.Draw(t, "read"), Age: anyAge.Draw(t, "age"),
			ID: anyText.Draw(t, "id"), TenantID: anyText.Draw(t, "tenant"), TenantOrigin: maybe(t, anyText),
			OperatorID: maybe(t, anyText), Status: lead.Status(rapid.Byte().Draw(t, "status") % 8), StatusText: maybe(t, anyText),
			IsDirectLead: maybe(t, rapid.Bool()), IsNotActive: maybe(t, rapid.Bool()), UMPCustomerGUID: maybe(t, anyText),
			ChannelID: maybe(t, anyText), OVOCChannelID: maybe(t, anyText), Comments: rapid.SliceOfN(anyText, 0, 2).Draw(t, "comments"),
			ConsentedOn: anyTime.Draw(t, "consented"), LastModifiedOn: anyTime.Draw(t, "modified"),
			ConsentedCountries: rapid.SliceOfN(anyText, 0, 2).Draw(t, "countries"),
			Contacts:           rapid.SliceOfN(anyContact, 0, 2).Draw(t, "contacts"), CivicAddresses: rapid.SliceOfN(anyAddress, 0, 3).Draw(t, "addresses"),
		}
		if c := maybe(t, anyContact); c != nil {
			l.ContactDetails = &lead.ContactDetails{FullName: c.FullName, Email: c.Email, PhoneNumber: c.PhoneNumber, CompanyName: c.CompanyName, CompanySize: c.CompanySize}
		}
		return l
	})
	anyChanges = rapid.Custom(func(t *rapid.T) *generated.LeadChangeConnection {
		c := &generated.LeadChangeConnection{Cursor: anyText.Draw(t, "cursor"), AsOf: anyTime.Draw(t, "as of"), PageInfo: &generated.PageInfo{EndCursor: maybe(t, anyText)}}
		for range rapid.IntRange(0, 3).Draw(t, "changes") {
			change := &generated.LeadChange{
				Kind: changes.Kind(rapid.IntRange(1, 5).Draw(t, "kind")), Cursor: anyText.Draw(t, "cursor"), ObservedAt: anyTime.Draw(t, "observed"),
				RemovedID: maybe(t, anyText), Changed: rapid.SliceOfN(anyText, 0, 2).Draw(t, "changed"),
			}
			if rapid.Bool().Draw(t, "now") {
				change.Lead = anyLead.Draw(t, "lead")
				change.Edge = &generated.LeadEdge{Node: change.Lead}
			}
			if rapid.Bool().Draw(t, "was") {
				change.Before = anyLead.Draw(t, "before")
			}
			c.Nodes = append(c.Nodes, change)
			c.Edges = append(c.Edges, &generated.LeadChangeEdge{Cursor: change.Cursor, Node: change})
		}
		return c
	})
	anyContact = rapid.Custom(func(t *rapid.T) lead.Contact {
		return lead.Contact{
			FullName: maybe(t, anyText), Email: maybe(t, anyText), PhoneNumber: maybe(t, anyText), CompanyName: maybe(t, anyText),
			CompanySize: maybe(t, anyText), Contacts: anyJSON.Draw(t, "contacts"),
		}
	})
	// anyAddress sets one field of each kind; TestTableCoversTheSchema covers
	// the many plain text fields.
	anyAddress = rapid.Custom(func(t *rapid.T) lead.CivicAddress {
		a := lead.CivicAddress{
			ID: anyText.Draw(t, "id"), Country: maybe(t, anyText), HouseNumber: maybe(t, anyText), StreetName: maybe(t, anyText), CityOrTown: maybe(t, anyText),
			ValidationStatus:     lead.ValidationStatus(rapid.Byte().Draw(t, "validation") % 6),
			ValidationStatusText: maybe(t, anyText),
		}
		for range rapid.IntRange(0, 2).Draw(t, "locations") {
			a.Locations = append(a.Locations, lead.Location{ID: anyText.Draw(t, "id"), IsDefault: maybe(t, rapid.Bool()), ELIN: maybe(t, anyText)})
		}
		return a
	})
)
