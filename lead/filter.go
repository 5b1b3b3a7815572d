package lead

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// The limits of a filter. They bound the work of one query; a front-end's own
// filter panel stays far below them.
const (
	// MaxFilterDepth is how deep and, or and not may nest; the outermost filter
	// is level 1.
	MaxFilterDepth = 5
	// MaxFilterConditions is how many conditions and nested filters a whole
	// filter may have.
	MaxFilterConditions = 100
	// MaxFilterValues is how many values one list may have.
	MaxFilterValues = 1000
	// MaxFilterSearches is how many conditions of a filter may be text searches:
	// each reads the texts of all leads that are still in question, which takes
	// up to 8 ms for 100,000 leads, all other conditions together less than 1 ms.
	MaxFilterSearches = 2
	// MaxSearchLength is the length of a search text in characters.
	MaxSearchLength = 200
)

// Filter selects leads. All conditions that are set must hold. A nil list is no
// condition; an empty one that is not nil matches no lead, as "one of none"
// never holds. A lead that lacks the value in question fails the condition, and
// so passes its Not. The nil filter and the zero filter match every lead.
type Filter struct {
	// TenantIDs: the lead is of one of these tenants, in any case of letters.
	TenantIDs []string
	// Statuses: the lead is in one of these states.
	Statuses     []Status
	IsDirectLead *bool
	// HasCustomer: whether the lead became a customer, see Lead.UMPCustomerGUID.
	HasCustomer *bool
	// ConsentedCountries: the lead has at least one of these, in any case of
	// letters.
	ConsentedCountries []string
	// ChannelIDs: the lead's ChannelID or OVOCChannelID is one of these.
	ChannelIDs     []string
	ConsentedOn    TimeRange
	LastModifiedOn TimeRange
	// Search is a text inside a company name, a full name or an e-mail address
	// of the contact details or of a contact, without regard to case, accents
	// and blanks around it. Blank is no condition.
	Search string
	// And: all of these match. Or: at least one does. Not: it does not match.
	And []*Filter
	Or  []*Filter
	Not *Filter
}

// TimeRange is the time from From up to but without To; a zero bound is open.
type TimeRange struct {
	From, To time.Time
}

func (r TimeRange) isOpen() bool { return r.From.IsZero() && r.To.IsZero() }

// TenantsOnly returns the tenants if the filter asks for nothing but tenants, so
// that they can be looked up one by one.
func (f *Filter) TenantsOnly() ([]string, bool) {
	if f == nil || f.TenantIDs == nil || f.ownConditions() != 1 ||
		len(f.And) != 0 || f.Or != nil || f.Not != nil {
		return nil, false
	}
	return f.TenantIDs, true
}

// Searches tells whether any part of the filter looks into texts, which are
// personal data.
func (f *Filter) Searches() bool {
	if f == nil {
		return false
	}
	inside := func(nested *Filter) bool { return nested.Searches() }
	return f.searches() || slices.ContainsFunc(f.And, inside) || slices.ContainsFunc(f.Or, inside) || f.Not.Searches()
}

// ownConditions counts the conditions of f without and, or and not.
func (f *Filter) ownConditions() int {
	n := 0
	for _, set := range []bool{
		f.TenantIDs != nil, f.Statuses != nil, f.IsDirectLead != nil, f.HasCustomer != nil,
		f.ConsentedCountries != nil, f.ChannelIDs != nil,
		!f.ConsentedOn.isOpen(), !f.LastModifiedOn.isOpen(), f.searches(),
	} {
		if set {
			n++
		}
	}
	return n
}

func (f *Filter) searches() bool { return strings.TrimSpace(f.Search) != "" }

// FilterError says which part of a filter is over which limit. It holds none of
// the filter's values and may be shown to the client.
type FilterError struct {
	// Path leads to the part, for example filter.and[0].not.
	Path string
	// Reason is the rest of the sentence that Path begins.
	Reason string
}

// Error is one sentence.
func (e *FilterError) Error() string { return e.Path + " " + e.Reason }

// Validate checks the limits; its error is a *FilterError.
func (f *Filter) Validate() error {
	if f == nil {
		return nil
	}
	const root = "filter"
	var size filterSize
	if err := size.add(f, root, 1); err != nil {
		return err
	}
	if err := limit(root, "conditions", size.conditions, MaxFilterConditions); err != nil {
		return err
	}
	return limit(root, "text searches", size.searches, MaxFilterSearches)
}

type filterSize struct{ conditions, searches int }

func (s *filterSize) add(f *Filter, path string, depth int) error {
	if err := limit(path, "levels", depth, MaxFilterDepth); err != nil {
		return err
	}
	if err := f.checkValues(path); err != nil {
		return err
	}
	s.conditions += f.ownConditions()
	if f.searches() {
		s.searches++
	}
	for i, nested := range f.And {
		if err := s.addNested(nested, fmt.Sprintf("%s.and[%d]", path, i), depth); err != nil {
			return err
		}
	}
	for i, nested := range f.Or {
		if err := s.addNested(nested, fmt.Sprintf("%s.or[%d]", path, i), depth); err != nil {
			return err
		}
	}
	return s.addNested(f.Not, path+".not", depth)
}

func (s *filterSize) addNested(f *Filter, path string, depth int) error {
	if f == nil {
		return nil
	}
	s.conditions++
	return s.add(f, path, depth+1)
}

func (f *Filter) checkValues(path string) error {
	for _, list := range []struct {
		name   string
		values int
	}{
		{"tenantId", len(f.TenantIDs)},
		{"status", len(f.Statuses)},
		{"consentedCountry", len(f.ConsentedCountries)},
		{"channelId", len(f.ChannelIDs)},
	} {
		if err := limit(path+"."+list.name, "values", list.values, MaxFilterValues); err != nil {
			return err
		}
	}
	return limit(path+".search", "characters", utf8.RuneCountInString(f.Search), MaxSearchLength)
}

func limit(path, what string, found, most int) error {
	if found <= most {
		return nil
	}
	return &FilterError{Path: path, Reason: fmt.Sprintf("has %d %s, at most %d are allowed", found, what, most)}
}
