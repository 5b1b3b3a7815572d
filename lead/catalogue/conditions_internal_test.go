package catalogue

import (
	"os"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"leadgraph/lead"
)

const addRow = "add a row to conditions in lead/catalogue/conditions.go"

// combinators are the members of a filter that nest filters. They have no row in
// the table: narrow, canonical and filterSize.add handle each of them.
var combinators = []string{"and", "or", "not"}

// TestEveryFieldOfAFilterIsACondition sets one field of lead.Filter at a time.
func TestEveryFieldOfAFilterIsACondition(t *testing.T) {
	t.Parallel()
	blank := Build([]*lead.Lead{{ID: "a"}}, time.Time{}, nil)
	rows := map[string]string{} // by name: the field that sets the condition
	for _, field := range reflect.VisibleFields(reflect.TypeFor[lead.Filter]()) {
		if slices.Contains([]string{"And", "Or", "Not"}, field.Name) {
			continue
		}
		f := &lead.Filter{}
		setValue(t, field.Name, reflect.ValueOf(f).Elem().FieldByIndex(field.Index))
		var found []string
		for i := range conditions {
			if c := &conditions[i]; c.set(f) {
				found = append(found, c.name)
			}
		}
		if len(found) != 1 {
			t.Errorf("lead.Filter.%s sets the conditions %q, want exactly one: %s", field.Name, found, addRow)
			continue
		}
		if other := rows[found[0]]; other != "" {
			t.Errorf("lead.Filter.%s and %s set the same condition %s: %s", field.Name, other, found[0], addRow)
		}
		rows[found[0]] = field.Name
		if Empty(f) {
			t.Errorf("Empty is true for a filter with %s, so that all leads would be returned", field.Name)
		}
		if Fingerprint(f, lead.Order{}) == Fingerprint(nil, lead.Order{}) {
			t.Errorf("a filter with %s has the fingerprint of the empty filter: check encode of %s", field.Name, found[0])
		}
		if n := blank.Select(f, lead.Order{}).Total(); n != 0 {
			t.Errorf("a filter with %s matches a lead without any value: check narrow of %s", field.Name, found[0])
		}
	}
	for i := range conditions {
		if name := conditions[i].name; rows[name] == "" {
			t.Errorf("no field of lead.Filter sets the condition %s: add the field, or remove the row from conditions", name)
		}
	}
}

// setValue sets a value that a lead without any values does not have.
func setValue(t *testing.T, name string, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8: // lead.Status: 0 is the status of a lead without one
		v.SetUint(1)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		setValue(t, name, v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		setValue(t, name, v.Index(0))
	default:
		switch v.Type() {
		case reflect.TypeFor[lead.TimeRange]():
			v.Set(reflect.ValueOf(lead.TimeRange{From: new(time.Unix(1, 0))}))
		case reflect.TypeFor[lead.TextFilter](), reflect.TypeFor[lead.AddressFilter]():
			setValue(t, name, v.Field(0))
		default:
			t.Fatalf("lead.Filter.%s is a %s: teach setValue in this test a value of that type", name, v.Type())
		}
	}
}

func TestConditionsAreThoseOfTheSchema(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../schema.graphqls")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: "schema.graphqls", Input: string(text)})
	if err != nil {
		t.Fatal(err)
	}
	members := schema.Types["LeadFilter"].Fields
	for _, member := range members {
		isRow := slices.ContainsFunc(conditions, func(c condition) bool { return c.name == member.Name })
		if !isRow && !slices.Contains(combinators, member.Name) {
			t.Errorf("LeadFilter.%s of schema.graphqls is not a condition: %s", member.Name, addRow)
		}
	}
	for i := range conditions {
		if name := conditions[i].name; members.ForName(name) == nil {
			t.Errorf("LeadFilter has no member %s: add it to schema.graphqls, or remove the row from conditions", name)
		}
	}
}

func TestTagsOfConditionsAreUnique(t *testing.T) {
	t.Parallel()
	taken := map[byte]string{'&': "and", '|': "or", '!': "not"}
	for i := range conditions {
		c := &conditions[i]
		if other := taken[c.tag]; other != "" {
			t.Errorf("the conditions %s and %s have the same tag %q: give the newer one a tag that no release has used", c.name, other, c.tag)
		}
		taken[c.tag] = c.name
	}
}
