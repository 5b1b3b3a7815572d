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
	base := unsafe.Pointer(x)
	for i := range fields {
		f := &fields[i]
		value := unsafe.Add(base, f.at.offset)
		switch f.at.kind {
		case kindOptional:
			v.Optional(f.Traits, (**string)(value))
		case kindText:
			v.Text(f.Traits, (*string)(value))
		case kindFlag:
			v.Flag((**bool)(value))
		case kindMoment:
			v.Moment((*time.Time)(value))
		case kindTexts:
			v.Texts(f.Traits, (*[]string)(value))
		case kindRaw:
			v.Raw(f.Traits, (*json.RawMessage)(value))
		case kindCode:
			v.Code((*uint8)(value))
		case kindNested:
			f.Nested(v, x)
		}
	}
}

// place says where in a struct a value is, and which of its functions a field has.
// Walk goes by it because calling the functions would make sharing leads a fifth
// slower (BenchmarkShare100k).
type place struct {
	offset uintptr
	kind   kind
}

type kind uint8

const (
	kindNested kind = iota
	kindText
	kindOptional
	kindFlag
	kindMoment
	kindTexts
	kindRaw
	kindCode
)

// located fills in the places of the fields.
func located[T any](fields []Field[T]) []Field[T] {
	var x T
	for i := range fields {
		f := &fields[i]
		at := unsafe.Pointer(&x)
		switch {
		case f.Text != nil:
			f.at.kind, at = kindText, unsafe.Pointer(f.Text(&x))
		case f.Optional != nil:
			f.at.kind, at = kindOptional, unsafe.Pointer(f.Optional(&x))
		case f.Flag != nil:
			f.at.kind, at = kindFlag, unsafe.Pointer(f.Flag(&x))
		case f.Moment != nil:
			f.at.kind, at = kindMoment, unsafe.Pointer(f.Moment(&x))
		case f.Texts != nil:
			f.at.kind, at = kindTexts, unsafe.Pointer(f.Texts(&x))
		case f.Raw != nil:
			f.at.kind, at = kindRaw, unsafe.Pointer(f.Raw(&x))
		case f.Code != nil:
			f.at.kind, at = kindCode, unsafe.Pointer(f.Code(&x))
		}
		f.at.offset = uintptr(at) - uintptr(unsafe.Pointer(&x))
	}
	return fields
}

func walkOne[T any](v Visitor, fields []Field[T], part **T) {
	if !v.Present(*part != nil, unsafe.Sizeof(**part)) {
		return
	}
	if *part == nil {
		*part = new(T)
	}
	Walk(v, fields, *part)
}

func walkList[T any](v Visitor, fields []Field[T], list *[]T) {
	n := len(*list)
	if *list == nil {
		n = -1
	}
	if n = v.Length(n, unsafe.Sizeof(*new(T))); n < 0 {
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
	// lead and its details, one for all texts in lists, and one for all locations.
	both := &struct {
		lead    Lead
		details ContactDetails
	}{lead: *l}
	l = &both.lead
	if l.ContactDetails != nil {
		both.details = *l.ContactDetails
		l.ContactDetails = &both.details
	}
	texts := slices.Concat(l.Comments, l.ConsentedCountries)
	for _, list := range []*[]string{&l.Comments, &l.ConsentedCountries} {
		if n := len(*list); n > 0 {
			*list, texts = texts[:n:n], texts[n:]
		}
	}
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
