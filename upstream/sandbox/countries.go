package sandbox

import "slices"

// country holds the data that makes a lead look local. '#' in a pattern is
// replaced by a digit.
type country struct {
	code        string // ISO 3166-1 alpha-2
	weight      int    // relative number of customers
	first, last []string
	firms       []string // names in the country's own script or spelling
	legal       []string // legal forms
	streets     []string
	kinds       []string // street suffixes, if they are separate words
	phones      []string
	towns       []town
}

type town struct{ name, alias, state, county, post string }

// atlas lists the countries. A country without names of its own uses English
// ones. Telephone numbers are from ranges that the countries reserve for
// fiction; countries without such a range use the North American 555-01xx.
func atlas() []country {
	return slices.Concat(english(), western(), european(), eastern(), overseas())
}

const fictional = "+1 425 555 01##"

func english() []country {
	return []country{
		{
			code: "US", weight: 30,
			legal:   []string{"Inc.", "LLC", "Corp.", ""},
			streets: []string{"Smith", "Maple", "Martin Luther King Jr", "5th", "Lake View", "Harbor", "Cedar", "O'Farrell"},
			kinds:   []string{"Avenue", "Street", "Way", "Boulevard", "Drive", "Rd"},
			phones:  []string{"42555501##", "+142555501##", "(206) 555-01##", "+1 512-555-01##"},
			towns: []town{
				{"Redmond", "", "WA", "King", "98052"}, {"Seattle", "Emerald City", "WA", "King", "981##"}, {"Austin", "", "TX", "Travis", "787##"},
				{"New York", "NYC", "NY", "New York", "100##"}, {"St. Louis", "Saint Louis", "MO", "", "631##"}, {"Coeur d'Alene", "", "ID", "Kootenai", "83814-1###"},
			},
		},
		{
			code: "GB", weight: 16,
			legal:   []string{"Ltd", "PLC", "LLP"},
			streets: []string{"Harbour", "High", "King's", "St John's", "Mill", "Queensway"},
			kinds:   []string{"Street", "Road", "Lane", "Close"},
			phones:  []string{"+44 20 7946 0###", "+44 113 496 0###", "+44 161 496 0###"},
			towns: []town{
				{"Leeds", "", "England", "West Yorkshire", "LS# 1AA"}, {"London", "", "England", "Greater London", "EC#A 4BX"},
				{"Cardiff", "Caerdydd", "Wales", "", "CF1# 2QH"}, {"Edinburgh", "Dùn Èideann", "Scotland", "", "EH# 3DR"},
			},
		},
		{
			code: "CA", weight: 5,
			firms:   []string{"Érablière Bélanger", "Les Ateliers Côté"},
			legal:   []string{"Inc.", "Ltée"},
			streets: []string{"Granville", "Saint-Denis", "Bloor", "Jasper"},
			kinds:   []string{"Street", "Avenue", "Rue"},
			phones:  []string{"+1 604-555-01##", "(514) 555-01##"},
			towns:   []town{{"Vancouver", "", "BC", "", "V6B #A#"}, {"Montréal", "Montreal", "QC", "", "H2X #K#"}, {"Toronto", "", "ON", "", "M4W #H#"}},
		},
		{
			code: "AU", weight: 4,
			legal:   []string{"Pty Ltd"},
			streets: []string{"George", "Collins", "Wattle"},
			kinds:   []string{"Street", "Parade"},
			phones:  []string{"+61 2 5550 ####", "+61 7 5550 ####"},
			towns:   []town{{"Sydney", "", "NSW", "", "20##"}, {"Melbourne", "Naarm", "VIC", "", "30##"}},
		},
	}
}

func western() []country {
	return []country{
		{
			code: "DE", weight: 9,
			first:   []string{"Jürgen", "Anke", "Lukas", "Sören", "Käthe", "Mareike"},
			last:    []string{"Müller", "Groß", "Schäfer", "von der Heide", "Krüger", "Weiß"},
			firms:   []string{"Bäckerei Morgenröte", "Süßwaren Grünwald", "Küstenfunk"},
			legal:   []string{"GmbH", "AG", "GmbH & Co. KG", "e.K."},
			streets: []string{"Hauptstraße", "Am Mühlbach", "Königsallee", "Straße der Einheit"},
			phones:  []string{"+49 30 23125 ###", "+49 221 4710 ###"},
			towns:   []town{{"Köln", "Cologne", "NW", "", "506##"}, {"München", "Munich", "BY", "", "803##"}, {"Berlin", "", "BE", "Mitte", "101##"}},
		},
		{
			code: "FR", weight: 7,
			first:   []string{"Zoé", "François", "Hélène", "Loïc", "Anaïs", "Maël"},
			last:    []string{"Lefèvre", "Garçon", "D'Aubigné", "Béranger", "Noël", "Dupré"},
			firms:   []string{"L'Étoile du Nord", "Pâtisserie Délice", "Forêt & Fils"},
			legal:   []string{"SARL", "SAS", "S.A."},
			streets: []string{"rue de l'Église", "avenue Général Leclerc", "quai des Célestins", "boulevard Voltaire"},
			phones:  []string{"+33 1 99 00 ## ##", "+33 4 65 71 ## ##"},
			towns:   []town{{"Paris", "", "Île-de-France", "", "750##"}, {"Lyon", "", "Auvergne-Rhône-Alpes", "", "690##"}, {"L'Haÿ-les-Roses", "", "Île-de-France", "Val-de-Marne", "94240"}},
		},
		{
			code: "NL", weight: 5,
			first:   []string{"Daan", "Fenna", "Sjoerd", "Noor"},
			last:    []string{"de Vries", "van 't Hof", "Bakker", "Zoë-Jansen"},
			firms:   []string{"Tulp & Molen", "'t Gouden Hoofd"},
			legal:   []string{"B.V.", "N.V."},
			streets: []string{"Keizersgracht", "Plein 1944", "Stationsweg"},
			phones:  []string{fictional},
			towns:   []town{{"Amsterdam", "", "NH", "", "10## AB"}, {"'s-Hertogenbosch", "Den Bosch", "NB", "", "52## GK"}},
		},
	}
}

func european() []country {
	return []country{
		{
			code: "SE", weight: 4,
			first:   []string{"Åsa", "Björn", "Örjan", "Linnéa"},
			last:    []string{"Åkesson", "Söderström", "Öberg", "Lindqvist"},
			firms:   []string{"Norrsken Växel", "Älvdalens Åkeri"},
			legal:   []string{"AB", "HB"},
			streets: []string{"Drottninggatan", "Västerlånggatan", "Skeppsbron"},
			phones:  []string{"+46 8 465 004 ##"},
			towns:   []town{{"Malmö", "", "Skåne", "", "211 ##"}, {"Göteborg", "Gothenburg", "Västra Götaland", "", "411 ##"}},
		},
		{
			code: "ES", weight: 4,
			first:   []string{"Íñigo", "Begoña", "José María", "Lucía"},
			last:    []string{"Núñez", "García Márquez", "Ibáñez", "Peña"},
			firms:   []string{"Año Nuevo", "Café Señorial"},
			legal:   []string{"S.L.", "S.A."},
			streets: []string{"Calle Mayor", "Paseo de la Reina", "Plaza del Sol"},
			phones:  []string{fictional},
			towns:   []town{{"A Coruña", "La Coruña", "Galicia", "", "150##"}, {"Málaga", "", "Andalucía", "", "290##"}},
		},
		{
			code: "PL", weight: 3,
			first:   []string{"Łukasz", "Agnieszka", "Grażyna", "Świętosław"},
			last:    []string{"Wójcik", "Żółkiewski", "Brzęczyszczykiewicz", "Kaczmarek"},
			firms:   []string{"Żabka Morska", "Świt Łączność"},
			legal:   []string{"sp. z o.o.", "S.A."},
			streets: []string{"ul. Długa", "al. Jerozolimskie", "pl. Wolności"},
			phones:  []string{fictional},
			towns:   []town{{"Łódź", "", "Łódzkie", "", "90-0##"}, {"Kraków", "Cracow", "Małopolskie", "", "30-0##"}},
		},
		{
			code: "GR", weight: 2,
			first:   []string{"Ελένη", "Γιώργος", "Σοφία"},
			last:    []string{"Παπαδοπούλου", "Νικολάου", "Καραγιάννης"},
			firms:   []string{"Γαλάζιο Κύμα", "Αθηναϊκή Φωνή"},
			legal:   []string{"Α.Ε.", "Ε.Π.Ε."},
			streets: []string{"Ερμού", "Λεωφόρος Κηφισίας"},
			phones:  []string{fictional},
			towns:   []town{{"Αθήνα", "Athens", "Αττική", "", "105 ##"}, {"Θεσσαλονίκη", "Thessaloniki", "", "", "546 ##"}},
		},
	}
}

func eastern() []country {
	return []country{
		{
			code: "IL", weight: 7,
			first:   []string{"נועה", "Dana", "Yossi", "אורי", "Tamar", "יעל"},
			last:    []string{"לוי", "Bar", "Mizrahi", "כהן", "Ben-Ami", "פרץ"},
			firms:   []string{"גלים תקשורת", "מאפיית השחר", "Galim Telecom"},
			legal:   []string{"בע\"מ", "Ltd."},
			streets: []string{"דרך מנחם בגין", "Rothschild", "הרצל", "Ha'atzmaut"},
			phones:  []string{fictional},
			towns:   []town{{"תל אביב-יפו", "Tel Aviv", "", "תל אביב", "67#####"}, {"Haifa", "חיפה", "", "", "31#####"}, {"Be'er Sheva", "באר שבע", "", "", "84#####"}},
		},
		{
			code: "AE", weight: 2,
			first:   []string{"فاطمة", "محمد", "Layla"},
			last:    []string{"الهاشمي", "Al Mansoori", "ناصر"},
			firms:   []string{"نجمة الخليج للاتصالات", "Desert Pearl"},
			legal:   []string{"FZ-LLC", "ذ.م.م"},
			streets: []string{"شارع الشيخ زايد", "Al Wasl"},
			kinds:   []string{"Road"},
			phones:  []string{fictional},
			towns:   []town{{"دبي", "Dubai", "", "", ""}, {"Abu Dhabi", "أبوظبي", "", "", "1####"}},
		},
		{
			code: "JP", weight: 5,
			first:   []string{"陽子", "健太", "さくら", "大輔"},
			last:    []string{"佐藤", "鈴木", "高橋", "渡辺"},
			firms:   []string{"青空通信", "さくら商事", "ミナトサービス"},
			legal:   []string{"株式会社", "合同会社"},
			streets: []string{"桜通り", "本町", "Chuo-dori"},
			phones:  []string{fictional},
			towns:   []town{{"東京", "Tokyo", "東京都", "千代田区", "100-00##"}, {"大阪", "Osaka", "大阪府", "北区", "530-00##"}},
		},
	}
}

func overseas() []country {
	return []country{
		{
			code: "BR", weight: 5,
			first:   []string{"João", "Conceição", "Antônio", "Luísa"},
			last:    []string{"da Conceição", "Gonçalves", "Araújo", "São Pedro"},
			firms:   []string{"Pão de Mel", "Comunicação Já!", "Irmãos Simões"},
			legal:   []string{"Ltda.", "S/A"},
			streets: []string{"Rua das Laranjeiras", "Avenida São João", "Praça da Sé"},
			phones:  []string{fictional},
			towns:   []town{{"São Paulo", "Sampa", "SP", "", "13##-0##"}, {"Florianópolis", "Floripa", "SC", "", "880##-1##"}},
		},
		{
			code: "IN", weight: 4,
			first:   []string{"Ananya", "Arjun", "प्रिया", "Lakshmi"},
			last:    []string{"शर्मा", "Iyer", "D'Souza", "Patel"},
			firms:   []string{"कमल संचार", "Lotus Lane"},
			legal:   []string{"Pvt. Ltd."},
			streets: []string{"Mahatma Gandhi", "Brigade", "Linking"},
			kinds:   []string{"Marg", "Road"},
			phones:  []string{fictional},
			towns:   []town{{"Bengaluru", "Bangalore", "KA", "", "5600##"}, {"Mumbai", "Bombay", "MH", "", "4000##"}},
		},
	}
}

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
