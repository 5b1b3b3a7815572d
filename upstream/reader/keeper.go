package reader

import (
	"slices"
	"strings"

	"leadgraph/lead"
)

// Keeper copies leads to storage of their own, in few allocations: one for all
// the texts of a lead, one for what points to them, and one for each kind of
// part that it has. Texts that many leads have in common are shared.
type Keeper struct {
	shared map[string]*string
	truths *[2]bool

	// A lead's texts are gone through twice, in one order: to measure them, and to
	// put them in their places.
	placing bool
	text    []byte
	texts   string
	slots   []string
	used    int
}

const (
	// maxShared bounds the texts that are shared, and maxSharedLen the length of
	// one, in bytes: it is that of a UUID.
	maxShared    = 1 << 10
	maxSharedLen = 36
)

func NewKeeper() *Keeper {
	return &Keeper{shared: map[string]*string{}, truths: &[2]bool{false, true}}
}

// Keep returns a copy of l that shares no storage with it.
func (k *Keeper) Keep(l *lead.Lead) *lead.Lead {
	l = k.split(l)
	k.placing, k.text, k.used = false, k.text[:0], 0
	k.lead(l)
	k.texts, k.slots = string(k.text), make([]string, k.used)
	k.placing, k.used = true, 0
	k.lead(l)
	return l
}

// split copies all of l but its texts.
func (k *Keeper) split(l *lead.Lead) *lead.Lead {
	both := &struct {
		lead    lead.Lead
		details lead.ContactDetails
	}{lead: *l}
	l = &both.lead
	if l.ContactDetails != nil {
		both.details = *l.ContactDetails
		l.ContactDetails = &both.details
	}
	k.truth(&l.IsDirectLead)
	k.truth(&l.IsNotActive)
	l.Contacts = slices.Clone(l.Contacts)
	l.CivicAddresses = slices.Clone(l.CivicAddresses)
	count := 0
	for i := range l.CivicAddresses {
		count += len(l.CivicAddresses[i].Locations)
	}
	locations := make([]lead.Location, 0, count)
	for i := range l.CivicAddresses {
		a := &l.CivicAddresses[i]
		if len(a.Locations) == 0 {
			continue
		}
		first := len(locations)
		locations = append(locations, a.Locations...)
		a.Locations = slices.Clip(locations[first:])
		for n := range a.Locations {
			k.truth(&a.Locations[n].IsDefault)
		}
	}
	return l
}

func (k *Keeper) truth(value **bool) {
	switch {
	case *value == nil:
	case **value:
		*value = &k.truths[1]
	default:
		*value = &k.truths[0]
	}
}

func (k *Keeper) lead(l *lead.Lead) {
	k.plain(&l.ID)
	k.plain(&l.TenantID)
	k.common(&l.TenantOrigin)
	k.common(&l.OperatorID)
	k.commonText(&l.StatusText)
	k.optional(&l.UMPCustomerGUID)
	k.optional(&l.ChannelID)
	k.optional(&l.OVOCChannelID)
	k.list(&l.Comments, k.plain)
	k.list(&l.ConsentedCountries, k.commonText)
	if d := l.ContactDetails; d != nil {
		k.common(&d.CompanySize)
		for _, text := range [...]**string{&d.FullName, &d.Email, &d.PhoneNumber, &d.CompanyName} {
			k.optional(text)
		}
	}
	for i := range l.Contacts {
		c := &l.Contacts[i]
		k.common(&c.CompanySize)
		for _, text := range [...]**string{&c.FullName, &c.Email, &c.PhoneNumber, &c.CompanyName} {
			k.optional(text)
		}
	}
	for i := range l.CivicAddresses {
		k.address(&l.CivicAddresses[i])
	}
}

func (k *Keeper) address(a *lead.CivicAddress) {
	k.plain(&a.ID)
	k.common(&a.Country)
	k.common(&a.StateOrProvince)
	k.common(&a.ValidationStatusText)
	k.common(&a.PartnerID)
	for _, text := range [...]**string{
		&a.HouseNumber, &a.HouseNumberSuffix, &a.PreDirectional, &a.StreetName, &a.StreetSuffix, &a.PostDirectional,
		&a.CountyOrDistrict, &a.CityOrTown, &a.CityOrTownAlias, &a.PostalOrZipCode, &a.Description,
		&a.CompanyName, &a.CompanyID, &a.DefaultLocationID, &a.TenantID,
	} {
		k.optional(text)
	}
	for i := range a.Locations {
		l := &a.Locations[i]
		k.plain(&l.ID)
		for _, text := range [...]**string{&l.CivicAddressID, &l.Description, &l.AdditionalInfo, &l.ELIN} {
			k.optional(text)
		}
	}
}

// plain is a text of the lead's own.
func (k *Keeper) plain(text *string) {
	if !k.placing {
		k.text = append(k.text, *text...)
		return
	}
	n := len(*text)
	*text, k.texts = k.texts[:n], k.texts[n:]
}

func (k *Keeper) optional(text **string) {
	if *text == nil {
		return
	}
	if k.placing {
		slot := &k.slots[k.used]
		*slot = **text
		*text = slot
	}
	k.used++
	k.plain(*text)
}

func (k *Keeper) list(texts *[]string, one func(*string)) {
	n := len(*texts)
	if n == 0 {
		return
	}
	if k.placing {
		slots := k.slots[k.used : k.used+n : k.used+n]
		copy(slots, *texts)
		*texts = slots
	}
	k.used += n
	for i := range *texts {
		one(&(*texts)[i])
	}
}

// common is a text that other leads are likely to have too. It is in its place
// when it was seen once.
func (k *Keeper) common(text **string) {
	if *text == nil || k.placing {
		return
	}
	*text = k.share(**text)
}

func (k *Keeper) commonText(text *string) {
	if k.placing && *text != "" {
		*text = *k.share(*text)
	}
}

func (k *Keeper) share(text string) *string {
	if known, ok := k.shared[text]; ok {
		return known
	}
	own := strings.Clone(text)
	if len(own) <= maxSharedLen && len(k.shared) < maxShared {
		k.shared[own] = &own
	}
	return &own
}
