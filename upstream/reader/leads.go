package reader

import (
	"strings"
	"time"

	"leadgraph/lead"
)

// Leads are the records of GET /api/v2/oc/lead [GSL, GAL].
var Leads = leadKind()

func leadKind() *Kind[lead.Lead] {
	members := membersOf("", lead.LeadFields, special[lead.Lead]{
		"id":                 func(p *parser, i int, l *lead.Lead) int { return p.identity(i, &l.ID) },
		"tenantId":           (*parser).tenant,
		"operatorId":         func(p *parser, i int, l *lead.Lead) int { return p.optionalID(i, &l.OperatorID) },
		"umpCustomerGuid":    func(p *parser, i int, l *lead.Lead) int { return p.optionalGUID(i, &l.UMPCustomerGUID) },
		"status":             (*parser).status,
		"channelId":          func(p *parser, i int, l *lead.Lead) int { return p.channel(i, &l.ChannelID) },
		"ovocChannelId":      func(p *parser, i int, l *lead.Lead) int { return p.channel(i, &l.OVOCChannelID) },
		"comments":           (*parser).remarks,
		"consentedCountries": (*parser).consentedCountries,
		"contactDetails":     (*parser).contactDetails,
		"contacts":           (*parser).contactList,
		"civicAddresses":     (*parser).addressList,
	})
	for i := range members {
		members[i].identifies = members[i].name == "id" || members[i].name == "tenantId"
	}
	k := newKind("leads", append(members, dataOf[lead.Lead]()...))
	k.reject, k.complete, k.id = rejectLead, nameParts, func(l *lead.Lead) string { return l.ID }
	k.copy = func(c *copier, l *lead.Lead) *lead.Lead { return copied(c, lead.Clone(l), lead.LeadFields) }
	k.recall = func(known func(id string) *lead.Lead, l *lead.Lead) *lead.Lead {
		if before := known(l.ID); before != nil && lead.Same(before, l) {
			return lead.Renewed(before, time.Time{})
		}
		return nil
	}
	return k
}

var (
	detailsMembers = membersOf("contactDetails.", lead.DetailsFields, nil)
	contactMembers = membersOf("contacts.", lead.ContactFields, nil)
	addressMembers = membersOf("civicAddresses.", lead.AddressFields, special[lead.CivicAddress]{
		"id":                func(p *parser, i int, a *lead.CivicAddress) int { return p.plainID(i, &a.ID) },
		"country":           (*parser).country,
		"companyId":         func(p *parser, i int, a *lead.CivicAddress) int { return p.optionalID(i, &a.CompanyID) },
		"defaultLocationId": func(p *parser, i int, a *lead.CivicAddress) int { return p.optionalID(i, &a.DefaultLocationID) },
		"tenantId":          func(p *parser, i int, a *lead.CivicAddress) int { return p.optionalID(i, &a.TenantID) },
		"partnerId":         func(p *parser, i int, a *lead.CivicAddress) int { return p.optionalID(i, &a.PartnerID) },
		"validationStatus":  (*parser).validationStatus,
		"locations":         (*parser).locationList,
	})
	locationMembers = membersOf("civicAddresses.locations.", lead.LocationFields, special[lead.Location]{
		"id":             func(p *parser, i int, l *lead.Location) int { return p.plainID(i, &l.ID) },
		"civicAddressId": func(p *parser, i int, l *lead.Location) int { return p.optionalID(i, &l.CivicAddressID) },
	})
)

// identity reads the id or tenantId of a lead. An object that has one is a lead and
// not an envelope.
func (p *parser) identity(i int, into *string) int {
	p.isRecord = true
	return p.plainText(i, into)
}

// tenant reads a tenantId into the usual form of a GUID.
func (p *parser) tenant(i int, l *lead.Lead) int {
	next := p.identity(i, &l.TenantID)
	if id, ok := p.guid(l.TenantID); ok {
		l.TenantID = id
	}
	return next
}

// The reasons why a row cannot be read. They are labels of a metric.
const (
	reasonNull       = "null"
	reasonNoID       = "no_id"
	reasonZeroID     = "zero_id"
	reasonNoTenant   = "no_tenant_id"
	reasonZeroTenant = "zero_tenant_id"
	reasonBadTenant  = "bad_tenant_id"
	reasonBadList    = "bad_list"
)

// Reasons are the keys of Result.Unreadable.
var Reasons = []string{reasonNull, reasonNoID, reasonZeroID, reasonNoTenant, reasonZeroTenant, reasonBadTenant, reasonBadList}

// rejectLead returns why a row cannot be a lead, or "".
func rejectLead(l *lead.Lead) string {
	switch {
	case strings.TrimSpace(l.ID) == "":
		return reasonNoID
	case isZeroGUID(l.ID):
		return reasonZeroID
	case strings.TrimSpace(l.TenantID) == "":
		return reasonNoTenant
	case isZeroGUID(l.TenantID):
		return reasonZeroTenant
	case !isGUID(l.TenantID):
		return reasonBadTenant
	}
	return ""
}

func (p *parser) status(i int, l *lead.Lead) int {
	next := p.optionalText(i, &l.StatusText)
	l.Status = lead.StatusUnknown
	if l.StatusText != nil {
		l.Status = p.statuses.of(*l.StatusText)
	}
	return next
}

func (p *parser) validationStatus(i int, a *lead.CivicAddress) int {
	next := p.optionalText(i, &a.ValidationStatusText)
	a.ValidationStatus = lead.ValidationUnknown
	if a.ValidationStatusText != nil {
		a.ValidationStatus = p.validations.of(*a.ValidationStatusText)
	}
	return next
}

// channel reads a channel id. 0 [NUM3] and "" mean that there is none.
func (p *parser) channel(i int, into **string) int {
	text, ok, next := p.scalar(i)
	*into = nil
	if whole, fraction, found := strings.Cut(text, "."); found && strings.Trim(fraction, "0") == "" {
		text = whole // Json.NET writes a double as 1574.0
	}
	switch text = strings.TrimSpace(text); {
	case !ok || text == "" || text == "0":
	case text == "NaN" || text == "Infinity" || text == "-Infinity":
		p.note(p.path)
	default:
		*into = p.keep(text)
	}
	return next
}

// remarks reads comments. A string is kept unchanged. Any other value becomes
// compact JSON, because the type of comments is not documented.
func (p *parser) remarks(i int, l *lead.Lead) int {
	p.comments = p.comments[:0]
	i = p.list(i, func(i int) int {
		var text string
		var next int
		if p.b[i] == '"' {
			text, next = p.text(i + 1)
		} else if next = p.skip(i); next >= 0 {
			text = string(compact(p.b[i:next]))
		}
		if text != "" {
			p.comments = append(p.comments, text)
		}
		return next
	})
	l.Comments = nilIfEmpty(p.comments)
	return i
}

// contactDetails reads an object, or the first object of a list. The documents show
// a list, but the platform sends an object.
func (p *parser) contactDetails(i int, l *lead.Lead) int {
	path := p.path
	l.ContactDetails = nil
	return p.list(i, func(i int) int {
		switch {
		case p.b[i] != '{':
			return p.noObject(i, path)
		case l.ContactDetails != nil:
			return p.skip(i)
		}
		p.details = lead.ContactDetails{}
		next := readObject(p, i, &p.detailsNames, detailsMembers, &p.details)
		if next < 0 || !p.stranger(path) {
			l.ContactDetails = &p.details
		}
		return next
	})
}

func (p *parser) contactList(i int, l *lead.Lead) int {
	p.contacts = p.contacts[:0]
	i = readObjects(p, i, &p.contactNames, contactMembers, &p.contacts)
	l.Contacts = nilIfEmpty(p.contacts)
	return i
}

func (p *parser) addressList(i int, l *lead.Lead) int {
	p.addresses = p.addresses[:0]
	i = readObjects(p, i, &p.addressNames, addressMembers, &p.addresses)
	l.CivicAddresses = nilIfEmpty(p.addresses)
	return i
}

// locationList appends to p.locations, which all addresses of the lead share.
func (p *parser) locationList(i int, a *lead.CivicAddress) int {
	first := len(p.locations)
	i = readObjects(p, i, &p.locationNames, locationMembers, &p.locations)
	a.Locations = nilIfEmpty(p.locations[first:])
	return i
}

// readObjects appends the objects of a list to all, except those without a known member.
func readObjects[T any](p *parser, i int, names *memberNames, members []member[T], all *[]T) int {
	path, list := p.path, p.beginning(i)
	return p.list(i, func(i int) int {
		if p.b[i] != '{' {
			if list.alone(p, i) {
				p.refuse(path)
			}
			return p.noObject(i, path)
		}
		var none T
		*all = append(*all, none)
		last := len(*all) - 1
		next := readObject(p, i, names, members, &(*all)[last])
		if next >= 0 && p.stranger(path) {
			*all = (*all)[:last]
			if list.alone(p, i) {
				p.refuse(path)
			}
		}
		return next
	})
}
