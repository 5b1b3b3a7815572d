package lead

import "time"

// Filter selects the leads that meet all conditions. A nil list is no condition. An
// empty list that is not nil matches no lead. A lead without the value in question
// fails a condition, and therefore passes its Not. The nil filter and the zero
// filter match every lead.
type Filter struct {
	// IDs: the lead has one of these ids.
	IDs []string
	// TenantIDs: the lead belongs to one of these tenants. Case is ignored.
	TenantIDs []string
	// Statuses: the lead is in one of these states.
	Statuses []Status
	// IsDirectLead: the value of Lead.IsDirectLead.
	IsDirectLead *bool
	// HasCustomer: whether the lead became a customer; see Lead.UMPCustomerGUID.
	HasCustomer *bool
	// ConsentedCountries: the lead has at least one of these. Case is ignored.
	ConsentedCountries []string
	// ChannelIDs: the lead's ChannelID or OVOCChannelID is one of these.
	ChannelIDs []string
	// HasChannel: whether ChannelID or OVOCChannelID is set.
	HasChannel *bool
	// CompanyName: of the contact details. Text: one of the texts that a search looks
	// at and that are not personal.
	CompanyName TextFilter
	Text        TextFilter
	// CompanySizes: of the contact details. OperatorIDs and TenantOrigins: of the lead.
	CompanySizes  []string
	OperatorIDs   []string
	TenantOrigins []string
	// Addresses: the lead has a civic address that meets all of these.
	Addresses AddressFilter
	// HasConsentedOn: whether the lead has the time ConsentedOn.
	HasConsentedOn *bool
	// ConsentedOn and LastModifiedOn: the lead's time is in the range.
	ConsentedOn    TimeRange
	LastModifiedOn TimeRange
	// Search: the text occurs in a field that table.go marks as Searched, or, if it has
	// no letters, its digits occur in one that is marked as Dialled. Case, accents and
	// surrounding blanks are ignored. A blank text is no condition.
	Search string
	// And: all of these match. Or: at least one does. Not: it does not match.
	And []*Filter
	Or  []*Filter
	Not *Filter
}

// TextFilter selects texts: one text meets all conditions. Case, accents and surrounding
// blanks are ignored. A blank condition is none.
type TextFilter struct {
	Contains, Starts, Equals string
}

// AddressFilter selects leads by their civic addresses: one address meets all
// conditions. As in Filter, a nil list is no condition and an empty one matches nothing.
type AddressFilter struct {
	// Countries: case is ignored.
	Countries          []string
	ValidationStatuses []ValidationStatus
	// Missing: whether the lead has no address at all.
	Missing *bool
}

// TimeRange is the time from From, inclusive, to To, exclusive. A bound that is nil
// is open; every time is a bound, the zero time too.
type TimeRange struct {
	From, To *time.Time
}

// IsOpen reports whether the range has no bound, so that it contains any time.
func (r TimeRange) IsOpen() bool { return r.From == nil && r.To == nil }

// FilterError says which part of a filter or an order exceeds which limit. It contains
// none of the values and may be shown to the client.
type FilterError struct {
	// Path is the path of the part, for example filter.and[0].not or orderBy.
	Path string
	// Reason is the rest of the sentence that starts with Path.
	Reason string
}

// Error returns one sentence.
func (e *FilterError) Error() string { return e.Path + " " + e.Reason }
