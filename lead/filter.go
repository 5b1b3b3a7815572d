package lead

import "time"

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

func (r TimeRange) IsOpen() bool { return r.From.IsZero() && r.To.IsZero() }

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
