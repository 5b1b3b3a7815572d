package coercion_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	diff "github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"

	"leadgraph/graph/coercion"
	"leadgraph/graph/generated"
	"leadgraph/graph/limits"
)

// verdict is a row of testdata/graphql-js.json, which test/clients/coercion.mjs
// writes.
type verdict struct {
	Type     string
	Variable json.RawMessage // a string that holds JSON
	Literal  string
	Declared string
	Accepted bool
	Value    any
}

func (v verdict) given(t *testing.T) (any, bool) {
	t.Helper()
	if v.Variable == nil {
		return nil, false
	}
	var text string
	if err := json.Unmarshal(v.Variable, &text); err != nil {
		t.Fatal(err)
	}
	return fromJSON(t, text), true
}

// fromJSON decodes as the transport does.
func fromJSON(t *testing.T, text string) any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

func testSchema(t *testing.T, expected string) *ast.Schema {
	t.Helper()
	return gqlparser.MustLoadSchema(&ast.Source{Input: `
		enum Colour { RED GREEN }
		input Box { count: Int size: Int! = 1 colours: [Colour!] inner: Box }
		input Must { id: ID! }
		type Query { take(value: ` + expected + `): Int }`})
}

// coerce returns the value of the only argument of a document, and whether the
// document and its variables are accepted.
func coerce(t *testing.T, schema *ast.Schema, document string, variables map[string]any) (any, bool) {
	t.Helper()
	doc, err := parser.ParseQuery(&ast.Source{Input: document})
	if err != nil {
		return nil, false
	}
	if errs := validator.ValidateWithRules(schema, doc, limits.Rules(1, true)()); len(errs) > 0 {
		return nil, false
	}
	operation := doc.Operations[0]
	values, faults := coercion.Variables(schema, operation.VariableDefinitions, variables)
	if faults != nil {
		return nil, false
	}
	field := operation.SelectionSet[0].(*ast.Field)
	given := field.Arguments[0]
	value, _, faults := coercion.Argument(schema, field.Definition.Arguments.ForName(given.Name), given, values)
	return value, faults == nil
}

// TestVerdictsAreThoseOfGraphQLJS goes through every built-in scalar, an enum, an
// input object and lists of them, with every form of JSON, as a variable and as a
// literal.
func TestVerdictsAreThoseOfGraphQLJS(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/graphql-js.json")
	if err != nil {
		t.Fatal(err)
	}
	var verdicts []verdict
	if err := json.Unmarshal(text, &verdicts); err != nil {
		t.Fatal(err)
	}
	schemas := map[string]*ast.Schema{}
	for _, v := range verdicts {
		if schemas[v.Type] == nil {
			schemas[v.Type] = testSchema(t, v.Type)
		}
		declared, literal := cmp.Or(v.Declared, v.Type), cmp.Or(v.Literal, "$x")
		document := fmt.Sprintf("query($x: %s) { take(value: %s) }", declared, literal)
		if v.Literal != "" && v.Declared == "" {
			document = fmt.Sprintf("{ take(value: %s) }", v.Literal)
		}
		variables := map[string]any{}
		if given, present := v.given(t); present {
			variables["x"] = given
		}
		value, accepted := coerce(t, schemas[v.Type], document, variables)
		where := fmt.Sprintf("%s with %s for %s", document, v.Variable, v.Type)
		if accepted != v.Accepted {
			t.Errorf("%s: accepted %v, by graphql-js %v", where, accepted, v.Accepted)
			continue
		}
		if !accepted || beyondJavaScript(v) {
			continue
		}
		if difference := diff.Diff(v.Value, plain(t, value)); difference != "" {
			t.Errorf("%s: -graphql-js +ours:\n%s", where, difference)
		}
	}
}

// plain returns a value as JSON decodes it.
func plain(t *testing.T, value any) any {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var decoded any
	if err := json.Unmarshal(text, &decoded); err != nil {
		t.Fatal(err)
	}
	return decoded
}

// beyondJavaScript reports whether JavaScript rounds the number of an ID or writes
// it with an exponent, or whether a number has no JSON form.
func beyondJavaScript(v verdict) bool {
	if strings.Contains(v.Literal, "1e400") {
		return true
	}
	number := strings.Trim(string(v.Variable), `"[]`)
	return strings.Contains(v.Type, "ID") && (number == "9007199254740993" || number == "1180591620717411303424" || number == "1e21" || number == "1e308")
}

// TestOwnScalars states which values our scalars accept, alone, in lists and in input
// objects: texts in their form and nothing else.
func TestOwnScalars(t *testing.T) {
	t.Parallel()
	schema := generated.NewExecutableSchema(generated.Config{}).Schema()
	const id, moment = `"f94238e5-4f2c-4e1b-8125-2d27122ca75f"`, `"2024-04-03T13:32:12Z"`
	accepted := map[string][]string{
		"UUID":        {id, `"F94238E5-4F2C-4E1B-8125-2D27122CA75F"`, `"00000000-0000-0000-0000-000000000000"`},
		"DateTime":    {moment, `"0001-01-01T00:00:00Z"`, `"2016-12-31T23:59:60Z"`},
		"CountryCode": {`"US"`, `"us"`, `"xx"`},
		"TimeZone":    {`"UTC"`, `"Europe/Berlin"`, `"Etc/GMT+12"`},
	}
	forms := []string{
		"true", "0", "-0", "1.0", "1.5", "1e3", "2147483648", "1e400", `""`, `"1"`, `"abc"`, "[1]", "[]", "[[]]", "{}", `{"a": null}`, "US",
		id, `"{f94238e5-4f2c-4e1b-8125-2d27122ca7}"`, `"urn:uuid:f94238e5-4f2c-4e1b-8125-2d27122ca75f"`, `"f94238e54f2c4e1b81252d27122ca75f"`,
		moment, `"Local"`, `"+01:00"`, `"../UTC"`, `"/UTC"`, `"2024-04-03"`, "1712151132", `"US"`, `"USA"`, `"U5"`, `"ÜS"`, `" US"`,
	}
	for _, form := range forms { // whether a text is a cursor is seen when it is used
		if strings.HasPrefix(form, `"`) {
			accepted["Cursor"] = append(accepted["Cursor"], form)
		}
	}
	for name, values := range accepted {
		for _, form := range append(forms, values...) {
			want := slices.Contains(values, form)
			one, several := ast.NonNullNamedType(name, nil), ast.ListType(ast.NonNullNamedType(name, nil), nil)
			judged := []judgedForm{{one, form, want}, {several, "[" + form + "]", want}}
			if !strings.HasPrefix(form, "[") {
				judged = append(judged, judgedForm{several, form, want}) // a list of one
			}
			if around, isMember := memberOf[name]; isMember && (!strings.HasPrefix(form, "[") || name == "DateTime") {
				judged = append(judged, judgedForm{ast.NamedType("LeadFilter", nil), fmt.Sprintf(around, form), want})
			}
			for _, j := range judged {
				j.check(t, schema)
			}
		}
	}
}

// memberOf are input objects with a member of a scalar, or of a list of it.
var memberOf = map[string]string{
	"UUID": `{"and": {"tenantId": %s}}`, "CountryCode": `{"not": {"consentedCountry": %s}}`, "DateTime": `{"or": [{"consentedOn": {"to": %s}}]}`,
}

type judgedForm struct {
	expected *ast.Type
	form     string // JSON, or a literal with quoted names of members
	accepted bool
}

var memberName = regexp.MustCompile(`"(\w+)":`)

func (j judgedForm) check(t *testing.T, schema *ast.Schema) {
	t.Helper()
	literal := &ast.Argument{Name: "value", Value: parsedLiteral(t, memberName.ReplaceAllString(j.form, "$1:"))}
	declared := &ast.ArgumentDefinition{Name: "value", Type: j.expected}
	if _, _, faults := coercion.Argument(schema, declared, literal, nil); (faults == nil) != j.accepted {
		t.Errorf("%s as a literal of %s: %+v", j.form, j.expected, faults)
	}
	if !json.Valid([]byte(j.form)) {
		return
	}
	definitions := ast.VariableDefinitionList{{Variable: "x", Type: j.expected}}
	if _, faults := coercion.Variables(schema, definitions, map[string]any{"x": fromJSON(t, j.form)}); (faults == nil) != j.accepted {
		t.Errorf("%s as a variable of %s: %+v", j.form, j.expected, faults)
	}
}

func parsedLiteral(t *testing.T, text string) *ast.Value {
	t.Helper()
	doc, err := parser.ParseQuery(&ast.Source{Input: "{ f(value: " + text + ") }"})
	if err != nil {
		t.Fatal(err)
	}
	return doc.Operations[0].SelectionSet[0].(*ast.Field).Arguments[0].Value
}

func TestFaultsSayWhere(t *testing.T) {
	t.Parallel()
	schema := testSchema(t, "Int")
	definitions := ast.VariableDefinitionList{{Variable: "x", Type: ast.NamedType("Box", nil), Position: &ast.Position{Line: 7}}}
	for variable, want := range map[string]string{
		`1`:                                      "$x must be an object of type Box.",
		`{"count": "dana"}`:                      "$x.count must be a 32-bit integer.",
		`{"inner": {"colours": ["RED","dana"]}}`: "$x.inner.colours[1] must be a value of Colour.",
		`{"inner": {"colours": [null]}}`:         "$x.inner.colours[0] must not be null.",
		`{"inner": {"size": null}}`:              "$x.inner.size must not be null.",
		`{"inner": {"colour": "RED"}}`:           "$x.inner.colour is not a member of Box.",
		`{"inner": {"dana@contoso.example": 1}}`: "$x.inner has a member that Box does not have.",
	} {
		_, faults := coercion.Variables(schema, definitions, map[string]any{"x": fromJSON(t, variable)})
		if len(faults) != 1 || faults[0].At+" "+faults[0].Reason != want || faults[0].Position.Line != 7 {
			t.Errorf("%s: %+v, want %s", variable, faults, want)
		}
	}
}

// TestAllFaultsAreFound states that a client learns of every mistake at once, up to the
// maximum.
func TestAllFaultsAreFound(t *testing.T) {
	t.Parallel()
	schema := testSchema(t, "Int")
	definitions := ast.VariableDefinitionList{
		{Variable: "x", Type: ast.NamedType("Box", nil), Position: &ast.Position{Line: 7}},
		{Variable: "y", Type: ast.NonNullNamedType("Int", nil), Position: &ast.Position{Line: 8}},
	}
	many := strings.Repeat(`"dana",`, 30)
	for variable, want := range map[string]string{
		`{"count": 1}`: "$y",
		`{"z": 1, "a": 1, "count": "x", "inner": {"size": null, "colours": ["x", "RED", null]}}`: "$x.a $x.z $x.count $x.inner.size $x.inner.colours[0] $x.inner.colours[2] $y",
		`{"inner": {"colours": [` + many + `"RED"]}}`:                                            "$x.inner.colours[0] [1] [2] [3] [4] [5] [6] [7] [8] [9]",
	} {
		_, faults := coercion.Variables(schema, definitions, map[string]any{"x": fromJSON(t, variable)})
		var places []string
		for _, fault := range faults {
			places = append(places, fault.At)
		}
		slices.Sort(places)
		all := strings.Fields(want)
		for i, place := range all {
			if strings.HasPrefix(place, "[") {
				all[i] = "$x.inner.colours" + place
			}
		}
		slices.Sort(all)
		if !slices.Equal(places, all) {
			t.Errorf("%s: faults at %q, want %q", variable, places, all)
		}
	}
}
