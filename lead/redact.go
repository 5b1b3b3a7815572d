package lead

import "encoding/json"

// Redacted returns a copy of the lead for those who may not see personal data:
// names, e-mail addresses, phone numbers, streets and free texts, in which any of
// them can stand. Values that are there become the mask; nil makes them absent.
// The schema marks the fields with @pii.
func (l *Lead) Redacted(mask *string) *Lead {
	hide := func(values ...**string) {
		for _, value := range values {
			if *value != nil {
				*value = mask
			}
		}
	}
	copied := *l
	if l.ContactDetails != nil {
		details := *l.ContactDetails
		hide(&details.FullName, &details.Email, &details.PhoneNumber)
		copied.ContactDetails = &details
	}
	copied.Comments = nil
	if mask != nil {
		for range l.Comments {
			copied.Comments = append(copied.Comments, *mask)
		}
	}
	copied.Contacts = make([]Contact, len(l.Contacts))
	for i, contact := range l.Contacts {
		hide(&contact.FullName, &contact.Email, &contact.PhoneNumber)
		contact.Contacts = hidden(contact.Contacts, mask)
		copied.Contacts[i] = contact
	}
	copied.CivicAddresses = make([]CivicAddress, len(l.CivicAddresses))
	for i, address := range l.CivicAddresses {
		hide(&address.HouseNumber, &address.HouseNumberSuffix, &address.PreDirectional, &address.StreetName,
			&address.StreetSuffix, &address.PostDirectional, &address.Description)
		places := make([]Location, len(address.Locations))
		for j, place := range address.Locations {
			hide(&place.Description, &place.AdditionalInfo, &place.ELIN)
			places[j] = place
		}
		address.Locations = places
		copied.CivicAddresses[i] = address
	}
	return &copied
}

func hidden(value json.RawMessage, mask *string) json.RawMessage {
	if len(value) == 0 || mask == nil {
		return nil
	}
	text, err := json.Marshal(*mask)
	if err != nil { // a string always has a JSON form
		return nil
	}
	return text
}
