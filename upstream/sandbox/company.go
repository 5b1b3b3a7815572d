package sandbox

// companyName invents a company name. It returns the full name and the name
// without the legal form, from which the domain is made.
func (c country) companyName(d dice) (full, base string) {
	if d.percent(2) { // free text can hold anything, and clients must cope
		odd := pick(d, []string{
			`The "Blue Door" Company`, "Rocket 🚀 Labs", "<b>Bold</b> & Brothers", "O'Leary's / Pub \\ Grill", "  Spaced  Out ", "100% Öl; Drop-in!",
			"Zoe\u0301 Decomposed S.A.", "مرحبا Hello שלום", "A", "The Honourable Society of Makers of Very Long Company Names for Telephone Directories, Registers and Rolls",
		})
		return odd, odd
	}
	switch n := d.IntN(100); {
	case len(c.firms) > 0 && n < 50:
		base = pick(d, c.firms)
		if d.percent(60) { // too many firms of the same name would look unrealistic
			base += " " + pick(d, c.towns).name
		}
	case n < 60:
		base = d.LastName() + " & " + pick(d, []string{"Sons", "Daughters", d.LastName(), "Partners"})
	default:
		base = pick(d, adjectives()) + " " + pick(d, nouns())
		if d.percent(70) {
			base += " " + pick(d, trades())
		}
	}
	if form := pick(d, c.legal); form != "" {
		return base + " " + form, base
	}
	return base, base
}

func adjectives() []string {
	return []string{
		"Amber", "Brisk", "Cobalt", "Copper", "Crimson", "Distant", "Early", "Gentle", "Golden", "Hidden", "Ivory", "Lucky", "Marble", "Misty",
		"Nimble", "Northern", "Patient", "Quiet", "Rolling", "Rustic", "Silver", "Sunlit", "Tidal", "Velvet", "Wandering", "Winter",
	}
}

func nouns() []string {
	return []string{
		"Anchor", "Badger", "Beacon", "Birch", "Bridge", "Canyon", "Comet", "Crane", "Dune", "Falcon", "Fern", "Harbour", "Heron", "Lantern",
		"Meadow", "Otter", "Pebble", "Pine", "Quarry", "Raven", "Reef", "Sparrow", "Summit", "Thistle", "Walnut", "Willow",
	}
}

func trades() []string {
	return []string{
		"Analytics", "Bakery", "Books", "Clinics", "Consulting", "Dental", "Design", "Energy", "Foods", "Freight", "Furniture", "Insurance",
		"Logistics", "Media", "Motors", "Optics", "Pharma", "Property", "Robotics", "Schools", "Software", "Textiles", "Travel", "Voice",
	}
}
