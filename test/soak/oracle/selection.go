package oracle

// Field is a selected field.
type Field struct {
	Member
	Key string // in the answer
	Sub Selection
	// Country and Validation are arguments of civicAddresses. An empty one
	// restricts nothing.
	Country, Validation string
}

// Selection is what an operation selects of one type.
type Selection struct {
	Of       string
	Fields   []Field
	Typename bool
}

// ID returns the field that holds a lead's id.
func ID() Field {
	return Field{Member: Member{Name: "id", value: func(o Object) any { return Text(o["id"]) }}, Key: "id"}
}

// expect returns the right answer for the platform's object.
func (s Selection) expect(o Object) Object {
	want := Object{}
	if s.Typename {
		want["__typename"] = s.Of
	}
	for _, f := range s.Fields {
		value := f.value(o)
		switch value := value.(type) {
		case Object:
			want[f.Key] = f.Sub.expect(value)
		case []any:
			if f.Of == "" {
				want[f.Key] = value
				continue
			}
			all := []any{}
			for _, element := range value {
				if element := element.(Object); f.wants(element) {
					all = append(all, f.Sub.expect(element))
				}
			}
			want[f.Key] = all
		default:
			want[f.Key] = value
		}
	}
	return want
}

// wants tells whether an address matches the arguments.
func (f Field) wants(o Object) bool {
	return (f.Country == "" || Text(o["country"]) == f.Country) &&
		(f.Validation == "" || validationOf(o["validationStatus"]) == f.Validation)
}
