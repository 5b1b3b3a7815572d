package lead

import "slices"

// Changed returns the schema coordinates of the fields that have different values in two
// versions of a lead, such as Lead.status and ContactDetails.email, each once. A list
// whose elements do not belong together in pairs is named itself. Fields with personal
// data are left out unless personal is set.
func Changed(before, now *Lead, personal bool) []string {
	d := differences{personal: personal, coordinates: []string{}}
	differ(&d, "Lead", LeadFields, before, now)
	return d.coordinates
}

// differences collects coordinates.
type differences struct {
	personal    bool
	coordinates []string
}

// differ adds the fields of two values of a type that are different.
func differ[T any](d *differences, of string, fields []Field[T], a, b *T) {
	for i := range fields {
		f := &fields[i]
		if f.Traits.Has(Personal) && !d.personal || same(fields[i:i+1], a, b) || f.Differ != nil && f.Differ(d, a, b) {
			continue
		}
		if name := of + "." + f.Name; !slices.Contains(d.coordinates, name) {
			d.coordinates = append(d.coordinates, name)
		}
	}
}

func differOne[T any](d *differences, of string, fields []Field[T], a, b *T) bool {
	if a == nil || b == nil {
		return false
	}
	differ(d, of, fields, a, b)
	return true
}

// differList compares the elements of two lists in pairs, if all pairs belong together.
func differList[T any](d *differences, of string, fields []Field[T], a, b []T, together func(x, y *T) bool) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !together(&a[i], &b[i]) {
			return false
		}
	}
	for i := range a {
		differ(d, of, fields, &a[i], &b[i])
	}
	return true
}
