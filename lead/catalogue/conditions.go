package catalogue

import (
	"slices"
	"strings"
	"unicode/utf8"

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
	// search is true if the condition searches texts. These are personal data, and
	// cost the most per row.
	search bool

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
// are never reordered.
var conditions = []condition{
	oneOf("tenantId", 't', func(f *lead.Filter) []string { return f.TenantIDs }, strings.ToLower, textBytes,
		func(s *Snapshot) *postings[string] { return &s.tenants }),
	oneOf("status", 's', func(f *lead.Filter) []lead.Status { return f.Statuses }, verbatim, statusBytes,
		func(s *Snapshot) *postings[lead.Status] { return &s.statuses }),
	truth("isDirectLead", 'd', func(f *lead.Filter) *bool { return f.IsDirectLead }, func(s *Snapshot, rows bitset, want bool) {
		rows.intersect(s.direct.anyOf(len(s.leads), []bool{want}, verbatim))
	}),
	truth("hasCustomer", 'u', func(f *lead.Filter) *bool { return f.HasCustomer }, func(s *Snapshot, rows bitset, want bool) {
		if want {
			rows.intersect(s.customers)
		} else {
			rows.subtract(s.customers)
		}
	}),
	oneOf("consentedCountry", 'c', func(f *lead.Filter) []string { return f.ConsentedCountries }, strings.ToUpper, textBytes,
		func(s *Snapshot) *postings[string] { return &s.countries }),
	oneOf("channelId", 'h', func(f *lead.Filter) []string { return f.ChannelIDs }, verbatim, textBytes,
		func(s *Snapshot) *postings[string] { return &s.channels }),
	during("consentedOn", 'o', lead.OrderConsentedOn, func(f *lead.Filter) lead.TimeRange { return f.ConsentedOn }),
	during("lastModifiedOn", 'm', lead.OrderLastModifiedOn, func(f *lead.Filter) lead.TimeRange { return f.LastModifiedOn }),
	{
		name: "search", tag: 'q', search: true,
		set: func(f *lead.Filter) bool { return strings.TrimSpace(f.Search) != "" },
		check: func(f *lead.Filter, path string) error {
			return checkLimit(path, "characters", utf8.RuneCountInString(f.Search), MaxSearchLength)
		},
		encode: func(e *encoding, tag byte, f *lead.Filter) { e.field(tag, []byte(newFolder().needle(f.Search))) },
		narrow: func(s *Snapshot, rows bitset, f *lead.Filter) {
			// Every lead matches a text that consists of accents only.
			if needle := newFolder().needle(f.Search); needle != "" {
				s.text.keep(rows, needle)
			}
		},
	},
}

// oneOf returns a condition that the lead has one of the given values. Values are
// compared in their normal form.
func oneOf[K comparable](
	name string, tag byte, values func(*lead.Filter) []K, normal func(K) K, encoded func(K) []byte, index func(*Snapshot) *postings[K],
) condition {
	return condition{
		name: name, tag: tag,
		set: func(f *lead.Filter) bool { return values(f) != nil },
		check: func(f *lead.Filter, path string) error {
			return checkLimit(path, "values", len(values(f)), MaxFilterValues)
		},
		encode: func(e *encoding, tag byte, f *lead.Filter) {
			members := make([][]byte, 0, len(values(f)))
			for _, v := range values(f) {
				members = append(members, encoded(normal(v)))
			}
			e.set(tag, members)
		},
		narrow: func(s *Snapshot, rows bitset, f *lead.Filter) {
			rows.intersect(index(s).anyOf(len(s.leads), values(f), normal))
		},
	}
}

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
		narrow: func(s *Snapshot, rows bitset, f *lead.Filter) { s.narrowByTime(rows, field, span(f)) },
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

// Searches reports whether any part of the filter searches texts, which are
// personal data.
func Searches(f *lead.Filter) bool {
	return f != nil && (anyCondition(f, func(c *condition) bool { return c.search }) ||
		slices.ContainsFunc(f.And, Searches) || slices.ContainsFunc(f.Or, Searches) || Searches(f.Not))
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
