package lead

import "strings"

// Formatted is the address on one line, in the order of the parts that a US
// address has, without the parts that are absent or blank; nil when none is
// left.
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

// FilterAddresses returns the addresses that are in country and have status, in
// their order; nil means any. Country codes compare without regard to case.
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
