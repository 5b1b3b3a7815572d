package lead_test

import (
	"encoding/json"
	"os"
	"reflect"
	"testing"
	"time"
	"unsafe"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"leadgraph/lead"
)

// full returns a lead in which every field has a value and every list an
// element, whatever fields there are.
func full() *lead.Lead {
	l := &lead.Lead{}
	fill(reflect.ValueOf(l).Elem())
	return l
}

func fill(v reflect.Value) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Date(2024, 4, 3, 13, 32, 12, 0, time.UTC)))
		return
	case json.RawMessage:
		v.Set(reflect.ValueOf(json.RawMessage(`"raw"`)))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.String:
		v.SetString("text")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8:
		v.SetUint(1)
	default:
		panic("a lead has a field of a kind that this test does not know: " + v.Type().String())
	}
}

// leaves calls each with the path of every field that holds a value, and not a
// part with fields of its own.
func leaves(l *lead.Lead, each func(path string, field reflect.Value)) {
	leavesOf("Lead", reflect.ValueOf(l).Elem(), func(path string, field reflect.Value) {
		if path != "Lead.AsOf" && path != "Lead.Age" { // they are no fields of the platform
			each(path, field)
		}
	})
}

func leavesOf(path string, v reflect.Value, each func(path string, field reflect.Value)) {
	for i := range v.NumField() {
		field, name := v.Field(i), path+"."+v.Type().Field(i).Name
		switch part := field.Type(); {
		case part.Kind() == reflect.Pointer && part.Elem().Kind() == reflect.Struct:
			leavesOf(name, field.Elem(), each)
		case part.Kind() == reflect.Slice && part.Elem().Kind() == reflect.Struct:
			leavesOf(name, field.Index(0), each)
		default:
			each(name, field)
		}
	}
}

// recorder notes where the fields are that it is shown.
type recorder map[unsafe.Pointer]int

func (r recorder) Text(_ lead.Traits, v *string)         { r[unsafe.Pointer(v)]++ }
func (r recorder) Optional(_ lead.Traits, v **string)    { r[unsafe.Pointer(v)]++ }
func (r recorder) Flag(v **bool)                         { r[unsafe.Pointer(v)]++ }
func (r recorder) Moment(v *time.Time)                   { r[unsafe.Pointer(v)]++ }
func (r recorder) Texts(_ lead.Traits, v *[]string)      { r[unsafe.Pointer(v)]++ }
func (r recorder) Raw(_ lead.Traits, v *json.RawMessage) { r[unsafe.Pointer(v)]++ }
func (r recorder) Code(v *uint8)                         { r[unsafe.Pointer(v)]++ }
func (recorder) Present(is bool, _ uintptr) bool         { return is }
func (recorder) Length(n int, _ uintptr) int             { return n }

// A field that the walk does not show would be copied, shared, redacted and
// weighed as if it were not there: with the text of another lead in it.
func TestVisitShowsEveryField(t *testing.T) {
	t.Parallel()
	l, seen := full(), recorder{}
	lead.Visit(seen, l)
	leaves(l, func(path string, field reflect.Value) {
		at := field.Addr().UnsafePointer()
		if seen[at] != 1 {
			t.Errorf("lead.Visit shows %s %d times, not once: give it one row in the tables of lead/table.go (see CONTRIBUTING.md, Add a field)", path, seen[at])
		}
		delete(seen, at)
	})
	if len(seen) > 0 {
		t.Errorf("lead.Visit shows %d values that are no fields", len(seen))
	}
}

func TestCloneSharesNothingThatCanChange(t *testing.T) {
	t.Parallel()
	l := full()
	copied := lead.Clone(l)
	if !reflect.DeepEqual(l, copied) {
		t.Fatal("the copy differs")
	}
	original := map[unsafe.Pointer]bool{}
	leaves(l, func(_ string, field reflect.Value) { original[field.Addr().UnsafePointer()] = true })
	leaves(copied, func(path string, field reflect.Value) {
		if original[field.Addr().UnsafePointer()] {
			t.Errorf("%s is shared with the copy: copy the part that it is in, in lead.Clone", path)
		}
	})
	copied.Comments[0], copied.ConsentedCountries[0] = "changed", "changed"
	if l.Comments[0] != "text" || l.ConsentedCountries[0] != "text" {
		t.Error("lists of texts are shared with the copy")
	}
}

// The tables and the schema say the same of each field.
func TestTablesAgreeWithTheSchema(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../schema.graphqls")
	if err != nil {
		t.Fatal(err)
	}
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: string(text)})
	compare(t, schema, "Lead", lead.LeadFields)
	compare(t, schema, "ContactDetails", lead.DetailsFields)
	compare(t, schema, "Contact", lead.ContactFields)
	compare(t, schema, "CivicAddress", lead.AddressFields)
	compare(t, schema, "Location", lead.LocationFields)
}

// computed are the fields of the schema that the platform does not have.
var computed = map[string]bool{"companySizeRange": true, "formatted": true, "asOf": true, "freshness": true}

func compare[T any](t *testing.T, schema *ast.Schema, name string, fields []lead.Field[T]) {
	t.Helper()
	known := map[string]lead.Traits{}
	for _, field := range fields {
		known[field.Name] = field.Traits
		if schema.Types[name].Fields.ForName(field.Name) == nil {
			t.Errorf("%s.%s has a row in lead/table.go and is not in the schema", name, field.Name)
		}
	}
	for _, field := range schema.Types[name].Fields {
		traits, ok := known[field.Name]
		if !ok && !computed[field.Name] {
			t.Errorf("%s.%s is in the schema and has no row in lead/table.go", name, field.Name)
		}
		if personal := field.Directives.ForName("pii") != nil; personal != traits.Has(lead.Personal) {
			t.Errorf("%s.%s: the schema says personal %v, lead/table.go the opposite", name, field.Name, personal)
		}
	}
}

func TestRedactedHidesWhatIsPersonalOnly(t *testing.T) {
	t.Parallel()
	mask := "***"
	for _, mask := range []*string{nil, &mask} {
		l := full()
		hidden := l.Redacted(mask)
		if !reflect.DeepEqual(l, full()) {
			t.Fatal("redaction changed the original")
		}
		was, is := valuesOf(l), valuesOf(hidden)
		for path, personal := range personalOf() {
			if changed := !reflect.DeepEqual(was[path], is[path]); changed != personal {
				t.Errorf("mask %v, %s: changed %v, personal %v", mask != nil, path, changed, personal)
			}
		}
	}
}

// A mask must not tell whether there is a value: of two leads that differ only in
// their personal data, the copies are equal, also if one has none.
func TestRedactedHidesWhetherThereIsAValue(t *testing.T) {
	t.Parallel()
	mask := "***"
	for _, mask := range []*string{nil, &mask} {
		with, without := full(), full()
		lead.Visit(eraser{recorder{}}, without)
		if reflect.DeepEqual(with, without) {
			t.Fatal("nothing was erased")
		}
		if a, b := with.Redacted(mask), without.Redacted(mask); !reflect.DeepEqual(a, b) {
			t.Errorf("mask %v: a lead with personal data and one without differ:\n%+v\n%+v", mask != nil, valuesOf(a), valuesOf(b))
		}
	}
}

// eraser removes the personal data that it visits.
type eraser struct{ recorder }

func (eraser) Text(t lead.Traits, v *string) {
	if t.Has(lead.Personal) {
		*v = ""
	}
}

func (eraser) Optional(t lead.Traits, v **string) {
	if t.Has(lead.Personal) {
		*v = nil
	}
}

func (eraser) Texts(t lead.Traits, v *[]string) {
	if t.Has(lead.Personal) {
		*v = nil
	}
}

func (eraser) Raw(t lead.Traits, v *json.RawMessage) {
	if t.Has(lead.Personal) {
		*v = nil
	}
}

// valuesOf returns the values of a lead's fields by their paths.
func valuesOf(l *lead.Lead) map[string]any {
	values := map[string]any{}
	leaves(l, func(path string, field reflect.Value) { values[path] = field.Interface() })
	return values
}

// personalOf says of each field's path whether the tables call it personal.
func personalOf() map[string]bool {
	l := full()
	places := map[unsafe.Pointer]string{}
	leaves(l, func(path string, field reflect.Value) { places[field.Addr().UnsafePointer()] = path })
	personal := map[string]bool{}
	lead.Visit(marker{recorder{}, func(t lead.Traits, at unsafe.Pointer) { personal[places[at]] = t.Has(lead.Personal) }}, l)
	return personal
}

// marker passes on the traits of the fields that have some.
type marker struct {
	recorder
	mark func(lead.Traits, unsafe.Pointer)
}

func (m marker) Text(t lead.Traits, v *string)         { m.mark(t, unsafe.Pointer(v)) }
func (m marker) Optional(t lead.Traits, v **string)    { m.mark(t, unsafe.Pointer(v)) }
func (m marker) Texts(t lead.Traits, v *[]string)      { m.mark(t, unsafe.Pointer(v)) }
func (m marker) Raw(t lead.Traits, v *json.RawMessage) { m.mark(t, unsafe.Pointer(v)) }
