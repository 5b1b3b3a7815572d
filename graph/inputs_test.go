package graph_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func inputBody(document, variables string) string {
	if variables == "" {
		variables = "{}"
	}
	quoted, _ := json.Marshal(document) // a string has a JSON form
	return fmt.Sprintf(`{"query":%s,"variables":%s}`, quoted, variables)
}

// TestInputsMeanTheSame states that all ways to write a filter or an order give
// the same answer, and that an absent, null or open condition is none.
func TestInputsMeanTheSame(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	const from, year1 = "2024-06-01T00:00:00Z", "0001-01-01T00:00:00Z"
	const byFilter = `query($f: LeadFilter) { leadStats(filter: $f) { total } }`
	const byBounds = `query($from: DateTime, $to: DateTime) { leadStats(filter: {consentedOn: {from: $from, to: $to}}) { total } }`
	type input struct{ document, variables string }
	of := func(literal string) input { return input{document: `{ leadStats(filter: ` + literal + `) { total } }`} }
	groups := map[string][]input{
		"everything": {
			{document: `{ leadStats { total } }`}, of(`null`), of(`{}`), of(`{and: []}`), of(`{and: null}`), of(`{or: null}`), of(`{not: null}`), of(`{and: {}}`), of(`{or: [{}]}`),
			of(`{or: {}}`), of(`{status: null, tenantId: null, search: null, hasCustomer: null}`), of(`{consentedOn: null}`), of(`{consentedOn: {}}`),
			of(`{consentedOn: {from: null, to: null}}`), {byFilter, ``}, {byFilter, `{"f": null}`}, {byFilter, `{"f": {"and": []}}`}, {byFilter, `{"f": {"or": {}}}`},
			{byFilter, `{"f": {"consentedOn": {"to": null}}}`}, {byBounds, ``}, {byBounds, `{"from": null, "to": null}`}, {byFilter, `{"f": {"not": {"or": []}}}`},
		},
		"nothing": {
			of(`{or: []}`), of(`{status: []}`), of(`{not: {}}`), of(`{and: {or: []}}`), of(`{not: {and: []}}`), of(`{consentedOn: {to: "` + year1 + `"}}`),
			{byFilter, `{"f": {"or": []}}`}, {byFilter, `{"f": {"status": []}}`}, {byBounds, `{"to": "` + year1 + `"}`}, {byFilter, `{"f": {"tenantId": []}}`},
		},
		"active": {
			of(`{status: ACTIVE}`), of(`{status: [ACTIVE]}`), of(`{or: {status: ACTIVE}}`), of(`{and: [{status: ACTIVE}, {}]}`),
			{byFilter, `{"f": {"status": "ACTIVE"}}`}, {byFilter, `{"f": {"or": {"status": "ACTIVE"}}}`}, {byFilter, `{"f": {"and": {"and": {"status": ["ACTIVE"]}}}}`},
			{`query($s: [LeadStatus!]) { leadStats(filter: {status: $s}) { total } }`, `{"s": "ACTIVE"}`},
			{`query($s: LeadStatus! = ACTIVE) { leadStats(filter: {status: [$s]}) { total } }`, ``},
			{`query($f: [LeadFilter!]) { leadStats(filter: {and: $f}) { total } }`, `{"f": {"status": "ACTIVE"}}`},
			{`query($f: LeadFilter = {status: ACTIVE}) { leadStats(filter: $f) { total } }`, ``},
		},
		"with a time": {
			of(`{consentedOn: {from: "` + year1 + `"}}`), {byBounds, `{"from": "` + year1 + `"}`}, {byBounds, `{"from": "` + year1 + `", "to": null}`},
			of(`{not: {consentedOn: {to: "` + year1 + `"}}, consentedOn: {from: "` + year1 + `"}}`),
		},
		"since": {
			of(`{consentedOn: {from: "` + from + `"}}`), of(`{consentedOn: {from: "` + from + `", to: null}}`), {byBounds, `{"from": "` + from + `"}`},
			{byBounds, `{"from": "` + from + `", "to": null}`}, {byFilter, `{"f": {"consentedOn": {"from": "` + from + `", "to": null}}}`},
			of(`{consentedOn: {from: "2024-06-01t02:00:00+02:00"}}`), of(`{consentedOn: {from: "2024-05-31T23:59:60Z"}}`),
			{`query($r: TimeRange) { leadStats(filter: {consentedOn: $r}) { total } }`, `{"r": {"from": "` + from + `", "to": null}}`},
		},
		"in order": {
			{document: `{ leads(first: 5, orderBy: {field: STATUS}) { nodes { id } } }`}, {document: `{ leads(first: 5, orderBy: {field: STATUS, direction: ASC}) { nodes { id } } }`},
			{`query($d: OrderDirection) { leads(first: 5, orderBy: {field: STATUS, direction: $d}) { nodes { id } } }`, ``},
			{`query($d: OrderDirection = ASC) { leads(first: 5, orderBy: {field: STATUS, direction: $d}) { nodes { id } } }`, ``},
			{`query($o: LeadOrder) { leads(first: 5, orderBy: $o) { nodes { id } } }`, `{"o": {"field": "STATUS"}}`},
			{`query($o: LeadOrder! = {field: STATUS}) { leads(first: 5, orderBy: $o) { nodes { id } } }`, ``},
			{`query($o: [LeadOrder!]) { leads(first: 5, orderBy: $o) { nodes { id } } }`, `{"o": {"field": "STATUS"}}`},
			{`query($o: [LeadOrder!]!) { leads(first: 5, orderBy: $o) { nodes { id } } }`, `{"o": [{"field": "STATUS"}]}`},
			{`query($o: LeadOrder!) { leads(first: 5, orderBy: [$o]) { nodes { id } } }`, `{"o": {"field": "STATUS"}}`},
			{`query($n: Int) { leads(first: $n, last: null, after: null, orderBy: {field: STATUS}) { nodes { id } } }`, `{"n": 5.0}`},
			{`query($d: OrderDirection) { leads(first: 5, orderBy: {field: STATUS, direction: $d}) { ...F } } query Other($d: OrderDirection = DESC, $x: UUID!) { leads(orderBy: {field: STATUS, direction: $d}) { ...F } lead(tenantId: $x) { id } } fragment F on LeadConnection { nodes { id } }`, ``},
		},
		"a tenant": {
			{document: `{ leadsByTenantIds(tenantIds: "` + seedTenant + `") { id } }`}, {document: `{ leadsByTenantIds(tenantIds: ["` + strings.ToUpper(seedTenant) + `"]) { id } }`},
			{`query($t: [UUID!]!) { leadsByTenantIds(tenantIds: $t) { id } }`, `{"t": "` + seedTenant + `"}`},
			{`query($t: UUID!) { leadsByTenantIds(tenantIds: [$t]) { id } }`, `{"t": "` + seedTenant + `"}`},
		},
		"no object": {
			{document: `{ node(id: 1180591620717411303424) { id } }`}, {`query($i: ID!) { node(id: $i) { id } }`, `{"i": 1180591620717411303424}`}, {document: `{ node(id: "") { id } }`},
		},
	}
	for name, inputs := range groups {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := ""
			for _, in := range inputs {
				body := inputBody(in.document, in.variables)
				if strings.Contains(in.document, "query Other") {
					body = inputBody(strings.Replace(in.document, "query(", "query One(", 1), in.variables)
					body = body[:len(body)-1] + `,"operationName":"One"}`
				}
				a := s.post(t, body)
				if len(a.Errors) > 0 {
					t.Errorf("%s with %s: %s", in.document, in.variables, a.Body)
					continue
				}
				if want == "" {
					want = string(a.Data)
				}
				if string(a.Data) != want {
					t.Errorf("%s with %s: %s, the first of the group gives %s", in.document, in.variables, a.Data, want)
				}
			}
			t.Log(want)
		})
	}
}

// TestNullWhereAValueIsRequired and other mistakes of a client are refused before
// the platform is called, each at its place.
func TestNullWhereAValueIsRequired(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	tenant := `"` + seedTenant + `"`
	for _, test := range []struct{ document, variables, at string }{
		{`query($n: Boolean = false) { leads { nodes { id @skip(if: $n) } } }`, `{"n": null}`, "if"},
		{`query($n: Boolean = false) { leads { nodes { id @include(if: $n) } } }`, `{"n": null}`, "if"},
		{`query($n: Boolean = false) { leads @skip(if: $n) { nodes { id } } }`, `{"n": null}`, "if"},
		{`query($n: Boolean = false) { ... @include(if: $n) { leads { asOf } } }`, `{"n": null}`, "if"},
		{`query($n: Boolean = false) { ...F @skip(if: $n) } fragment F on Query { leads { asOf } }`, `{"n": null}`, "if"},
		{`{ leads @skip(if: null) { asOf } }`, ``, "if"},
		{`query($n: Boolean) { lead(tenantId: ` + tenant + `, checkOnline: $n) { id } }`, `{"n": null}`, "checkOnline"},
		{`{ lead(tenantId: ` + tenant + `, checkOnline: null) { id } }`, ``, "checkOnline"},
		{`{ lead(tenantId: null) { id } }`, ``, "tenantId"},
		{`{ leadsByTenantIds(tenantIds: [` + tenant + `, null]) { id } }`, ``, "tenantIds[1]"},
		{`{ leadsByTenantIds(tenantIds: null) { id } }`, ``, "tenantIds"},
		{`{ leads(orderBy: {field: STATUS, direction: null}) { asOf } }`, ``, "orderBy.direction"},
		{`{ leads(orderBy: {direction: ASC}) { asOf } }`, ``, "orderBy.field"},
		{`query($d: OrderDirection) { leads(orderBy: {field: STATUS, direction: $d}) { asOf } }`, `{"d": null}`, "orderBy.direction"},
		{`query($o: LeadOrder) { leads(orderBy: $o) { asOf } }`, `{"o": {"field": "STATUS", "direction": null}}`, "$o.direction"},
		{`query($o: LeadOrder) { leads(orderBy: $o) { asOf } }`, `{"o": {"direction": "ASC"}}`, "$o.field"},
		{`query($o: [LeadOrder!]) { leads(orderBy: $o) { asOf } }`, `{"o": [{"field": "STATUS"}, null]}`, "$o[1]"},
		{`{ leadStats { consentedPer(interval: HOUR) { rest } } }`, ``, "interval"},
		{`{ leadStats { consentedPer(interval: DAY, timeZone: null) { rest } } }`, ``, "timeZone"},
		{`query($z: TimeZone!) { leadStats { changedPer(interval: DAY, timeZone: $z) { rest } } }`, `{"z": "Mars/Olympus"}`, "$z"},
		{`{ leads(filter: {addresses: {validationStatus: NOPE}}) { asOf } }`, ``, "filter.addresses.validationStatus"},
		{`{ leads(filter: {companyName: "x"}) { asOf } }`, ``, "filter.companyName"},
		{`{ leads(filter: {ids: [null]}) { asOf } }`, ``, "filter.ids[0]"},
		{`{ leads(filter: {hasChannel: 1}) { asOf } }`, ``, "filter.hasChannel"},
		{`query($f: LeadFilter) { leads(filter: $f) { asOf } }`, `{"f": {"and": [{"status": [null]}]}}`, "$f.and[0].status[0]"},
		{`{ leads(filter: {status: [ACTIVE, NOPE]}) { asOf } }`, ``, "filter.status[1]"},
		{`{ leads(filter: {consentedOn: {form: null}}) { asOf } }`, ``, "filter.consentedOn.form"},
		{`query($t: UUID!) { lead(tenantId: $t) { id } }`, `{"t": null}`, "$t"},
		{`{ lead(tenantId: ` + tenant + `) { civicAddresses(country: "USA") { id } } }`, ``, "country"},
		{`{ __type(name: 1) { name } }`, ``, "name"},
	} {
		a := s.post(t, inputBody(test.document, test.variables))
		if len(a.Errors) != 1 || a.Errors[0].Extensions["code"] != "BAD_USER_INPUT" || a.Errors[0].Extensions["argument"] != test.at ||
			!strings.HasPrefix(a.Errors[0].Message, test.at+": ") || len(a.Errors[0].Locations) != 1 {
			t.Errorf("%s with %s: %s, want an error at %s", test.document, test.variables, a.Body, test.at)
		}
	}
	s.wantCalls(t, 0, 0)
	if log := s.log.String(); strings.Contains(log, `"level":"ERROR"`) {
		t.Errorf("a client's mistake is logged as an error:\n%s", log)
	}
}

// TestAllMalformedValuesAreReported states that one answer names all mistakes of a
// request, each with the path of its field and its location.
func TestAllMalformedValuesAreReported(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	places := func(body string, header ...string) (got []string) {
		a := s.post(t, body, header...)
		for _, err := range a.Errors {
			if err.Extensions["code"] != "BAD_USER_INPUT" {
				t.Errorf("%s", a.Body)
			}
			got = append(got, fmt.Sprint(err.Extensions["argument"], err.Path, err.Locations))
		}
		return got
	}
	literals := inputBody("{\n a: leads(filter: {status: [ACTIVE, NOPE], consentedOn: {from: 1}}) { nodes { x: civicAddresses(country: \"USA\") { id } } }\n ...F }"+
		"\nfragment F on Query { b: lead(tenantId: \"x\") { id @skip(if: null) } }", "")
	want := []string{
		"filter.status[1][a] [{2 11}]", "filter.consentedOn.from[a] [{2 11}]", "country[a nodes 0 x] [{2 97}]", "tenantId[b] [{4 31}]", "if[b id] [{4 57}]",
	}
	for _, accept := range []string{"application/json", "multipart/mixed", "application/graphql-response+json"} {
		if got := places(literals, "Accept", accept); !slices.Equal(got, want) {
			t.Errorf("%s: places %q, want %q", accept, got, want)
		}
	}
	variables := inputBody("query($f: LeadFilter, $t: UUID!) {\n leads(filter: $f) { asOf } lead(tenantId: $t) { id } }", `{"f": {"x": 1, "status": "NOPE", "and": {"search": 2}}}`)
	want = []string{"$f.x[] [{1 7}]", "$f.status[] [{1 7}]", "$f.and.search[] [{1 7}]", "$t[] [{1 23}]"}
	if got := places(variables); !slices.Equal(got, want) {
		t.Errorf("places %q, want %q", got, want)
	}
	many := inputBody(`{ leads(filter: {status: [`+strings.Repeat("NOPE, ", 50)+`]}) { asOf } }`, "")
	if got := places(many); len(got) != 10 {
		t.Errorf("%d errors", len(got))
	}
}

// TestErrorsOfFieldsHaveTheirPlace states that each alias of a failed field has
// its own error, with its path and location.
func TestErrorsOfFieldsHaveTheirPlace(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	a := s.query(t, "{\n a: leads(first: -1) { asOf }\n b: leads(first: -1) { asOf }\n c: leadStats(filter: {and: {and: {and: {and: {and: {}}}}}}) { total } }")
	var got []string
	for _, err := range a.Errors {
		got = append(got, fmt.Sprint(err.Path, err.Locations))
	}
	slices.Sort(got)
	if want := []string{"[a] [{2 2}]", "[b] [{3 2}]", "[c] [{4 2}]"}; !slices.Equal(got, want) {
		t.Errorf("places %q, want %q: %s", got, want, a.Body)
	}
}
