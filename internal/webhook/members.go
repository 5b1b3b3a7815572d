package webhook

import (
	"time"

	"leadgraph/lead"
)

// own returns the values of fields that are no plain values, by their names.
type own[T any] map[string]func(*T) any

// leadMembers returns the fields of a lead as members of JSON, with the names and values of the
// schema.
func leadMembers(l *lead.Lead) map[string]any {
	return members(lead.LeadFields, l, own[lead.Lead]{
		"status": func(l *lead.Lead) any { return lead.StatusNames[l.Status] },
		"contactDetails": func(l *lead.Lead) any {
			if l.ContactDetails == nil {
				return nil
			}
			return members(lead.DetailsFields, l.ContactDetails, nil)
		},
		"contacts":       func(l *lead.Lead) any { return each(lead.ContactFields, l.Contacts, nil) },
		"civicAddresses": func(l *lead.Lead) any { return each(lead.AddressFields, l.CivicAddresses, address) },
	})
}

var address = own[lead.CivicAddress]{
	"validationStatus": func(a *lead.CivicAddress) any { return lead.ValidationNames[a.ValidationStatus] },
	"locations":        func(a *lead.CivicAddress) any { return each(lead.LocationFields, a.Locations, nil) },
}

func each[T any](fields []lead.Field[T], list []T, special own[T]) []map[string]any {
	all := make([]map[string]any, len(list))
	for i := range list {
		all[i] = members(fields, &list[i], special)
	}
	return all
}

func members[T any](fields []lead.Field[T], x *T, special own[T]) map[string]any {
	all := make(map[string]any, len(fields))
	for i := range fields {
		f := &fields[i]
		switch {
		case f.Text != nil:
			all[f.Name] = *f.Text(x)
		case f.Optional != nil:
			all[f.Name] = *f.Optional(x)
		case f.Flag != nil:
			all[f.Name] = *f.Flag(x)
		case f.Moment != nil:
			all[f.Name] = moment(*f.Moment(x))
		case f.Texts != nil:
			all[f.Name] = append([]string{}, *f.Texts(x)...)
		case f.Raw != nil:
			all[f.Name] = *f.Raw(x)
		default:
			all[f.Name] = special[f.Name](x)
		}
	}
	return all
}

// moment returns a time, or nil if it is absent.
func moment(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return at
}
