package operations

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"leadgraph/test/soak/oracle"
)

// randomSelection selects some fields of a type. A flat selection has no fields
// that are objects. A selection of leads always includes the id.
func randomSelection(random *rand.Rand, of string, flat bool) oracle.Selection {
	s := oracle.Selection{Of: of, Typename: random.IntN(6) == 0}
	quarters := 1 + random.IntN(3) // of the fields
	for _, m := range oracle.Members(of) {
		if random.IntN(4) >= quarters || flat && m.Of != "" {
			continue
		}
		f := oracle.Field{Member: m, Key: m.Name}
		if random.IntN(40) == 0 {
			f.Key = "other" + strings.ToUpper(m.Name[:1]) + m.Name[1:]
		}
		if m.Of != "" {
			f.Sub = randomSelection(random, m.Of, false)
		}
		if m.Of == oracle.AddressType && random.IntN(4) == 0 {
			f.Country, f.Validation = pick(random, []string{"", "US", "DE", "GB"}), pick(random, []string{"", "VALIDATED", "UNKNOWN"})
		}
		s.Fields = append(s.Fields, f)
	}
	if of == oracle.LeadType {
		s.Fields = append([]oracle.Field{oracle.ID()}, s.Fields...)
	} else if len(s.Fields) == 0 {
		s.Typename = true
	}
	return s
}

// textOf writes a selection. If deferred is set, the second half of the fields
// is deferred.
func textOf(s oracle.Selection, deferred bool) string {
	var text strings.Builder
	text.WriteString("{")
	if s.Typename {
		text.WriteString(" __typename")
	}
	for i, f := range s.Fields {
		if deferred && i > 0 && i == (len(s.Fields)+1)/2 {
			text.WriteString(" ... @defer {")
		}
		text.WriteString(" " + textOfField(f))
	}
	if deferred && len(s.Fields) > 1 {
		text.WriteString(" }")
	}
	text.WriteString(" }")
	return text.String()
}

func textOfField(f oracle.Field) string {
	text := f.Name
	if f.Key != f.Name {
		text = f.Key + ": " + f.Name
	}
	var args []string
	if f.Country != "" {
		args = append(args, fmt.Sprintf("country: %q", f.Country))
	}
	if f.Validation != "" {
		args = append(args, "validationStatus: "+f.Validation)
	}
	if len(args) > 0 {
		text += "(" + strings.Join(args, ", ") + ")"
	}
	if f.Of != "" {
		text += " " + textOf(f.Sub, false)
	}
	return text
}
