package catalogue

import (
	"slices"
	"strings"

	"leadgraph/lead"
)

// condition is one kind of condition of a filter. The table below is the only list
// of them: counting, validation, fingerprints and matching loop over it.
type condition struct {
	// name is the member of LeadFilter in the schema.
	name string
	// tag marks the condition in fingerprints. Clients keep cursors, so a tag never
	// changes and is never reused.
	tag byte
	// scans is true if the condition searches texts, which costs the most per row.
	scans bool

	// set reports whether the filter has the condition.
	set func(*lead.Filter) bool
	// check returns an error if the value exceeds a limit.
	check func(f *lead.Filter, path string) error
	// encode writes the meaning of a condition that is set.
	encode func(*encoding, byte, *lead.Filter)
	// narrow removes the rows that fail a condition that is set.
	narrow func(*Snapshot, bitset, *lead.Filter)
}

// conditions lists all conditions. Fingerprints encode them in this order, so rows
// are never reordered, and new ones come last.
var conditions = []condition{
	oneOf("tenantId", 't', func(f *lead.Filter) []string { return f.TenantIDs }, strings.ToLower, textBytes,
		func(s *Snapshot) *postings[string] { return &s.tenants }),
	oneOf("status", 's', func(f *lead.Filter) []lead.Status { return f.Statuses }, verbatim, statusBytes,
		func(s *Snapshot) *postings[lead.Status] { return &s.statuses }),
	truth("isDirectLead", 'd', func(f *lead.Filter) *bool { return f.IsDirectLead }, func(s *Snapshot, rows bitset, want bool) {
		rows.intersect(s.direct.anyOf(len(s.leads), []bool{want}, verbatim))
	}),
	has("hasCustomer", 'u', func(f *lead.Filter) *bool { return f.HasCustomer }, func(s *Snapshot) bitset { return s.customers }),
	oneOf("consentedCountry", 'c', func(f *lead.Filter) []string { return f.ConsentedCountries }, strings.ToUpper, textBytes,
		func(s *Snapshot) *postings[string] { return &s.countries }),
	oneOf("channelId", 'h', func(f *lead.Filter) []string { return f.ChannelIDs }, verbatim, textBytes,
		func(s *Snapshot) *postings[string] { return &s.channels }),
	during("consentedOn", 'o', lead.OrderConsentedOn, func(f *lead.Filter) lead.TimeRange { return f.ConsentedOn }),
	during("lastModifiedOn", 'm', lead.OrderLastModifiedOn, func(f *lead.Filter) lead.TimeRange { return f.LastModifiedOn }),
	{
		name: "search", tag: 'q', scans: true,
		set:    func(f *lead.Filter) bool { return !blank(f.Search) },
		check:  func(f *lead.Filter, path string) error { return checkText(path, f.Search) },
		encode: func(e *encoding, tag byte, f *lead.Filter) { e.field(tag, []byte(newFolder().needle(f.Search))) },
		narrow: func(s *Snapshot, rows bitset, f *lead.Filter) {
			// Every lead matches a text that consists of accents only.
			if needle := newFolder().needle(f.Search); needle != "" {
				s.text.keep(rows, needle)
			}
		},
	},
	among("ids", 'i', func(f *lead.Filter) []string { return f.IDs }, verbatim, textBytes, (*Snapshot).withIDs),
	text("companyName", 'n', func(f *lead.Filter) *lead.TextFilter { return &f.CompanyName }, (*searchText).companyName),
	text("text", 'x', func(f *lead.Filter) *lead.TextFilter { return &f.Text }, (*searchText).open),
	oneOf("companySize", 'z', func(f *lead.Filter) []string { return f.CompanySizes }, verbatim, textBytes,
		func(s *Snapshot) *postings[string] { return &s.sizes }),
	oneOf("operatorId", 'p', func(f *lead.Filter) []string { return f.OperatorIDs }, verbatim, textBytes,
		func(s *Snapshot) *postings[string] { return &s.operators }),
	oneOf("tenantOrigin", 'g', func(f *lead.Filter) []string { return f.TenantOrigins }, verbatim, textBytes,
		func(s *Snapshot) *postings[string] { return &s.origins }),
	has("hasChannel", 'H', func(f *lead.Filter) *bool { return f.HasChannel }, func(s *Snapshot) bitset { return s.channels.any(len(s.leads)) }),
	has("hasConsentedOn", 'O', func(f *lead.Filter) *bool { return f.HasConsentedOn }, func(s *Snapshot) bitset {
		return s.within(lead.OrderConsentedOn, lead.TimeRange{})
	}),
	{
		name: "addresses", tag: 'a',
		set: func(f *lead.Filter) bool {
			a := &f.Addresses
			return a.Countries != nil || a.ValidationStatuses != nil || a.Missing != nil
		},
		check: func(f *lead.Filter, path string) error {
			if err := checkValues(path+".country", f.Addresses.Countries); err != nil {
				return err
			}
			return checkValues(path+".validationStatus", f.Addresses.ValidationStatuses)
		},
		encode: func(e *encoding, tag byte, f *lead.Filter) { e.addresses(tag, &f.Addresses) },
		narrow: func(s *Snapshot, rows bitset, f *lead.Filter) { s.narrowByAddress(rows, &f.Addresses) },
	},
}

// oneOf returns a condition that the lead has one of the given values in an index.
// Values are compared in their normal form.
func oneOf[K comparable](
	name string, tag byte, values func(*lead.Filter) []K, normal func(K) K, encoded func(K) []byte, index func(*Snapshot) *postings[K],
) condition {
	return among(name, tag, values, normal, encoded, func(s *Snapshot, keys []K) bitset {
		return index(s).anyOf(len(s.leads), keys, normal)
	})
}

// among returns a condition that the lead has one of the given values; rows finds the
// rows that have.
func among[K comparable](
	name string, tag byte, values func(*lead.Filter) []K, normal func(K) K, encoded func(K) []byte, rows func(*Snapshot, []K) bitset,
) condition {
	return condition{
		name: name, tag: tag,
		set:    func(f *lead.Filter) bool { return values(f) != nil },
		check:  func(f *lead.Filter, path string) error { return checkValues(path, values(f)) },
		encode: func(e *encoding, tag byte, f *lead.Filter) { encodeValues(e, tag, values(f), normal, encoded) },
		narrow: func(s *Snapshot, left bitset, f *lead.Filter) { left.intersect(rows(s, values(f))) },
	}
}

// has returns a condition that the lead has a property, or that it does not; rows finds
// the rows that have it.
func has(name string, tag byte, value func(*lead.Filter) *bool, rows func(*Snapshot) bitset) condition {
	return truth(name, tag, value, func(s *Snapshot, left bitset, want bool) { left.require(rows(s), want) })
}

// text returns a condition on texts; lines finds those of a row.
func text(name string, tag byte, of func(*lead.Filter) *lead.TextFilter, lines func(*searchText, int32) string) condition {
	parts := func(f *lead.Filter) []textPart {
		t := of(f)
		return []textPart{{"contains", 'c', t.Contains}, {"starts", 's', t.Starts}, {"equals", 'e', t.Equals}}
	}
	return condition{
		name: name, tag: tag, scans: true,
		set: func(f *lead.Filter) bool {
			return slices.ContainsFunc(parts(f), func(p textPart) bool { return p.needle() != "" })
		},
		check: func(f *lead.Filter, path string) error {
			for _, p := range parts(f) {
				if err := checkText(path+"."+p.name, p.text); err != nil {
					return err
				}
			}
			return nil
		},
		encode: func(e *encoding, tag byte, f *lead.Filter) {
			var inner encoding
			for _, p := range parts(f) {
				if needle := p.needle(); needle != "" {
					inner.field(p.tag, []byte(needle))
				}
			}
			e.field(tag, inner)
		},
		narrow: func(s *Snapshot, rows bitset, f *lead.Filter) {
			wanted := needlesOf(of(f))
			for row := range rows.all() {
				if !wanted.match(lines(&s.text, row)) {
					rows.remove(row)
				}
			}
		},
	}
}

// textPart is a member of lead.TextFilter.
type textPart struct {
	name string
	tag  byte
	text string
}

// needle returns the folded text; "" is no condition.
func (p textPart) needle() string {
	if blank(p.text) { // nearly always
		return ""
	}
	return newFolder().needle(p.text)
}

// blank reports whether a text to search for is no condition.
func blank(text string) bool { return strings.TrimSpace(text) == "" }

// truth returns a condition on a property that is true or false.
func truth(name string, tag byte, value func(*lead.Filter) *bool, narrow func(*Snapshot, bitset, bool)) condition {
	return condition{
		name: name, tag: tag,
		set:    func(f *lead.Filter) bool { return value(f) != nil },
		check:  unlimited,
		encode: func(e *encoding, tag byte, f *lead.Filter) { e.flag(tag, *value(f)) },
		narrow: func(s *Snapshot, rows bitset, f *lead.Filter) { narrow(s, rows, *value(f)) },
	}
}

// during returns a condition that one of the lead's times is within a range.
func during(name string, tag byte, field lead.OrderField, span func(*lead.Filter) lead.TimeRange) condition {
	return condition{
		name: name, tag: tag,
		set:    func(f *lead.Filter) bool { return !span(f).IsOpen() },
		check:  unlimited,
		encode: func(e *encoding, tag byte, f *lead.Filter) { e.times(tag, span(f)) },
		narrow: func(s *Snapshot, rows bitset, f *lead.Filter) { rows.intersect(s.within(field, span(f))) },
	}
}

func unlimited(*lead.Filter, string) error { return nil }

// verbatim returns the normal form of a value that has only one spelling.
func verbatim[T any](v T) T { return v }

func textBytes(s string) []byte { return []byte(s) }

func statusBytes(s lead.Status) []byte { return []byte{byte(s)} }

// Empty reports whether f has no conditions, so that every lead matches.
func Empty(f *lead.Filter) bool {
	return f == nil || !anyCondition(f, func(*condition) bool { return true }) && f.Or == nil && f.Not == nil &&
		!slices.ContainsFunc(f.And, func(nested *lead.Filter) bool { return !Empty(nested) })
}

// TenantsOnly returns the tenants of a filter that has no other condition. They can
// be looked up one by one.
func TenantsOnly(f *lead.Filter) ([]string, bool) {
	if f == nil || f.TenantIDs == nil || len(f.And) != 0 || f.Or != nil || f.Not != nil ||
		anyCondition(f, func(c *condition) bool { return c.name != "tenantId" }) {
		return nil, false
	}
	return f.TenantIDs, true
}

// Open returns the filter for callers who may not read personal data: it searches only
// texts that are not personal.
func Open(f *lead.Filter) *lead.Filter {
	if f == nil {
		return nil
	}
	open := *f
	open.And, open.Or, open.Not = opened(f.And), opened(f.Or), Open(f.Not)
	if !blank(f.Search) {
		open.Search = ""
		open.And = append(open.And, &lead.Filter{Text: lead.TextFilter{Contains: f.Search}})
	}
	return &open
}

func opened(filters []*lead.Filter) []*lead.Filter {
	if filters == nil {
		return nil // which is not the same as none of no filters
	}
	open := make([]*lead.Filter, len(filters))
	for i, f := range filters {
		open[i] = Open(f)
	}
	return open
}

// anyCondition reports whether f has a condition of the kind, not counting nested
// filters.
func anyCondition(f *lead.Filter, kind func(*condition) bool) bool {
	for i := range conditions {
		if c := &conditions[i]; kind(c) && c.set(f) {
			return true
		}
	}
	return false
}
