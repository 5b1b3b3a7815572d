package lead

import "strings"

// Formatted returns the address on one line, with its parts in the order of a US
// address. Absent and blank parts are left out. It returns nil if no part is left.
func (a *CivicAddress) Formatted() *string {
	number := join("", a.HouseNumber, a.HouseNumberSuffix)
	street := join(" ", &number, a.PreDirectional, a.StreetName, a.StreetSuffix, a.PostDirectional)
	region := join(" ", a.StateOrProvince, a.PostalOrZipCode)
	line := join(", ", &street, a.CityOrTown, &region, a.Country)
	if line == "" {
		return nil
	}
	return &line
}

func join(sep string, parts ...*string) string {
	kept := make([]string, 0, len(parts))
	for _, p := range parts {
		if p == nil {
			continue
		}
		if text := strings.TrimSpace(*p); text != "" {
			kept = append(kept, text)
		}
	}
	return strings.Join(kept, sep)
}

// FilterAddresses returns the addresses in country that have status, in their order.
// Nil means any country or any status. The case of country codes does not matter.
func FilterAddresses(all []CivicAddress, country *string, status *ValidationStatus) []*CivicAddress {
	kept := make([]*CivicAddress, 0, len(all))
	for i := range all {
		a := &all[i]
		if country != nil && (a.Country == nil || !strings.EqualFold(*a.Country, *country)) {
			continue
		}
		if status != nil && a.ValidationStatus != *status {
			continue
		}
		kept = append(kept, a)
	}
	return kept
}
