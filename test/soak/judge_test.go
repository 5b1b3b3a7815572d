package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"leadgraph/upstream/sandbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// begun is when the platform of the tests has its leads from.
var begun = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// world is a platform without a leadgraph: tests answer in its place.
type world struct {
	*history
	maker *maker
	when  asked
}

// newWorld has some leads, of which two are a tenant's.
func newWorld(t *testing.T) world {
	t.Helper()
	stand, err := sandbox.New(sandbox.Options{Leads: 120})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := rowsOf(stand, stand.IDs())
	if err != nil {
		t.Fatal(err)
	}
	h := newHistory(rows, begun)
	m := newMaker(1, 0, h, &places{})
	everything := selection{of: leadType, fields: m.rich[0].fields[:1]}
	for _, f := range members[leadType] {
		everything.fields = append(everything.fields, field{member: f, key: f.name, sub: whole(f.of)})
	}
	m.rich = []selection{everything}
	sent := begun.Add(time.Hour)
	return world{history: h, maker: m, when: asked{sent: sent, answered: sent.Add(time.Second)}}
}

// whole selects all of a type.
func whole(of string) selection {
	s := selection{of: of}
	for _, f := range members[of] {
		s.fields = append(s.fields, field{member: f, key: f.name, sub: whole(f.of)})
	}
	return s
}

// judge judges an answer of one part.
func (w world) judge(p part, a answer) []string {
	j := &judge{asked: w.when, answer: a, history: w.history, ages: agesSet()}
	newOperation("test", false, p).check(j)
	return j.wrong
}

// truth is what leadgraph would answer: the text of the part's value.
func (w world) truth(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// says makes an answer of a value in JSON.
func says(t *testing.T, key, value string) answer {
	t.Helper()
	var a answer
	if err := json.Unmarshal(fmt.Appendf(nil, `{"data":{%q:%s}}`, key, value), &a); err != nil {
		t.Fatal(err)
	}
	return a
}

func (w world) accept(t *testing.T, p part, value string) {
	t.Helper()
	if wrong := w.judge(p, says(t, p.key, value)); wrong != nil {
		t.Fatalf("the truth is called wrong: %v\n%.500s", wrong, value)
	}
}

// refuse checks that lies are found out.
func (w world) refuse(t *testing.T, p part, lies map[string]string) {
	t.Helper()
	for name, value := range lies {
		if w.judge(p, says(t, p.key, value)) == nil {
			t.Errorf("%s: not noticed", name)
		}
	}
}

// page is a page of rows as leadgraph answers it.
func (w world) page(rows []*row, total int, next, previous bool) object {
	nodes := []any{}
	for _, r := range rows {
		nodes = append(nodes, w.maker.rich[0].expect(r.raw))
	}
	return object{"nodes": nodes, "asOf": w.when.sent.Format(time.RFC3339Nano), "totalCount": total, "pageInfo": object{"hasNextPage": next, "hasPreviousPage": previous}}
}

// TestEveryChangedValueIsNoticed changes the values of a whole page one by one.
func TestEveryChangedValueIsNoticed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rows := w.current().rows[:3] // of the documents' examples, with all that a lead can have
	p := w.maker.windowPart("leads", window{size: 3, selected: w.maker.rich[0]})
	text := w.truth(t, w.page(rows, 0, false, false))
	w.accept(t, p, text)
	value := says(t, "leads", text).Data["leads"].(object) // shares nothing with the platform's rows
	changed := 0
	var change func(at string, inside any)
	try := func(at string, put func(any), old any) {
		for _, other := range []any{nil, "other", true, float64(7)} {
			if other == old {
				continue
			}
			put(other)
			changed++
			if w.judge(p, says(t, "leads", w.truth(t, value))) == nil {
				t.Errorf("%s: %v instead of %v was not noticed", at, other, old)
			}
			put(old)
		}
	}
	change = func(at string, inside any) {
		switch inside := inside.(type) {
		case object:
			for key, element := range inside {
				change(at+"."+key, element)
				try(at+"."+key, func(v any) { inside[key] = v }, element)
			}
		case []any:
			for i, element := range inside {
				change(fmt.Sprint(at, i), element)
				try(fmt.Sprint(at, i), func(v any) { inside[i] = v }, element)
			}
		}
	}
	change("nodes", value["nodes"])
	if changed < 500 {
		t.Errorf("only %d values were changed", changed)
	}
}

func TestWrongPagesAreNoticed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := w.current().rows
	anchor := all[9]
	p := w.maker.windowPart("leads", window{size: 10, selected: w.maker.rich[0], cursor: "c", anchor: anchor.id, count: true, next: true, previous: true})
	text := func(rows []*row, change func(object)) string {
		page := w.page(rows, len(all), true, true)
		change(page)
		return w.truth(t, page)
	}
	keep := func(object) {}
	right := all[10:20]
	w.accept(t, p, text(right, keep))
	swapped := slices.Clone(right)
	swapped[3], swapped[4] = swapped[4], swapped[3]
	w.refuse(t, p, map[string]string{
		"a row is missing":              text(all[10:19], keep),
		"a row is missing in between":   text(slices.Concat(all[10:15], all[16:21]), keep),
		"a row is twice":                text(slices.Concat(all[10:19], all[10:11]), keep),
		"rows are swapped":              text(swapped, keep),
		"the cursor's row is repeated":  text(all[9:19], keep),
		"a row is skipped":              text(all[11:21], keep),
		"the count is wrong":            text(right, func(o object) { o["totalCount"] = len(all) - 1 }),
		"the count is null":             text(right, func(o object) { o["totalCount"] = nil }),
		"hasNextPage is wrong":          text(right, func(o object) { o["pageInfo"].(object)["hasNextPage"] = false }),
		"hasPreviousPage is wrong":      text(right, func(o object) { o["pageInfo"].(object)["hasPreviousPage"] = false }),
		"it is too old":                 text(right, func(o object) { o["asOf"] = w.when.sent.Add(-15 * time.Second).Format(time.RFC3339Nano) }),
		"it has no date":                text(right, func(o object) { o["asOf"] = nil }),
		"a field was not asked for":     text(right, func(o object) { o["nodes"].([]any)[0].(object)["more"] = 1 }),
		"a field is missing":            text(right, func(o object) { delete(o["nodes"].([]any)[0].(object), "status") }),
		"the lead is nobody's":          text(right, func(o object) { o["nodes"].([]any)[0].(object)["id"] = "nobody's" }),
		"the page is null and no error": "null",
	})
}

func TestWrongListsOfTheCatalogueAreNoticed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	q := query{filter: object{"status": []string{"ACTIVE"}}, matches: func(r *row) bool { return r.status == "ACTIVE" }, field: "COMPANY_NAME", descending: true}
	all := q.all(w.current())
	p := w.maker.windowPart("leads", window{query: q, size: 20, selected: w.maker.rich[0], count: true})
	w.accept(t, p, w.truth(t, w.page(all[:20], len(all), true, false)))
	ascending := q
	ascending.descending = false
	removed := slices.Clone(all[:20])
	removed[7] = w.current().rows[slices.IndexFunc(w.current().rows, func(r *row) bool { return r.status == "REMOVED" })]
	w.refuse(t, p, map[string]string{
		"another order":              w.truth(t, w.page(ascending.all(w.current())[:20], len(all), true, false)),
		"a lead that does not match": w.truth(t, w.page(removed, len(all), true, false)),
	})
}

func TestWrongLookupsAreNoticed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const twin, seed = "6a7c0e81-4b3d-4f92-ae15-c9d8f7b6e510", "f94238e5-4f2c-4e1b-8125-2d27122ca75f"
	show := func(rows ...*row) string {
		list := []any{}
		for _, r := range rows {
			list = append(list, w.maker.rich[0].expect(r.raw))
		}
		return w.truth(t, list)
	}
	twins, other := w.current().tenants[twin], w.current().tenants[seed]
	p := w.maker.listsOf("list", []string{twin, unknownTenant(w.maker.random)})
	w.accept(t, p, "["+show(twins...)+",[]]")
	w.refuse(t, p, map[string]string{
		"another tenant's lead":    "[" + show(other...) + ",[]]",
		"one more":                 "[" + show(slices.Concat(twins, other)...) + ",[]]",
		"one lead is missing":      "[" + show(twins[0]) + ",[]]",
		"another order":            "[" + show(twins[1], twins[0]) + ",[]]",
		"none":                     "[[],[]]",
		"a lead of an unknown one": "[" + show(twins...) + "," + show(other...) + "]",
		"null without an error":    "[" + show(twins...) + ",null]",
		"a list is missing":        "[" + show(twins...) + "]",
	})
	best := preferred(twins)
	p = w.maker.leadOf("lead", twin)
	w.accept(t, p, w.truth(t, w.maker.rich[0].expect(best.raw)))
	for _, r := range []*row{twins[0], twins[1], other[0]} {
		if r != best {
			w.refuse(t, p, map[string]string{"another lead": w.truth(t, w.maker.rich[0].expect(r.raw))})
		}
	}
	w.refuse(t, p, map[string]string{"null without an error": "null"})
}

// TestOldAnswersAreNoticed has a lead removed, and another one come.
func TestOldAnswersAreNoticed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	gone, come := w.current().rows[0], *w.current().rows[1]
	come.id, come.tenant = "new", unknownTenant(w.maker.random)
	come.raw = object{"id": "new", "tenantId": come.tenant, "status": "Active"}
	w.shift(0, func() ([]*row, int) { return []*row{&come}, 1 })
	changed := w.current().from
	was, is := w.maker.leadOf("lead", gone.tenant), w.maker.leadOf("lead", come.tenant)
	old, fresh := w.truth(t, w.maker.rich[0].expect(gone.raw)), w.truth(t, w.maker.rich[0].expect(come.raw))
	lookups := agesSet().lookup
	for _, test := range []struct {
		name    string
		after   time.Duration
		noCache bool
		p       part
		value   string
		wrong   bool
	}{
		{"remembered", lookups / 2, false, was, old, false},
		{"remembered for too long", time.Minute, false, was, old, true},
		{"remembered, and not to be", lookups / 2, true, was, old, true},
		{"read anew", lookups / 2, true, was, "null", false},
		{"not yet there", -time.Minute, false, is, fresh, true},
		{"there", lookups / 2, false, is, fresh, false},
	} {
		w.when = asked{sent: changed.Add(test.after), answered: changed.Add(test.after + time.Second), noCache: test.noCache}
		if wrong := w.judge(test.p, says(t, "lead", test.value)); (wrong != nil) != test.wrong {
			t.Errorf("%s: %v", test.name, wrong)
		}
	}
}

func TestWrongCountsAndNodesAreNoticed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stats := query{}.stats("stats")
	right := count(w.current().rows)
	right["asOf"] = w.when.sent.Format(time.RFC3339Nano)
	w.accept(t, stats, w.truth(t, right))
	for name := range right {
		wrong := count(w.current().rows)
		wrong["asOf"] = right["asOf"]
		switch value := wrong[name].(type) {
		case float64:
			wrong[name] = value + 1
		case []any:
			value[0].(object)["count"] = 0
		default:
			wrong[name] = nil
		}
		w.refuse(t, stats, map[string]string{name: w.truth(t, wrong)})
	}
	one, other := w.current().rows[0], w.current().rows[1]
	show := func(first string) answer {
		return says(t, "stats", w.truth(t, right)+`,"nodes":[`+first+`,null]`)
	}
	for first, fine := range map[string]bool{
		w.truth(t, w.maker.rich[0].expect(one.raw)):   true,
		w.truth(t, w.maker.rich[0].expect(other.raw)): false,
		"null": false,
	} {
		j := &judge{asked: w.when, answer: show(first), history: w.history, ages: agesSet()}
		newOperation("test", false, nodesOf("nodes", []string{one.id, "nobody's"}, w.maker.rich[0]), stats).check(j)
		if (j.wrong == nil) != fine {
			t.Errorf("%.100s: %v", first, j.wrong)
		}
	}
}

func TestWrongErrorsAreNoticed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.maker.leadOf("lead", w.current().rows[0].tenant)
	for text, fine := range map[string]bool{
		`{"message":"The platform did not answer in time.","path":["lead"],"extensions":{"code":"UPSTREAM_TIMEOUT","requestId":"1"}}`:      true,
		`{"message":"dial tcp 127.0.0.1:80: refused","path":["lead"],"extensions":{"code":"UPSTREAM_TIMEOUT","requestId":"1"}}`:            false,
		`{"message":"Nobody.","path":["lead"],"extensions":{"code":"UPSTREAM_TIMEOUT","requestId":"1","who":"dana.levi@contoso.example"}}`: false,
		`{"message":"The platform did not answer in time.","path":["lead"],"extensions":{"code":"UPSTREAM_TIMEOUT"}}`:                      false,
		`{"message":"Internal error.","path":["lead"],"extensions":{"code":"INTERNAL_SERVER_ERROR","requestId":"1"}}`:                      false,
		`{"message":"The platform did not answer in time.","path":["lead"],"extensions":{"requestId":"1"}}`:                                false,
		`{"message":"The platform did not answer in time.","path":["another"],"extensions":{"code":"UPSTREAM_TIMEOUT","requestId":"1"}}`:   false,
	} {
		a := says(t, "lead", "null")
		var f failure
		if err := json.Unmarshal([]byte(text), &f); err != nil {
			t.Fatal(err)
		}
		a.Errors = []failure{f}
		if wrong := w.judge(p, a); (wrong == nil) != fine {
			t.Errorf("%s: %v", text, wrong)
		}
	}
	bad := w.maker.bad()
	j := &judge{asked: w.when, answer: answer{Data: object{"leads": object{}}}, history: w.history, ages: agesSet()}
	if bad.check(j); j.wrong == nil {
		t.Error("bad input may be answered")
	}
}

func TestWrongWalksAreNoticed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := idsOf(w.current().rows)
	for name, test := range map[string]struct {
		met  []string
		want string
	}{
		"right":            {all, ""},
		"one is lost":      {slices.Concat(all[:50], all[51:]), "was not met"},
		"one is met twice": {slices.Concat(all[:50], all[49:]), "was met twice"},
	} {
		way := walk{begun: w.when.sent, met: test.met}
		if got := way.judge(w.history, w.when.answered); !strings.Contains(got, test.want) || (got == "") != (test.want == "") {
			t.Errorf("%s: %q", name, got)
		}
	}
}
