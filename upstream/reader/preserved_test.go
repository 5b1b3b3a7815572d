package reader

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"leadgraph/lead"
)

// graph is an object or a list of an answer. The same one may be in several places.
type graph struct {
	names  []string // nil for a list
	values []any    // of *graph, or JSON
}

// preserver writes answers as serialisers of .NET do.
type preserver struct {
	objects, lists bool // what gets an $id
	ids            map[*graph]int
}

func (p preserver) write(value any) string {
	g, composite := value.(*graph)
	if !composite {
		return value.(string)
	}
	isList := g.names == nil
	preserved := isList && p.lists || !isList && p.objects
	var members []string
	if preserved {
		if id := p.ids[g]; id > 0 {
			return fmt.Sprintf(`{"$ref":"%d"}`, id)
		}
		p.ids[g] = len(p.ids) + 1
		members = append(members, fmt.Sprintf(`"$id":"%d"`, p.ids[g]))
	}
	var values []string
	for i, value := range g.values {
		text := p.write(value)
		if !isList {
			text = strconv.Quote(g.names[i]) + ":" + text
		}
		values = append(values, text)
	}
	switch text := strings.Join(values, ","); {
	case !isList:
		return "{" + strings.Join(append(members, values...), ",") + "}"
	case preserved:
		return "{" + members[0] + `,"$values":[` + text + "]}"
	default:
		return "[" + text + "]"
	}
}

// answers draws answers with a few objects and lists in many places.
type answers struct {
	*rapid.T
	drawn map[string][]*graph
}

func (a answers) one(kind string, draw func() *graph) *graph {
	if known := a.drawn[kind]; len(known) > 0 && rapid.Bool().Draw(a.T, "again") {
		return rapid.SampledFrom(known).Draw(a.T, kind)
	}
	g := draw()
	a.drawn[kind] = append(a.drawn[kind], g)
	return g
}

func (a answers) list(kind string, element func() any) *graph {
	return a.one(kind, func() *graph {
		g := &graph{}
		for range rapid.IntRange(0, 3).Draw(a.T, "length") {
			g.values = append(g.values, element())
		}
		return g
	})
}

func (a answers) object(kind string, members ...any) *graph {
	return a.one(kind, func() *graph {
		g := &graph{names: []string{"description"}, values: []any{strconv.Quote(rapid.StringMatching(`[a-z"\\é]{1,9}`).Draw(a.T, "text"))}}
		for i := 0; i < len(members); i += 2 {
			g.names = append(g.names, members[i].(string))
			if draw, later := members[i+1].(func() any); later {
				g.values = append(g.values, draw())
			} else {
				g.values = append(g.values, members[i+1])
			}
		}
		return g
	})
}

func (a answers) text() any { return a.object("texts").values[0] }

func (a answers) lead() any {
	person := func() any { return a.object("person", "fullName", a.text) }
	location := func() any { return a.object("location", "id", a.text) }
	address := func() any {
		return a.object("address", "country", `"US"`, "locations", func() any { return a.list("locations", location) })
	}
	return a.object("lead", "id", fmt.Sprintf(`"%d"`, len(a.drawn["lead"])), "tenantId", `"`+someTenant+`"`,
		"contactDetails", person, "contacts", func() any { return a.list("contacts", person) },
		"consentedCountries", func() any { return a.list("countries", func() any { return `"DE"` }) },
		"civicAddresses", func() any { return a.list("addresses", address) })
}

// TestReferencesProperty states that an answer means the same whether its serialiser
// preserves references or repeats what it has written.
func TestReferencesProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := answers{t, map[string][]*graph{}}
		rows := &graph{}
		for range rapid.IntRange(1, 5).Draw(t, "rows") {
			rows.values = append(rows.values, a.lead())
		}
		plain, odd, err := decode([]byte(preserver{}.write(rows)), lead.AllParts)
		if err != nil || len(odd) > 0 {
			t.Fatalf("plain: error %v, oddities %v", err, odd)
		}
		p := preserver{rapid.Bool().Draw(t, "objects"), rapid.Bool().Draw(t, "lists"), map[*graph]int{}}
		body := p.write(rows)
		got, odd, err := decodeFrom(iotest.HalfReader(strings.NewReader(body)), lead.AllParts)
		if diff := cmp.Diff(plain, got); diff != "" || len(odd) > 0 || err != nil {
			t.Fatalf("error %v, oddities %v in %s (-plain +preserved):\n%s", err, odd, body, diff)
		}
		if !p.objects {
			return // what is skipped is not known then
		}
		want := lead.Parts(rapid.Uint64Range(0, uint64(lead.AllParts)).Draw(t, "fields"))
		some, _, err := decode([]byte(body), want)
		for i, l := range some {
			if diff := cmp.Diff(only(plain[i], want), l); diff != "" {
				t.Fatalf("fields %b, error %v in %s (-plain +preserved):\n%s", want, err, body, diff)
			}
		}
	})
}

// TestReferencesAreBounded states that references cannot make the reader run or grow
// without end, and that those to nothing are counted.
func TestReferencesAreBounded(t *testing.T) {
	t.Parallel()
	const row = `"tenantId":"` + someTenant + `",`
	filler := `"operatorId":"` + strings.Repeat("x", 1<<20) + `"`
	for name, test := range map[string]struct {
		body  string
		found int
	}{
		"to itself":          {`[{"$id":"1","id":"1",` + row + `"contacts":[{"$id":"2","fullName":"a","$ref":"2"}]}]`, 1},
		"in a circle":        {`[{"$id":"1","id":"1",` + row + `"contacts":{"$id":"2","$values":{"$ref":"2"}}}]`, -1},
		"to another kind":    {`[{"$id":"1","id":"1",` + row + `"contactDetails":{"$id":"2","email":"a"},"civicAddresses":[{"$ref":"2"}]}]`, 0},
		"to what comes late": {`[{"$id":"1","id":"1",` + row + `"contacts":[{"$ref":"3"}]},{"$id":"2","id":"2",` + row + `"contactDetails":{"$id":"3","email":"a"}}]`, 0},
		"to the record":      {`[{"$id":"1","id":"1",` + row + `"contacts":[{"$ref":"1"}]}]`, 1}, // a record has contacts, as a contact has
		"far too large": {`[{"$id":"0","id":"0",` + row + filler + `},{"$id":"1","id":"1",` + row + filler + `},{"$id":"2","id":"2",` + row + filler +
			`},{"$id":"3","id":"3",` + row + filler + `},{"$id":"4","id":"4",` + row + `"contacts":[{"$ref":"4"}]}]`, 0},
	} {
		leads, odd, err := decode([]byte(test.body), lead.AllParts)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if test.found < 0 {
			if leads[0] != nil {
				t.Errorf("%s: the row is read", name)
			}
			continue
		}
		found := 0
		for _, l := range leads {
			found += len(l.Contacts) + len(l.CivicAddresses)
		}
		if found != test.found || found == 0 && len(odd) != 1 {
			t.Errorf("%s: %d parts, oddities %v", name, found, odd)
		}
	}
}

// listForms are the forms that a list can come in, with the number of elements that they
// have: -1 if they are no list. ELEMENT is an element of the list.
var listForms = map[string]int{
	`[]`: 0, `null`: 0, `""`: 0, `[null]`: 0, `{"$id":"8","$values":[]}`: 0, `{"$values":null}`: 0,
	`[ELEMENT]`: 1, `ELEMENT`: 1, `[ELEMENT,null,ELEMENT]`: 2, `{"$id":"8","$values":[ELEMENT]}`: 1, `{"$type":"x","$values":[ELEMENT,ELEMENT]}`: 2,
	`7`: -1, `-1.5`: -1, `true`: -1, `false`: -1, `{}`: -1, `{"x":[]}`: -1, `{"$id":"8"}`: -1, `{"$ref":"77"}`: -1, `{"$values":7}`: -1, `{"$values":{"x":1}}`: -1,
	`{"total":0,"items":[]}`: -1, `"text"`: -1,
}

// TestFormsOfLists states that no list in an unknown form becomes an empty one, or a list
// with an element that was made up, and that this does not depend on what is selected.
func TestFormsOfLists(t *testing.T) {
	t.Parallel()
	for field, element := range map[string]string{
		"contacts": `{"email":"a"}`, "civicAddresses": `{"streetName":"a"}`, "consentedCountries": `"DE"`, "locations": `{"elin":"1"}`,
	} {
		for form, count := range listForms {
			if field == "consentedCountries" && form == `"text"` {
				continue // a text is a list of countries, of which this one is not known
			}
			member := `"` + field + `":` + strings.ReplaceAll(form, "ELEMENT", element)
			body := `[{"id":"1","tenantId":"` + someTenant + `",` + member + `}]`
			if field == "locations" {
				body = `[{"id":"1","tenantId":"` + someTenant + `","civicAddresses":[{"streetName":"b",` + member + `}]}]`
			}
			for _, want := range []lead.Parts{lead.AllParts, lead.PartCivicAddresses, lead.PartCivicAddresses | lead.PartStatus} {
				leads, odd, err := decode([]byte(body), want)
				if err != nil || len(leads) != 1 || (leads[0] == nil) != (count < 0) {
					t.Errorf("%s, fields %b: %v, error %v", member, want, leads, err)
					continue
				}
				if want != lead.AllParts {
					continue
				}
				if count < 0 {
					if total := odd["civicAddresses.locations"] + odd[field]; total != 1 {
						t.Errorf("%s: oddities %v", member, odd)
					}
					continue
				}
				l := leads[0]
				got := len(l.Contacts) + len(l.CivicAddresses) + len(l.ConsentedCountries)
				if field == "locations" {
					got = len(l.CivicAddresses[0].Locations)
				}
				if got != count || len(odd) > 0 {
					t.Errorf("%s: %d elements, oddities %v", member, got, odd)
				}
			}
		}
	}
}

// TestFormsOfOtherLists states the same for contact details, which can be absent, and
// for comments, of which every form is one.
func TestFormsOfOtherLists(t *testing.T) {
	t.Parallel()
	for form, count := range listForms {
		for field, element := range map[string]string{"contactDetails": `{"email":"a"}`, "comments": `"a"`} {
			member := `"` + field + `":` + strings.ReplaceAll(form, "ELEMENT", element)
			leads, odd, err := decode([]byte(`[{"id":"1","tenantId":"`+someTenant+`",`+member+`}]`), lead.AllParts)
			if err != nil || len(leads) != 1 || leads[0] == nil {
				t.Errorf("%s: %v, error %v", member, leads, err)
				continue
			}
			got, want := len(leads[0].Comments), max(count, -count)
			if field == "contactDetails" {
				got, want = 0, min(max(count, 0), 1)
				if leads[0].ContactDetails != nil {
					got = 1
				}
				if (odd[field] == 1) != (count < 0) {
					t.Errorf("%s: oddities %v", member, odd)
				}
			}
			if got != want {
				t.Errorf("%s: %d elements, want %d", member, got, want)
			}
		}
	}
	if names := slices.Sorted(slices.Values(judgedLists)); len(names) != 4 {
		t.Errorf("test the forms of %v", names)
	}
}
