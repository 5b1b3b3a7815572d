package graph_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"leadgraph/upstream/sandbox"
)

// raw is a lead or a part of one in the platform's JSON. The functions below read it by
// rules of their own.
type raw map[string]any

func (r raw) text(name string) string {
	if r[name] == nil {
		return ""
	}
	return fmt.Sprint(r[name])
}

func (r raw) details() raw { details, _ := r["contactDetails"].(map[string]any); return details }

func (r raw) parts(name string) (parts []raw) {
	list, _ := r[name].([]any)
	for _, part := range list {
		parts = append(parts, part.(map[string]any))
	}
	return parts
}

func (r raw) channel() bool {
	return slices.ContainsFunc([]string{"channelId", "ovocChannelId"}, func(name string) bool { return !slices.Contains([]string{"", "0"}, r.text(name)) })
}

func (r raw) consented() bool {
	return r.text("consentedOn") != "" && !strings.HasPrefix(r.text("consentedOn"), "0001")
}

// people are the contact details and the contacts.
func (r raw) people() []raw { return append(r.parts("contacts"), r.details()) }

func (r raw) openTexts() []string {
	texts := []string{r.text("tenantId")}
	for _, p := range r.people() {
		texts = append(texts, p.text("companyName"))
	}
	for _, a := range r.parts("civicAddresses") {
		texts = append(texts, a.text("cityOrTown"), a.text("cityOrTownAlias"), a.text("postalOrZipCode"))
	}
	return texts
}

func (r raw) personalTexts() (texts []string) {
	for _, p := range r.people() {
		texts = append(texts, p.text("fullName"), p.text("email"))
	}
	return texts
}

func (r raw) numbers() (numbers []string) {
	for _, p := range r.people() {
		numbers = append(numbers, regexp.MustCompile(`\D`).ReplaceAllString(p.text("phoneNumber"), ""))
	}
	return numbers
}

func anyOf(texts []string, matches func(text, part string) bool, part string) bool {
	return slices.ContainsFunc(texts, func(text string) bool { return matches(strings.ToLower(text), part) })
}

func (r raw) address(matches func(raw) bool) bool {
	return slices.ContainsFunc(r.parts("civicAddresses"), matches)
}

// rows returns the platform's leads in its order.
func (s service) rows(t *testing.T) []raw {
	t.Helper()
	var rows []raw
	for _, id := range s.platform.IDs() {
		var r raw
		if err := json.Unmarshal(s.platform.Row(id), &r); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	return rows
}

// filterCase is a filter, and which leads it selects. Texts to search for have no letters
// with accents.
type filterCase struct {
	filter  values
	matches func(raw) bool
}

func filterCases(rows []raw) []filterCase {
	ids := []string{rows[7].text("id"), "nobody's", rows[3].text("id")}
	operator, tenant := "", rows[5].text("tenantId")
	for _, r := range rows {
		if r.text("operatorId") != "" {
			operator = r.text("operatorId")
		}
	}
	company := func(matches func(text, part string) bool, part string) func(raw) bool {
		return func(r raw) bool { return matches(strings.ToLower(r.details().text("companyName")), part) }
	}
	equal := func(a, b string) bool { return a == b }
	in := func(country string) func(raw) bool { return func(a raw) bool { return a.text("country") == country } }
	state := func(texts ...string) func(raw) bool {
		return func(a raw) bool { return slices.Contains(texts, a.text("validationStatus")) }
	}
	return []filterCase{
		{values{"ids": ids}, func(r raw) bool { return slices.Contains(ids, r.text("id")) }},
		{values{"ids": []string{}}, func(raw) bool { return false }},
		{values{"companyName": values{"contains": "ONTO"}}, company(strings.Contains, "onto")},
		{values{"companyName": values{"starts": "Cont", "contains": "sons"}}, func(r raw) bool {
			return company(strings.HasPrefix, "cont")(r) && company(strings.Contains, "sons")(r)
		}},
		{values{"companyName": values{"equals": " siptest "}}, company(equal, "siptest")},
		{values{"companyName": values{"equals": " ", "starts": nil}}, func(raw) bool { return true }},
		{values{"text": values{"starts": "ls1"}}, func(r raw) bool { return anyOf(r.openTexts(), strings.HasPrefix, "ls1") }},
		{values{"text": values{"contains": tenant[4:12]}}, func(r raw) bool { return anyOf(r.openTexts(), strings.Contains, tenant[4:12]) }},
		{values{"text": values{"equals": "redmond"}}, func(r raw) bool { return anyOf(r.openTexts(), equal, "redmond") }},
		{values{"companySize": "L250_U999"}, func(r raw) bool { return r.details().text("companySize") == "L250_U999" }},
		{values{"operatorId": []string{operator, "x"}}, func(r raw) bool { return r.text("operatorId") == operator }},
		{values{"tenantOrigin": "Office365"}, func(r raw) bool { return r.text("tenantOrigin") == "Office365" }},
		{values{"hasChannel": true}, raw.channel},
		{values{"hasChannel": false}, func(r raw) bool { return !r.channel() }},
		{values{"hasConsentedOn": true}, raw.consented},
		{values{"hasConsentedOn": false}, func(r raw) bool { return !r.consented() }},
		{values{"addresses": values{}}, func(raw) bool { return true }},
		{values{"addresses": values{"missing": true}}, func(r raw) bool { return !r.address(func(raw) bool { return true }) }},
		{values{"addresses": values{"missing": false}}, func(r raw) bool { return r.address(func(raw) bool { return true }) }},
		{values{"addresses": values{"missing": true, "country": "US"}}, func(raw) bool { return false }},
		{values{"addresses": values{"country": []string{"us", "XX"}}}, func(r raw) bool { return r.address(in("US")) }},
		{values{"addresses": values{"validationStatus": "VALIDATED"}}, func(r raw) bool { return r.address(state("Validated", "Valid")) }},
		{values{"addresses": values{"country": "GB", "validationStatus": []string{"NOT_VALIDATED"}}}, func(r raw) bool {
			return r.address(func(a raw) bool { return in("GB")(a) && state("NotValidated", "Notvalidated")(a) })
		}},
		{values{"search": "42 55.55-01"}, func(r raw) bool { return anyOf(r.numbers(), strings.Contains, "42555501") }},
		{values{"search": tenant[4:12]}, func(r raw) bool { return anyOf(r.openTexts(), strings.Contains, tenant[4:12]) }},
		{values{"search": "REDMO"}, func(r raw) bool {
			return anyOf(append(r.openTexts(), r.personalTexts()...), strings.Contains, "redmo")
		}},
	}
}

func negated(of filterCase) filterCase {
	return filterCase{values{"not": of.filter}, func(r raw) bool { return !of.matches(r) }}
}

func (c filterCase) ids(rows []raw) (ids []string) {
	for _, r := range rows {
		if c.matches(r) {
			ids = append(ids, r.text("id"))
		}
	}
	return ids
}

// Each condition selects the leads that it selects in the platform's JSON: in lists, in
// walks with their cursors, and in statistics.
func TestConditionsSelectWhatThePlatformHas(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	rows := s.rows(t)
	selected := 0
	for _, c := range filterCases(rows) {
		for _, c := range []filterCase{c, negated(c)} {
			want := c.ids(rows)
			if n := len(want); n > 0 && n < len(rows) {
				selected++
			}
			stats := data[struct{ LeadStats struct{ Total int } }](t, s.query(t, `query($f: LeadFilter) { leadStats(filter: $f) { total } }`, "f", c.filter))
			if stats.LeadStats.Total != len(want) {
				t.Errorf("%v: %d leads are counted, want %d", c.filter, stats.LeadStats.Total, len(want))
			}
			if got := s.selected(t, c.filter); !slices.Equal(got, want) {
				t.Errorf("%v: %d leads, want %d", c.filter, len(got), len(want))
			}
		}
	}
	if selected < 30 {
		t.Errorf("only %d filters select some leads but not all", selected)
	}
}

// selected returns the ids of the leads that match, on pages of 60.
func (s service) selected(t *testing.T, filter values) (ids []string) {
	t.Helper()
	for after := any(nil); ; {
		page := data[leadsPage](t, s.query(t, `query($f: LeadFilter, $c: Cursor) { leads(first: 60, after: $c, filter: $f) {
			edges { node { id } } pageInfo { hasNextPage endCursor } } }`, "f", filter, "c", after))
		ids = append(ids, page.ids()...)
		if !page.Leads.PageInfo.HasNextPage {
			return ids
		}
		after = page.Leads.PageInfo.EndCursor
	}
}

// Changes are told by whether the lead matched before and after, for each condition.
func TestConditionsSelectChanges(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{sandbox: sandbox.Options{Leads: 120}})
	kinds := map[string]int{}
	for _, c := range filterCases(s.rows(t)) {
		_, cursor := s.list(t, c.filter)
		before := s.rows(t)
		some, others := c.ids(before), negated(c).ids(before)
		want := map[string]string{}
		for _, pair := range [][2][]string{{some, others}, {others, some}} {
			if len(pair[0]) == 0 || len(pair[1]) == 0 {
				continue
			}
			id, values := pair[0][len(pair[0])-1], raw{}
			if err := json.Unmarshal(s.platform.Row(pair[1][0]), &values); err != nil {
				t.Fatal(err)
			}
			delete(values, "id")
			delete(values, "tenantId")
			s.platform.Edit(id, values)
			want[id] = ""
		}
		after := s.rows(t)
		for i, r := range after {
			id := r.text("id")
			if _, edited := want[id]; edited && !reflect.DeepEqual(before[i], r) {
				want[id] = map[[2]bool]string{{true, true}: "UPDATED", {true, false}: "LEFT", {false, true}: "ENTERED"}[[2]bool{c.matches(before[i]), c.matches(r)}]
			}
		}
		maps.DeleteFunc(want, func(_, kind string) bool { return kind == "" })
		got := map[string]string{}
		for _, change := range s.polled(t, cursor, c.filter, 100).Nodes {
			got[change.Lead.ID] = change.Kind
			kinds[change.Kind]++
		}
		if !maps.Equal(got, want) {
			t.Errorf("%v: %v, want %v", c.filter, got, want)
		}
	}
	if kinds["LEFT"] < 10 || kinds["ENTERED"] < 10 {
		t.Errorf("changes %v", kinds)
	}
}
