package lookup

import (
	"math"
	"unsafe"

	"leadgraph/lead"
)

// slotBytes is about what the cache itself takes for an entry.
const slotBytes = 256

// weigh estimates the bytes that a remembered answer takes: texts and structs,
// without what the allocator adds.
func weigh(key string, r remembered) uint32 {
	bytes := slotBytes + len(key) + int(unsafe.Sizeof(r)) + len(r.Leads)*int(unsafe.Sizeof((*lead.Lead)(nil)))
	for _, l := range r.Leads {
		bytes += leadBytes(l)
	}
	return uint32(min(bytes, math.MaxUint32))
}

func leadBytes(l *lead.Lead) int {
	bytes := int(unsafe.Sizeof(*l)) + len(l.ID) + len(l.TenantID) + len(l.StatusText) +
		textBytes(l.TenantOrigin, l.OperatorID, l.UMPCustomerGUID, l.ChannelID, l.OVOCChannelID) +
		listBytes(l.Comments) + listBytes(l.ConsentedCountries)
	if d := l.ContactDetails; d != nil {
		bytes += int(unsafe.Sizeof(*d)) + textBytes(d.FullName, d.Email, d.PhoneNumber, d.CompanyName, d.CompanySize)
	}
	for i := range l.Contacts {
		c := &l.Contacts[i]
		bytes += int(unsafe.Sizeof(*c)) + len(c.Contacts) + textBytes(c.FullName, c.Email, c.PhoneNumber, c.CompanyName, c.CompanySize)
	}
	for i := range l.CivicAddresses {
		bytes += addressBytes(&l.CivicAddresses[i])
	}
	return bytes
}

func addressBytes(a *lead.CivicAddress) int {
	bytes := int(unsafe.Sizeof(*a)) + len(a.ID) + textBytes(
		a.Country, a.HouseNumber, a.HouseNumberSuffix, a.PreDirectional, a.StreetName, a.StreetSuffix, a.PostDirectional,
		a.StateOrProvince, a.CountyOrDistrict, a.CityOrTown, a.CityOrTownAlias, a.PostalOrZipCode, a.Description,
		a.CompanyName, a.CompanyID, a.DefaultLocationID, a.ValidationStatusText, a.TenantID, a.PartnerID)
	for i := range a.Locations {
		l := &a.Locations[i]
		bytes += int(unsafe.Sizeof(*l)) + len(l.ID) + textBytes(l.CivicAddressID, l.Description, l.AdditionalInfo, l.ELIN)
	}
	return bytes
}

func textBytes(texts ...*string) int {
	bytes := 0
	for _, t := range texts {
		if t != nil {
			bytes += int(unsafe.Sizeof(*t)) + len(*t)
		}
	}
	return bytes
}

func listBytes(texts []string) int {
	bytes := 0
	for _, t := range texts {
		bytes += int(unsafe.Sizeof(t)) + len(t)
	}
	return bytes
}
