package lead

import "time"

// Filter selects the leads that meet all conditions. A nil list is no condition. An
// empty list that is not nil matches no lead. A lead without the value in question
// fails a condition, and therefore passes its Not. The nil filter and the zero
// filter match every lead.
type Filter struct {
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
	// ConsentedOn and LastModifiedOn: the lead's time is in the range.
	ConsentedOn    TimeRange
	LastModifiedOn TimeRange
	// Search: the text occurs in a company name, a full name or an e-mail address
	// of the contact details or of a contact. Case, accents and surrounding blanks
	// are ignored. A blank text is no condition.
	Search string
	// And: all of these match. Or: at least one does. Not: it does not match.
	And []*Filter
	Or  []*Filter
	Not *Filter
}

// TimeRange is the time from From, inclusive, to To, exclusive. A bound that is nil
// is open; every time is a bound, the zero time too.
type TimeRange struct {
	From, To *time.Time
}

// IsOpen reports whether the range has no bound, so that it contains any time.
func (r TimeRange) IsOpen() bool { return r.From == nil && r.To == nil }

// FilterError says which part of a filter exceeds which limit. It contains none of
// the filter's values and may be shown to the client.
type FilterError struct {
	// Path is the path of the part, for example filter.and[0].not.
	Path string
	// Reason is the rest of the sentence that starts with Path.
	Reason string
}

// Error returns one sentence.
func (e *FilterError) Error() string { return e.Path + " " + e.Reason }
