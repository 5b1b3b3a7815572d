package lead

import (
	"encoding/json"
	"slices"
	"time"
	"unsafe"
)

// Visitor has a method for each type of field. Visit calls it with a pointer to the
// value, which the method may read or replace.
type Visitor interface {
	Text(Traits, *string)
	// Optional visits a text that may be nil.
	Optional(Traits, **string)
	Flag(**bool)
	// Moment visits a time, which is zero if absent.
	Moment(*time.Time)
	Texts(Traits, *[]string)
	Raw(Traits, *json.RawMessage)
	// Code visits a Status or a ValidationStatus.
	Code(*uint8)
	// Present is called with true if a part exists, and with its size in bytes. It
	// returns whether the part should exist. Visit creates a missing one.
	Present(is bool, size uintptr) bool
	// Length is called with the number of elements of a list, or -1 if it is nil, and
	// with the size of an element in bytes. It returns how many elements the list
	// should have. Visit creates a missing list.
	Length(n int, size uintptr) int
}

// Visit calls v for all fields of l and of its parts.
func Visit(v Visitor, l *Lead) { Walk(v, LeadFields, l) }

// Walk calls v for the fields of x and of its parts, in the order of the tables. It is
// the only walk over them.
func Walk[T any](v Visitor, fields []Field[T], x *T) {
	for i := range fields {
		switch f := &fields[i]; {
		case f.Optional != nil:
			v.Optional(f.Traits, f.Optional(x))
		case f.Text != nil:
			v.Text(f.Traits, f.Text(x))
		case f.Flag != nil:
			v.Flag(f.Flag(x))
		case f.Moment != nil:
			v.Moment(f.Moment(x))
		case f.Texts != nil:
			v.Texts(f.Traits, f.Texts(x))
		case f.Raw != nil:
			v.Raw(f.Traits, f.Raw(x))
		case f.Code != nil:
			v.Code(f.Code(x))
		default:
			f.Nested(v, x)
		}
	}
}

func walkOne[T any](v Visitor, fields []Field[T], part **T) {
	var none T
	if !v.Present(*part != nil, unsafe.Sizeof(none)) {
		return
	}
	if *part == nil {
		*part = &none
	}
	Walk(v, fields, *part)
}

func walkList[T any](v Visitor, fields []Field[T], list *[]T) {
	n := len(*list)
	if *list == nil {
		n = -1
	}
	var none T
	if n = v.Length(n, unsafe.Sizeof(none)); n < 0 {
		return
	}
	if *list == nil {
		*list = make([]T, n)
	}
	for i := range *list {
		Walk(v, fields, &(*list)[i])
	}
}

// Clone returns a copy of l that a visitor can change without changing l. The two
// share texts and raw JSON.
func Clone(l *Lead) *Lead {
	// Every lead that is kept is cloned, so there are few allocations: one for the
	// lead and its details, and one for all locations.
	both := &struct {
		lead    Lead
		details ContactDetails
	}{lead: *l}
	l = &both.lead
	if l.ContactDetails != nil {
		both.details = *l.ContactDetails
		l.ContactDetails = &both.details
	}
	l.Comments, l.ConsentedCountries = slices.Clone(l.Comments), slices.Clone(l.ConsentedCountries)
	l.Contacts, l.CivicAddresses = slices.Clone(l.Contacts), slices.Clone(l.CivicAddresses)
	count := 0
	for i := range l.CivicAddresses {
		count += len(l.CivicAddresses[i].Locations)
	}
	locations := make([]Location, 0, count)
	for i := range l.CivicAddresses {
		a := &l.CivicAddresses[i]
		if len(a.Locations) == 0 {
			continue
		}
		first := len(locations)
		locations = append(locations, a.Locations...)
		a.Locations = slices.Clip(locations[first:])
	}
	return l
}
