package graph_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"leadgraph/upstream/sandbox"
)

// bucket is an entry of a list of counts, with one of the values.
type bucket struct {
	Status, Country, CompanySize, ChannelID, OperatorID, ValidationStatus string
	From                                                                  string
	To                                                                    *string
	Count                                                                 int
}

type timeline struct {
	Periods []bucket
	Rest    int
}

type leadStats struct {
	Total, Direct, Consented, UnknownConsent, Onboarded, NotOnboarded          int
	ByStatus, ByCountry, ByCompanySize, ByChannel, ByOperator, ByAddressStatus []bucket
	ByCountryRest, ByCompanySizeRest, ByChannelRest, ByOperatorRest            int
	ByAddressStatusRest                                                        int
	ConsentedPerDay, ConsentedPerWeek, ConsentedPerMonth, ChangedPerWeek       timeline
}

const everyCount = `total direct consented unknownConsent onboarded notOnboarded
	byStatus { status count } byCountry { country count } byCountryRest byCompanySize { companySize count } byCompanySizeRest
	byChannel { channelId count } byChannelRest byOperator { operatorId count } byOperatorRest
	byAddressStatus { validationStatus count } byAddressStatusRest
	consentedPerDay: consentedPer(interval: DAY, timeZone: "America/Sao_Paulo") { ...T }
	consentedPerWeek: consentedPer(interval: WEEK) { ...T }
	consentedPerMonth: consentedPer(interval: MONTH, timeZone: $zone) { ...T }
	changedPerWeek: changedPer(interval: WEEK, timeZone: "Asia/Kathmandu") { ...T }`

// bars returns the filters of all that is shown, with the numbers.
func (s leadStats) bars() (filters []values, counts []int) {
	add := func(count int, filter values) { filters, counts = append(filters, filter), append(counts, count) }
	list := func(entries []bucket, rest int, of func(bucket) values, not func([]values) values) {
		var all []values
		for _, c := range entries {
			all = append(all, of(c))
			add(c.Count, of(c))
		}
		add(rest, values{"not": not(all)})
	}
	either := func(all []values) values { return values{"or": append([]values{}, all...)} }
	list(s.ByStatus, 0, func(c bucket) values { return values{"status": c.Status} }, either)
	list(s.ByCountry, s.ByCountryRest, func(c bucket) values { return values{"consentedCountry": c.Country} }, either)
	list(s.ByCompanySize, s.ByCompanySizeRest, func(c bucket) values { return values{"companySize": c.CompanySize} }, either)
	list(s.ByOperator, s.ByOperatorRest, func(c bucket) values { return values{"operatorId": c.OperatorID} }, either)
	list(s.ByChannel, s.ByChannelRest, func(c bucket) values { return values{"channelId": c.ChannelID} }, func(all []values) values {
		channels := []any{}
		for _, one := range all {
			channels = append(channels, one["channelId"])
		}
		return values{"channelId": channels}
	})
	list(s.ByAddressStatus, s.ByAddressStatusRest, func(c bucket) values { return values{"addresses": values{"validationStatus": c.ValidationStatus}} }, either)
	add(s.ByAddressStatusRest, values{"addresses": values{"missing": true}})
	add(s.Direct, values{"isDirectLead": true})
	add(s.Consented, values{"isDirectLead": false})
	add(s.UnknownConsent, values{"and": []values{{"not": values{"isDirectLead": true}}, {"not": values{"isDirectLead": false}}}})
	add(s.Onboarded, values{"hasCustomer": true})
	add(s.NotOnboarded, values{"hasCustomer": false})
	for name, lines := range map[string][]timeline{
		"consentedOn": {s.ConsentedPerDay, s.ConsentedPerWeek, s.ConsentedPerMonth}, "lastModifiedOn": {s.ChangedPerWeek},
	} {
		for _, line := range lines {
			for i, p := range line.Periods {
				add(p.Count, values{name: values{"from": p.From, "to": p.To}})
				if i == 0 {
					add(line.Rest, values{"not": values{name: values{"from": p.From}}})
				}
			}
		}
	}
	return filters, counts
}

// Every number that leadStats shows is the number of leads that the filter selects that a
// front-end makes of it.
func TestEveryBarCanBeOpened(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{sandbox: sandbox.Options{Leads: 600}})
	s.platform.Edit(s.platform.IDs()[9], map[string]any{"isDirectLead": nil, "consentedOn": "9999-12-31T23:59:59.9999999Z"})
	for _, of := range []values{{}, {"status": "ACTIVE", "not": values{"consentedCountry": "US"}}} {
		got := data[struct{ LeadStats leadStats }](t, s.query(t, `query($f: LeadFilter, $zone: TimeZone! = "Europe/Berlin") { leadStats(filter: $f) { `+everyCount+` } }
			fragment T on Timeline { periods { from to count } rest }`, "f", of)).LeadStats
		filters, counts := got.bars()
		if len(filters) < 100 {
			t.Errorf("only %d numbers", len(filters))
		}
		for from := 0; from < len(filters); from += 10 {
			batch := filters[from:min(from+10, len(filters))]
			variables, declared, text := []any{}, "", ""
			for i, f := range batch {
				declared += fmt.Sprintf("$f%d: LeadFilter ", i)
				text += fmt.Sprintf("a%d: leadStats(filter: $f%d) { total } ", i, i)
				variables = append(variables, fmt.Sprint("f", i), values{"and": []values{of, f}})
			}
			totals := data[map[string]struct{ Total int }](t, s.query(t, "query("+declared+") { "+text+"}", variables...))
			for i, f := range batch {
				if total := totals[fmt.Sprint("a", i)].Total; total != counts[from+i] {
					t.Errorf("%v of %v: %d leads, shown as %d", f, of, total, counts[from+i])
				}
			}
		}
	}
}

// The counts are those of the platform's JSON.
func TestCountsAreThoseOfThePlatform(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{sandbox: sandbox.Options{Leads: 300}})
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string]int{"operator": {}, "channel": {}, "address": {}, "month": {}}
	customers, noAddress, noTime := 0, 0, 0
	for _, r := range s.rows(t) {
		seen := map[string]bool{}
		count := func(name, value string) {
			if value != "" && value != "0" && !seen[name+value] {
				want[name][value]++
			}
			seen[name+value] = true
		}
		count("operator", r.text("operatorId"))
		count("channel", r.text("channelId"))
		count("channel", r.text("ovocChannelId"))
		for _, a := range r.parts("civicAddresses") {
			count("address", map[string]string{"valid": "VALIDATED", "validated": "VALIDATED", "notvalidated": "NOT_VALIDATED", "invalid": "INVALID"}[strings.ToLower(a.text("validationStatus"))])
			if a.text("validationStatus") == "" {
				count("address", "UNKNOWN")
			}
		}
		if r.text("umpCustomerGuid") != "" {
			customers++
		}
		if len(r.parts("civicAddresses")) == 0 {
			noAddress++
		}
		if on, err := time.Parse(time.RFC3339, r.text("consentedOn")); err == nil && r.consented() {
			count("month", on.In(berlin).Format("2006-01"))
		} else {
			noTime++
		}
	}
	got := data[struct{ LeadStats leadStats }](t, s.query(t, `query($zone: TimeZone! = "Europe/Berlin") { leadStats { `+everyCount+` } } fragment T on Timeline { periods { from to count } rest }`)).LeadStats
	shown := func(name string, entries []bucket, value func(bucket) string) {
		counts := map[string]int{}
		for _, c := range entries {
			counts[value(c)] = c.Count
		}
		if len(counts) == 0 || fmt.Sprint(counts) != fmt.Sprint(want[name]) {
			t.Errorf("%s: %v, want %v", name, counts, want[name])
		}
	}
	shown("operator", got.ByOperator, func(c bucket) string { return c.OperatorID })
	shown("channel", got.ByChannel, func(c bucket) string { return c.ChannelID })
	shown("address", got.ByAddressStatus, func(c bucket) string { return c.ValidationStatus })
	shown("month", got.ConsentedPerMonth.Periods, func(c bucket) string {
		from, err := time.Parse(time.RFC3339, c.From)
		if err != nil {
			t.Error(err)
		}
		return from.In(berlin).Format("2006-01")
	})
	if got.Onboarded != customers || got.NotOnboarded != 300-customers || got.ByAddressStatusRest != noAddress || got.ConsentedPerMonth.Rest != noTime {
		t.Errorf("%+v, want %d customers, %d without an address and %d without a time", got, customers, noAddress, noTime)
	}
}

// A walk by several fields has the order that plain sorting of the platform's JSON has.
func TestOrderBySeveralFields(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{sandbox: sandbox.Options{Leads: 400}})
	country := func(r raw) string {
		list, _ := r["consentedCountries"].([]any)
		first := ""
		for _, c := range list {
			if first == "" || c.(string) < first {
				first = c.(string)
			}
		}
		return first
	}
	size := func(r raw) string {
		code, low, high := r.details().text("companySize"), 0, 0
		switch n, _ := fmt.Sscanf(code, "L%d_U%d", &low, &high); {
		case code == "":
			return ""
		case n == 0:
			return "~" + code
		case n == 1:
			high = 1 << 30
		}
		return fmt.Sprintf("%010d %010d", low, high)
	}
	tenant := func(r raw) string { return strings.ToLower(r.text("tenantId")) }
	type key struct {
		field string
		of    func(raw) string
		down  bool
	}
	for _, keys := range [][]key{
		{{"COUNTRY", country, false}}, {{"COUNTRY", country, true}}, {{"COMPANY_SIZE", size, false}}, {{"COMPANY_SIZE", size, true}},
		{{"COUNTRY", country, true}, {"COMPANY_SIZE", size, false}}, {{"COMPANY_SIZE", size, true}, {"COUNTRY", country, false}, {"TENANT_ID", tenant, true}},
	} {
		rows := s.rows(t)
		orders := []values{}
		for _, k := range keys {
			orders = append(orders, values{"field": k.field, "direction": map[bool]string{false: "ASC", true: "DESC"}[k.down]})
		}
		slices.SortFunc(rows, func(a, b raw) int {
			for _, k := range keys {
				x, y := k.of(a), k.of(b)
				c := strings.Compare(x, y)
				if k.down {
					c = -c
				}
				if (x == "") != (y == "") { // absent values come last
					c = cmp.Compare(y, x)
				}
				if c != 0 {
					return c
				}
			}
			return cmp.Compare(a.text("id"), b.text("id"))
		})
		var want, got []string
		for _, r := range rows {
			want = append(want, r.text("id"))
		}
		for after, more := any(nil), true; more; {
			page := data[leadsPage](t, s.query(t, `query($o: [LeadOrder!], $c: Cursor) { leads(first: 90, after: $c, orderBy: $o) {
				edges { node { id } } pageInfo { hasNextPage endCursor } } }`, "o", orders, "c", after))
			got = append(got, page.ids()...)
			after, more = page.Leads.PageInfo.EndCursor, page.Leads.PageInfo.HasNextPage
		}
		if !slices.Equal(got, want) {
			t.Errorf("%v: another order", orders)
		}
	}
}
