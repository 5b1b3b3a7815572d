package sandbox

// addresses returns up to three civic addresses. Without any it returns null or
// an empty list: both occur.
func (d dice) addresses(o owner) any {
	n := choose(d, []weighted[int]{{25, 0}, {50, 1}, {17, 2}, {8, 3}})
	if n == 0 {
		return choose(d, []weighted[any]{{1, null}, {1, []wireAddress{}}})
	}
	list := make([]wireAddress, n)
	for i := range list {
		at := o
		if i > 0 && len(o.others) > 0 {
			at.country = pick(d, o.others)
		}
		list[i] = d.address(at)
	}
	return list
}

// address returns a civic address in the owner's country. Most have all parts;
// 15 % have only those that a person would write.
func (d dice) address(o owner) wireAddress {
	place := pick(d, o.country.towns)
	a := wireAddress{
		ID: d.UUID(), Country: o.country.code, HouseNumber: d.houseNumber(), StreetName: pick(d, o.country.streets),
		CityOrTown: place.name, PostalOrZipCode: textOrNull(d.Numerify(place.post)), Locations: null,
		ValidationStatus: choose(d, []weighted[any]{
			{40, "Validated"}, {20, "Valid"}, {15, "NotValidated"}, {10, "Notvalidated"}, {10, "Invalid"}, {5, null},
		}),
	}
	if len(o.country.kinds) > 0 {
		a.StreetSuffix = pick(d, o.country.kinds)
	}
	if d.percent(15) {
		return a
	}
	a.HouseNumberSuffix = choose(d, []weighted[any]{{70, null}, {10, ""}, {8, "A"}, {8, "B"}, {4, "1/2"}})
	a.PreDirectional, a.PostDirectional = null, null
	if o.country.code == "US" || o.country.code == "CA" {
		directions := []weighted[any]{{50, null}, {10, ""}, {8, "N"}, {8, "S"}, {8, "E"}, {8, "W"}, {4, "NE"}, {4, "SW"}}
		a.PreDirectional, a.PostDirectional = choose(d, directions), choose(d, directions)
	}
	a.StateOrProvince, a.CountyOrDistrict = textOrNull(place.state), textOrNull(place.county)
	a.CityOrTownAlias = textOrNull(place.alias)
	a.Description = choose(d, []weighted[any]{
		{30, null}, {20, "Headquarters"}, {15, place.name + " office"}, {15, "Warehouse & dispatch"}, {10, "Contact centre"}, {8, ""}, {2, "Coffee corner ☕"},
	})
	a.CompanyName, a.CompanyID = o.company, null
	if d.percent(10) {
		a.CompanyID = d.Numerify("TX-1######")
	}
	a.TenantID, a.PartnerID = o.tenant, o.operator
	locations := d.locations(a.ID)
	a.Locations, a.DefaultLocationID = locations, locations[0].ID
	return a
}

// houseNumber returns a string, or for 2 % of the addresses a number.
func (d dice) houseNumber() any {
	if d.percent(2) {
		return d.between(1, 300)
	}
	return d.Numerify(pick(d, []string{"#", "1#", "##", "1##", "4##", "12##"}))
}

// locations returns the default location of an address [MS-NEW] and up to two
// places inside it.
func (d dice) locations(address any) []wireLocation {
	list := []wireLocation{{ID: d.UUID(), CivicAddressID: address, Description: null, AdditionalInfo: null, IsDefault: true, ELIN: null}}
	for range choose(d, []weighted[int]{{60, 0}, {28, 1}, {12, 2}}) {
		list = append(list, wireLocation{
			ID: d.UUID(), CivicAddressID: address,
			Description:    pick(d, []string{"Reception", "Server room", "Call centre", "Lobby", "Showroom", "Canteen"}),
			AdditionalInfo: pick(d, []string{"Ground floor", "2nd floor", "4th floor", "East wing", "Room 12.07", "Building C"}),
			ELIN:           choose(d, []weighted[any]{{60, null}, {30, d.Numerify("142555501##")}, {10, "reception-elin"}}),
		})
	}
	return list
}
