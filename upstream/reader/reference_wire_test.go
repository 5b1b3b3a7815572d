package reader

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
)

// The wire types mirror the platform's JSON. Unmarshalling well-formed JSON into them
// never fails: a value of the wrong type is noted as odd and read as absent, because
// one odd field must not fail the page. As in encoding/json, names match in any case
// and unknown fields are ignored.

type wireLead struct {
	ID                 text              `json:"id"`
	TenantID           text              `json:"tenantId"`
	TenantOrigin       text              `json:"tenantOrigin"`
	OperatorID         text              `json:"operatorId"`
	Status             text              `json:"status"`
	IsDirectLead       text              `json:"isDirectLead"`
	IsNotActive        text              `json:"isNotActive"`
	UMPCustomerGUID    text              `json:"umpCustomerGuid"`
	ChannelID          text              `json:"channelId"`
	OVOCChannelID      text              `json:"ovocChannelId"`
	Comments           list[remark]      `json:"comments"`
	ConsentedOn        text              `json:"consentedOn"`
	LastModifiedOn     text              `json:"lastModifiedOn"`
	ConsentedCountries list[text]        `json:"consentedCountries"`
	ContactDetails     list[wireDetails] `json:"contactDetails"` // the documents show a list, the platform sends an object
	Contacts           list[wireContact] `json:"contacts"`
	CivicAddresses     list[wireAddress] `json:"civicAddresses"`
}

type wireDetails struct {
	FullName    text `json:"fullName"`
	Email       text `json:"email"`
	PhoneNumber text `json:"phoneNumber"`
	CompanyName text `json:"companyName"`
	CompanySize text `json:"companySize"`
}

type wireContact struct {
	FullName    text            `json:"fullName"`
	Email       text            `json:"email"`
	PhoneNumber text            `json:"phoneNumber"`
	CompanyName text            `json:"companyName"`
	CompanySize text            `json:"companySize"`
	Contacts    json.RawMessage `json:"contacts"`
}

type wireAddress struct {
	ID                text               `json:"id"`
	Country           text               `json:"country"`
	HouseNumber       text               `json:"houseNumber"`
	HouseNumberSuffix text               `json:"houseNumberSuffix"`
	PreDirectional    text               `json:"preDirectional"`
	StreetName        text               `json:"streetName"`
	StreetSuffix      text               `json:"streetSuffix"`
	PostDirectional   text               `json:"postDirectional"`
	StateOrProvince   text               `json:"stateOrProvince"`
	CountyOrDistrict  text               `json:"countyOrDistrict"`
	CityOrTown        text               `json:"cityOrTown"`
	CityOrTownAlias   text               `json:"cityOrTownAlias"`
	PostalOrZipCode   text               `json:"postalOrZipCode"`
	Description       text               `json:"description"`
	CompanyName       text               `json:"companyName"`
	CompanyID         text               `json:"companyId"`
	DefaultLocationID text               `json:"defaultLocationId"`
	ValidationStatus  text               `json:"validationStatus"`
	TenantID          text               `json:"tenantId"`
	PartnerID         text               `json:"partnerId"`
	Locations         list[wireLocation] `json:"locations"`
}

type wireLocation struct {
	ID             text `json:"id"`
	CivicAddressID text `json:"civicAddressId"`
	Description    text `json:"description"`
	AdditionalInfo text `json:"additionalInfo"`
	IsDefault      text `json:"isDefault"`
	ELIN           text `json:"elin"`
}

// text is any scalar as text. Numbers keep their digits. Null is nil.
type text struct {
	value *string
	odd   bool // it was an array or an object
	// number is true if it was not a text.
	number bool
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(data []byte) error {
	*t = text{}
	switch data[0] {
	case 'n':
	case '{', '[':
		t.odd = true
	case '"':
		return json.Unmarshal(data, &t.value)
	default:
		literal := string(data)
		t.value, t.number = &literal, true
	}
	return nil
}

// list is an array of T. Null elements are skipped, a single value is read like an array
// with one element, and an empty text like none. Unmarshalling into T must not fail for
// well-formed JSON without null of the type that T accepts.
type list[T any] struct {
	items []T
	odd   int // elements of the wrong type
	// strange counts objects without a known member, and early those before the first
	// item.
	strange, early int
	// other is true if a value that is no array, in its place, could not be used.
	other bool
}

// UnmarshalJSON implements json.Unmarshaler.
func (l *list[T]) UnmarshalJSON(data []byte) error {
	*l = list[T]{}
	if string(data) == `""` {
		return nil
	}
	if data[0] == '{' {
		members := json.NewDecoder(bytes.NewReader(data))
		_, _ = members.Token() // the brace; the object is well-formed
		for first := true; members.More(); first = false {
			name, _ := members.Token()
			var value json.RawMessage
			_ = members.Decode(&value)
			if first && !strings.HasPrefix(name.(string), "$") {
				break
			}
			if name == "$values" && (value[0] == '[' || value[0] == 'n') {
				return l.UnmarshalJSON(value)
			}
		}
	}
	if data[0] == 'n' {
		return nil
	}
	if data[0] != '[' {
		err := l.add(data)
		l.other = len(l.items) == 0
		if _, scalars := any(l).(*list[text]); scalars && data[0] != '"' {
			l.items, l.odd, l.other = nil, 1, true
		}
		return err
	}
	var elements []json.RawMessage
	if err := json.Unmarshal(data, &elements); err != nil {
		return err
	}
	for _, element := range elements {
		if err := l.add(element); err != nil {
			return err
		}
	}
	return nil
}

func (l *list[T]) add(data json.RawMessage) error {
	if data[0] == 'n' {
		return nil
	}
	var item T
	if _, scalar := any(&item).(json.Unmarshaler); !scalar {
		if data[0] != '{' {
			l.odd++
			return nil
		}
		var err error
		if data, err = camel[T](data); err != nil {
			return err
		}
		if data == nil { // not one known member
			l.strange++
			if len(l.items) == 0 {
				l.early++
			}
			return nil
		}
	}
	if err := json.Unmarshal(data, &item); err != nil {
		return err
	}
	l.items = append(l.items, item)
	return nil
}

// camel renames the members of an object that T has under another spelling: in any case,
// with underscores and hyphens. It drops the others and keeps the order. It returns nil
// if T has none of the members.
func camel[T any](object json.RawMessage) (json.RawMessage, error) {
	names := map[string]string{}
	for i, wire := 0, reflect.TypeFor[T](); i < wire.NumField(); i++ {
		name := wire.Field(i).Tag.Get("json")
		names[foldName(name)] = name
	}
	members := json.NewDecoder(bytes.NewReader(object))
	_, _ = members.Token() // the brace; the object is well-formed
	var out []byte
	for members.More() {
		token, err := members.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := members.Decode(&value); err != nil {
			return nil, err
		}
		if name, known := names[foldName(token.(string))]; known {
			out = append(append(append(out, `,"`+name+`":`...), value...), ' ')
		}
	}
	if out == nil {
		return nil, nil
	}
	out[0] = '{'
	return append(out, '}'), nil
}

// remark is a comment. A string is kept unchanged. Any other value becomes compact
// JSON, because the type of comments is not documented.
type remark string

// UnmarshalJSON implements json.Unmarshaler.
func (r *remark) UnmarshalJSON(data []byte) error {
	if data[0] == '"' {
		return json.Unmarshal(data, (*string)(r))
	}
	*r = remark(compact(data))
	return nil
}
