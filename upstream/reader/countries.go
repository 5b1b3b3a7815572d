package reader

import (
	"strings"
	"sync"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"leadgraph/lead"
)

// regions maps the names of countries and regions, in lower case, to their codes of two
// letters: the English names, the codes of three letters, and names in other use.
var regions = sync.OnceValue(func() map[string]string {
	known := map[string]string{
		"united states of america": "US", "great britain": "GB", "czech republic": "CZ", "russian federation": "RU", "republic of korea": "KR",
		"korea, republic of": "KR", "republic of ireland": "IE", "holland": "NL", "the netherlands": "NL", "viet nam": "VN", "hong kong": "HK",
		"macau": "MO", "turkey": "TR",
	}
	names := display.English.Regions()
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			code := string(a) + string(b)
			region, err := language.ParseRegion(code)
			if err != nil || !region.IsCountry() || region.String() != code {
				continue
			}
			known[strings.ToLower(names.Name(region))] = code
			known[strings.ToLower(region.ISO3())] = code
		}
	}
	return known
})

// countryCode returns the code of two capital letters for a code or a name.
func countryCode(text string) (string, bool) {
	if len(text) == 2 && isLetter(text[0]) && isLetter(text[1]) {
		return strings.ToUpper(text), true
	}
	code, ok := regions()[strings.ToLower(text)]
	return code, ok
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// consentedCountries reads codes and names, alone or several in one text with commas or
// semicolons between them.
func (p *parser) consentedCountries(i int, l *lead.Lead) int {
	path, list := p.path, p.beginning(i)
	p.countries = p.countries[:0]
	i = p.list(i, func(i int) int {
		if p.b[i] != '"' && list.alone(p, i) {
			p.refuse(path)
			return p.noObject(i, path)
		}
		text, ok, next := p.word(i)
		if !ok {
			return next
		}
		if code, ok := countryCode(text); ok {
			p.countries = append(p.countries, code)
			return next
		}
		unknown := false
		for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == ';' }) {
			if part = strings.TrimSpace(part); part == "" {
				continue
			}
			code, ok := countryCode(part)
			if !ok {
				unknown = true
				continue
			}
			p.countries = append(p.countries, code)
		}
		if unknown {
			p.note(path)
		}
		return next
	})
	l.ConsentedCountries = nilIfEmpty(p.countries)
	return i
}

// country reads the code or the name of one country.
func (p *parser) country(i int, a *lead.CivicAddress) int {
	text, ok, next := p.word(i)
	a.Country = nil
	if !ok {
		return next
	}
	if code, ok := countryCode(text); ok {
		a.Country = p.keep(code)
	} else {
		p.note(p.path)
	}
	return next
}
