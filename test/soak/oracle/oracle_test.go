package oracle

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"
)

// TestEveryChangedValueIsNoticed changes the values of a whole page one by one.
func TestEveryChangedValueIsNoticed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rows := w.current().rows[:3] // the examples of the API's documents, which have every field
	p := Page("leads", Window{Size: 3, Selected: w.everything}, nil)
	text := w.truth(t, w.page(rows, 0, false, false))
	w.accept(t, p, text)
	value := says(t, "leads", text).Data["leads"].(Object) // a copy, to change
	changed := 0
	var change func(at string, inside any)
	try := func(at string, put func(any), old any) {
		for _, other := range []any{nil, "other", true, float64(7)} {
			if other == old {
				continue
			}
			put(other)
			changed++
			if w.judge(says(t, "leads", w.truth(t, value)), p) == nil {
				t.Errorf("%s: %v instead of %v was not noticed", at, other, old)
			}
			put(old)
		}
	}
	change = func(at string, inside any) {
		switch inside := inside.(type) {
		case Object:
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
	p := Page("leads", Window{Size: 10, Selected: w.everything, Cursor: "c", Anchor: anchor.ID, Count: true, Next: true, Previous: true}, nil)
	text := func(rows []*Row, change func(Object)) string {
		page := w.page(rows, len(all), true, true)
		change(page)
		return w.truth(t, page)
	}
	keep := func(Object) {}
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
		"the count is wrong":            text(right, func(o Object) { o["totalCount"] = len(all) - 1 }),
		"the count is null":             text(right, func(o Object) { o["totalCount"] = nil }),
		"hasNextPage is wrong":          text(right, func(o Object) { o["pageInfo"].(Object)["hasNextPage"] = false }),
		"hasPreviousPage is wrong":      text(right, func(o Object) { o["pageInfo"].(Object)["hasPreviousPage"] = false }),
		"it is too old":                 text(right, func(o Object) { o["asOf"] = w.when.Sent.Add(-15 * time.Second).Format(time.RFC3339Nano) }),
		"it has no date":                text(right, func(o Object) { o["asOf"] = nil }),
		"a field was not asked for":     text(right, func(o Object) { o["nodes"].([]any)[0].(Object)["more"] = 1 }),
		"a field is missing":            text(right, func(o Object) { delete(o["nodes"].([]any)[0].(Object), "status") }),
		"the lead is unknown":           text(right, func(o Object) { o["nodes"].([]any)[0].(Object)["id"] = "nobody's" }),
		"the page is null and no error": "null",
	})
}

func TestWrongListsOfTheCatalogueAreNoticed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	q := Query{Filter: Object{"status": []string{"ACTIVE"}}, Matches: func(r *Row) bool { return r.Status == "ACTIVE" }, Field: "COMPANY_NAME", Descending: true}
	all := q.all(w.current())
	p := Page("leads", Window{Query: q, Size: 20, Selected: w.everything, Count: true}, nil)
	w.accept(t, p, w.truth(t, w.page(all[:20], len(all), true, false)))
	ascending := q
	ascending.Descending = false
	removed := slices.Clone(all[:20])
	removed[7] = w.current().rows[slices.IndexFunc(w.current().rows, func(r *Row) bool { return r.Status == "REMOVED" })]
	w.refuse(t, p, map[string]string{
		"another order":              w.truth(t, w.page(ascending.all(w.current())[:20], len(all), true, false)),
		"a lead that does not match": w.truth(t, w.page(removed, len(all), true, false)),
	})
}

func TestWrongLookupsAreNoticed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const twin, seed = "6a7c0e81-4b3d-4f92-ae15-c9d8f7b6e510", "f94238e5-4f2c-4e1b-8125-2d27122ca75f"
	show := func(rows ...*Row) string {
		list := []any{}
		for _, r := range rows {
			list = append(list, w.everything.expect(r.Raw))
		}
		return w.truth(t, list)
	}
	twins, other := w.current().tenants[twin], w.current().tenants[seed]
	p := Lists("list", []string{twin, nobody}, w.everything)
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
	p = Lead("lead", twin, w.everything)
	w.accept(t, p, w.truth(t, w.everything.expect(best.Raw)))
	for _, r := range []*Row{twins[0], twins[1], other[0]} {
		if r != best {
			w.refuse(t, p, map[string]string{"another lead": w.truth(t, w.everything.expect(r.Raw))})
		}
	}
	w.refuse(t, p, map[string]string{"null without an error": "null"})
}

// TestOldAnswersAreNoticed removes a lead and adds another one.
func TestOldAnswersAreNoticed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	gone, come := w.current().rows[0], *w.current().rows[1]
	come.ID, come.Tenant = "new", nobody
	come.Raw = Object{"id": "new", "tenantId": come.Tenant, "status": "Active"}
	w.Shift(0, func() ([]*Row, int) { return []*Row{&come}, 1 })
	changed := w.current().from
	was, is := Lead("lead", gone.Tenant, w.everything), Lead("lead", come.Tenant, w.everything)
	old, fresh := w.truth(t, w.everything.expect(gone.Raw)), w.truth(t, w.everything.expect(come.Raw))
	lookups := ages.Lookup
	for _, test := range []struct {
		name    string
		after   time.Duration
		noCache bool
		check   Check
		value   string
		wrong   bool
	}{
		{"remembered", lookups / 2, false, was, old, false},
		{"remembered for too long", time.Minute, false, was, old, true},
		{"remembered despite no-cache", max(lookups, time.Minute), true, was, old, true},
		{"just read, so new enough", newEnough / 2, true, was, old, false},
		{"read again", lookups / 2, true, was, "null", false},
		{"not yet there", -time.Minute, false, is, fresh, true},
		{"there", lookups / 2, false, is, fresh, false},
	} {
		w.when = Asked{Sent: changed.Add(test.after), Answered: changed.Add(test.after + time.Second), NoCache: test.noCache}
		if wrong := w.judge(says(t, "lead", test.value), test.check); (wrong != nil) != test.wrong {
			t.Errorf("%s: %v", test.name, wrong)
		}
	}
}

func TestWrongCountsAndNodesAreNoticed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stats := Stats("stats", Query{})
	right := count(w.current().rows)
	right["asOf"] = w.when.Sent.Format(time.RFC3339Nano)
	w.accept(t, stats, w.truth(t, right))
	for name := range right {
		wrong := count(w.current().rows)
		wrong["asOf"] = right["asOf"]
		switch value := wrong[name].(type) {
		case float64:
			wrong[name] = value + 1
		case []any:
			value[0].(Object)["count"] = 0
		default:
			wrong[name] = nil
		}
		w.refuse(t, stats, map[string]string{name: w.truth(t, wrong)})
	}
	one, other := w.current().rows[0], w.current().rows[1]
	show := func(first string) Answer {
		return says(t, "stats", w.truth(t, right)+`,"nodes":[`+first+`,null]`)
	}
	for first, fine := range map[string]bool{
		w.truth(t, w.everything.expect(one.Raw)):   true,
		w.truth(t, w.everything.expect(other.Raw)): false,
		"null": false,
	} {
		if wrong := w.judge(show(first), Nodes("nodes", []string{one.ID, "nobody's"}, w.everything), stats); (wrong == nil) != fine {
			t.Errorf("%.100s: %v", first, wrong)
		}
	}
}

func TestWrongErrorsAreNoticed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := Lead("lead", w.current().rows[0].Tenant, w.everything)
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
		var f Failure
		if err := json.Unmarshal([]byte(text), &f); err != nil {
			t.Fatal(err)
		}
		a.Errors = []Failure{f}
		if wrong := w.judge(a, p); (wrong == nil) != fine {
			t.Errorf("%s: %v", text, wrong)
		}
	}
}

func TestAnsweredBadInputIsNoticed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if wrong := w.Judge(w.when, Answer{Data: Object{"leads": Object{}}}, ages, func(j *Judge) { j.Refusal("leads") }); wrong == nil {
		t.Error("an answer to bad input was accepted")
	}
}
