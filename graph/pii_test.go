package graph_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"leadgraph/graph"
	"leadgraph/graph/generated"
)

// everything selects every field of a lead and names the personal values p0, p1
// and so on.
func everything(schema *ast.Schema, typeName string, personal *int) string {
	var text strings.Builder
	for _, field := range schema.Types[typeName].Fields {
		if strings.HasPrefix(field.Name, "__") {
			continue
		}
		text.WriteByte(' ')
		if field.Directives.ForName("pii") != nil {
			_, _ = fmt.Fprintf(&text, "p%d: ", *personal)
			*personal++
		}
		text.WriteString(field.Name)
		if inner := schema.Types[field.Type.Name()]; inner.Kind == ast.Object {
			text.WriteString(" {" + everything(schema, inner.Name, personal) + " }")
		}
	}
	return text.String()
}

// personalValues collects the values that a response has under those names.
func personalValues(value any, found *[]any) {
	switch value := value.(type) {
	case map[string]any:
		for name, inner := range value {
			if len(name) > 1 && name[0] == 'p' && name[1] >= '0' && name[1] <= '9' {
				*found = append(*found, inner)
			} else {
				personalValues(inner, found)
			}
		}
	case []any:
		for _, inner := range value {
			personalValues(inner, found)
		}
	}
}

// withheld reports whether a personal field looks as it does for every lead, whatever
// the lead has.
func withheld(value any, masked bool) bool {
	list, isList := value.([]any)
	switch {
	case !masked:
		return len(list) == 0 && (isList || value == nil)
	case isList:
		return len(list) == 1 && list[0] == "***"
	default:
		return value == "***"
	}
}

func TestPersonalDataIsWithheld(t *testing.T) {
	t.Parallel()
	personal := 0
	fields := everything(generated.NewExecutableSchema(generated.Config{}).Schema(), "Lead", &personal)
	if personal != 18 {
		t.Errorf("%d fields are marked @pii", personal)
	}
	samples, err := os.ReadFile("testdata/lead_full.json")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(samples), "Dana Levi") {
		t.Fatal("the sample holds no personal data")
	}
	for _, masked := range []bool{false, true} {
		for _, textbook := range []bool{false, true} {
			s := newService(t, serviceOptions{graph: func(o *graph.Options) {
				o.SeesPII, o.MaskPII, o.Textbook = func(context.Context) bool { return false }, masked, textbook
			}})
			for _, query := range []string{
				fmt.Sprintf(`{ lead(tenantId: %q) { %s } }`, fullTenant, fields),
				fmt.Sprintf(`{ leadsByTenantIds(tenantIds: [%q]) { %s } }`, fullTenant, fields),
				fmt.Sprintf(`{ leads(first: 50) { nodes { %s } } }`, fields),
				fmt.Sprintf(`{ leads(first: 50) { edges { node { %s } } totalCount } }`, fields),
				fmt.Sprintf(`{ node(id: "1c0b7a52-6a0e-4f1d-9a55-0d2f6f3b8e01") { ... on Lead { %s } } }`, fields),
			} {
				a := s.query(t, query)
				for _, canary := range []string{"Dana", "Omar", "contoso.example", "4255550", "Smith", "Reception", "Call back", "4th floor"} {
					if strings.Contains(a.Body, canary) {
						t.Errorf("masked %v, textbook %v: %.60s shows %s", masked, textbook, query, canary)
					}
				}
				var answer any
				var values []any
				if err := json.Unmarshal(a.Data, &answer); err != nil {
					t.Fatal(err)
				}
				personalValues(answer, &values)
				for _, value := range values {
					if !withheld(value, masked) {
						t.Errorf("masked %v: a personal field is %v", masked, value)
					}
				}
				if refused := len(a.Errors) > 0 && a.Errors[0].Extensions["code"] == "FORBIDDEN"; refused == masked || len(a.Errors) > 10 {
					t.Errorf("masked %v: errors %+v", masked, a.Errors)
				}
			}
		}
	}
}

// TestWithheldFieldsHaveTheirPlace is needed because some clients drop the whole
// response for an error without a path.
func TestWithheldFieldsHaveTheirPlace(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{graph: func(o *graph.Options) {
		o.SeesPII = func(context.Context) bool { return false }
	}})
	a := s.post(t, inputBody(`query One($no: Boolean = false) {
		one: lead(tenantId: "`+fullTenant+`") { ...F person: contactDetails { name: fullName companyName } }
		two: leadsByTenantIds(tenantIds: ["`+fullTenant+`"]) { ...F }
		leads(first: 1) { nodes { id contacts { email @include(if: $no) } } edges { node { contacts { email } } } }
		node(id: "1c0b7a52-6a0e-4f1d-9a55-0d2f6f3b8e01") { id ...F }
	}
	fragment F on Lead { civicAddresses { locations { elin } } }`, ``))
	var paths []string
	for _, err := range a.Errors {
		paths = append(paths, fmt.Sprint(err.Path))
		if err.Extensions["code"] != "FORBIDDEN" || len(err.Locations) != 1 {
			t.Errorf("%+v", err)
		}
	}
	want := []string{
		"[one civicAddresses 0 locations 0 elin]", "[one person name]", "[two 0 0 civicAddresses 0 locations 0 elin]",
		"[leads edges 0 node contacts 0 email]", "[node civicAddresses 0 locations 0 elin]",
	}
	if !slices.Equal(paths, want) {
		t.Errorf("paths %q, want %q", paths, want)
	}
}

// Without the right to personal data a search finds what is not personal, and nothing
// that would reveal what is: in lists, their cursors, statistics and changes.
func TestSearchFindsOnlyWhatTheCallerMaySee(t *testing.T) {
	t.Parallel()
	for _, masked := range []bool{false, true} {
		s := newService(t, serviceOptions{graph: func(o *graph.Options) {
			o.SeesPII, o.MaskPII = func(context.Context) bool { return false }, masked
		}})
		for filter, want := range map[string]int{
			`{search: "dana.levi"}`: 0, `{search: "4255550100"}`: 0, `{or: [{not: {search: "dana.levi"}}]}`: 200, `{and: {search: "Smith Avenue"}}`: 0,
			`{search: "contoso & s"}`: 1, `{search: "REDMOND", tenantId: "` + fullTenant + `"}`: 1, `{search: "9E2D4C10"}`: 1, `{tenantId: "` + fullTenant + `", search: "98052"}`: 1,
		} {
			got := data[struct {
				Leads     struct{ TotalCount int }
				LeadStats struct{ Total int }
			}](t, s.query(t, `{ leads(filter: `+filter+`) { totalCount } leadStats(filter: `+filter+`) { total } }`))
			if got.Leads.TotalCount != want || got.LeadStats.Total != want {
				t.Errorf("%s: %+v, want %d", filter, got, want)
			}
		}
		nodes, cursor := s.list(t, values{"search": "redmond"})
		if len(nodes) == 0 {
			t.Fatal("nobody is in the town")
		}
		s.platform.Edit(nodes[0].ID, map[string]any{"contactDetails": map[string]any{"fullName": "Redmond"}, "civicAddresses": nil})
		if page := s.polled(t, cursor, values{"search": "redmond"}, 10); len(page.Nodes) != 1 || page.Nodes[0].Kind != "LEFT" {
			t.Errorf("%+v", page.Nodes)
		}
		s.platform.Edit(nodes[0].ID, map[string]any{"contactDetails": map[string]any{"fullName": "Someone else"}})
		if page := s.polled(t, cursor, values{"search": "redmond"}, 10); len(page.Nodes) != 1 {
			t.Errorf("a personal change is told: %+v", page.Nodes)
		}
	}
}
