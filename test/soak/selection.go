package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// field is a selected field.
type field struct {
	member
	key string // in the answer
	sub selection
	// Of civicAddresses: which are asked for; empty means all.
	country, validation string
}

// selection is what is selected of one type.
type selection struct {
	of       string
	fields   []field
	typename bool
}

// randomSelection selects some fields of a type, and of what these consist of
// unless it is flat. Of leads it always selects the id.
func randomSelection(random *rand.Rand, of string, flat bool) selection {
	s := selection{of: of, typename: random.IntN(6) == 0}
	share := 1 + random.IntN(3) // of four
	for _, m := range members[of] {
		if random.IntN(4) >= share || flat && m.of != "" {
			continue
		}
		f := field{member: m, key: m.name}
		if random.IntN(40) == 0 {
			f.key = "other" + strings.ToUpper(m.name[:1]) + m.name[1:]
		}
		if m.of != "" {
			f.sub = randomSelection(random, m.of, false)
		}
		if m.of == addressType && random.IntN(4) == 0 {
			f.country, f.validation = pick(random, []string{"", "US", "DE", "GB"}), pick(random, []string{"", "VALIDATED", "UNKNOWN"})
		}
		s.fields = append(s.fields, f)
	}
	if of == leadType {
		s.fields = append([]field{{member: member{name: "id", value: func(o object) any { return textOf(o["id"]) }}, key: "id"}}, s.fields...)
	} else if len(s.fields) == 0 {
		s.typename = true
	}
	return s
}

func pick[T any](random *rand.Rand, from []T) T { return from[random.IntN(len(from))] }

// text writes the selection. With deferred, the later half of a lead's fields
// may come later.
func (s selection) text(deferred bool) string {
	var text strings.Builder
	text.WriteString("{")
	if s.typename {
		text.WriteString(" __typename")
	}
	for i, f := range s.fields {
		if deferred && i > 0 && i == (len(s.fields)+1)/2 {
			text.WriteString(" ... @defer {")
		}
		text.WriteString(" " + f.text())
	}
	if deferred && len(s.fields) > 1 {
		text.WriteString(" }")
	}
	text.WriteString(" }")
	return text.String()
}

func (f field) text() string {
	text := f.name
	if f.key != f.name {
		text = f.key + ": " + f.name
	}
	var args []string
	if f.country != "" {
		args = append(args, fmt.Sprintf("country: %q", f.country))
	}
	if f.validation != "" {
		args = append(args, "validationStatus: "+f.validation)
	}
	if len(args) > 0 {
		text += "(" + strings.Join(args, ", ") + ")"
	}
	if f.of != "" {
		text += " " + f.sub.text(false)
	}
	return text
}

// expect is what the selection answers of the platform's object.
func (s selection) expect(o object) object {
	want := object{}
	if s.typename {
		want["__typename"] = s.of
	}
	for _, f := range s.fields {
		value := f.value(o)
		switch value := value.(type) {
		case object:
			want[f.key] = f.sub.expect(value)
		case []any:
			if f.of == "" {
				want[f.key] = value
				continue
			}
			all := []any{}
			for _, element := range value {
				if element := element.(object); f.wants(element) {
					all = append(all, f.sub.expect(element))
				}
			}
			want[f.key] = all
		default:
			want[f.key] = value
		}
	}
	return want
}

// wants tells whether an address is among those that are asked for.
func (f field) wants(o object) bool {
	return (f.country == "" || textOf(o["country"]) == f.country) &&
		(f.validation == "" || validationOf(o["validationStatus"]) == f.validation)
}
