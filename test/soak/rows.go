package main

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
)

// object is a decoded JSON object.
type object = map[string]any

// row is a lead as the platform holds it. What the oracle knows is derived here
// from the raw JSON by rules of its own: nothing of leadgraph's reader or of its
// vocabulary is used, so that they cannot agree on an error.
type row struct {
	id, tenant string // tenant in lower case
	raw        object

	status              string
	direct              *bool
	customer            bool
	countries, channels []string
	size                string // the band of employees
	consented, modified time.Time
	company             string // collation key; empty: none
	emails              []string
}

// newRow reads a lead in the platform's JSON.
func newRow(text []byte) (*row, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	r := &row{}
	if err := decoder.Decode(&r.raw); err != nil {
		return nil, err
	}
	r.id, r.tenant = textOf(r.raw["id"]), strings.ToLower(textOf(r.raw["tenantId"]))
	r.status = statusOf(r.raw["status"])
	if direct, known := r.raw["isDirectLead"].(bool); known {
		r.direct = &direct
	}
	r.customer = textOf(r.raw["umpCustomerGuid"]) != ""
	for _, country := range elements(r.raw["consentedCountries"]) {
		r.countries = append(r.countries, textOf(country))
	}
	for _, name := range []string{"channelId", "ovocChannelId"} {
		if id, known := channelOf(r.raw[name]).(string); known {
			r.channels = append(r.channels, id)
		}
	}
	r.consented, r.modified = momentOf(r.raw["consentedOn"]), momentOf(r.raw["lastModifiedOn"])
	if details, known := r.raw["contactDetails"].(object); known {
		r.size = textOf(details["companySize"])
		if company := strings.TrimSpace(textOf(details["companyName"])); company != "" {
			r.company = string(collate.New(language.Und).KeyFromString(new(collate.Buffer), company))
		}
		r.emails = append(r.emails, strings.ToLower(textOf(details["email"])))
	}
	for _, contact := range elements(r.raw["contacts"]) {
		if contact, known := contact.(object); known {
			r.emails = append(r.emails, strings.ToLower(textOf(contact["email"])))
		}
	}
	return r, nil
}

// elements are those of a list; null has none.
func elements(value any) []any {
	list, _ := value.([]any)
	return list
}

// textOf is a scalar as text; empty for null.
func textOf(value any) string {
	text, _ := scalarOf(value).(string)
	return text
}

// scalarOf is a scalar as text, or nil for null and what is absent.
func scalarOf(value any) any {
	switch value := value.(type) {
	case string:
		return value
	case json.Number:
		return value.String()
	case bool:
		return strconv.FormatBool(value)
	}
	return nil
}

// channelOf is a channel's id: 0 and the empty text are none.
func channelOf(value any) any {
	if text := scalarOf(value); text != "" && text != "0" {
		return text
	}
	return nil
}

// momentOf reads the forms of time that the sandbox writes; year 1 is none.
func momentOf(value any) time.Time {
	text := textOf(value)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if at, err := time.Parse(layout, text); err == nil && at.Year() > 1 {
			return at.UTC()
		}
	}
	return time.Time{}
}

// plain takes out what the spellings of a word differ in.
func plain(value any) string {
	return strings.ToLower(strings.NewReplacer(" ", "", "_", "").Replace(textOf(value)))
}

// statuses in the order in which leads are ordered by them.
var statuses = []string{"ACTIVE", "NOT_ACTIVE", "SUSPENDED", "REMOVED", "UNKNOWN"}

func statusOf(value any) string {
	switch plain(value) {
	case "active":
		return "ACTIVE"
	case "notactive":
		return "NOT_ACTIVE"
	case "suspended":
		return "SUSPENDED"
	case "removed":
		return "REMOVED"
	}
	return "UNKNOWN"
}

func validationOf(value any) string {
	switch plain(value) {
	case "valid", "validated":
		return "VALIDATED"
	case "invalid":
		return "INVALID"
	case "notvalidated":
		return "NOT_VALIDATED"
	}
	return "UNKNOWN"
}

var band = regexp.MustCompile(`^L(\d+)(?:_U(\d+))?$`)

// bandOf is a company's size as numbers, or nil.
func bandOf(value any) any {
	found := band.FindStringSubmatch(textOf(value))
	if found == nil {
		return nil
	}
	least, _ := strconv.ParseFloat(found[1], 64) // digits only
	size := object{"min": least, "max": nil}
	if found[2] != "" {
		size["max"], _ = strconv.ParseFloat(found[2], 64)
	}
	return size
}

// lineOf is an address on one line.
func lineOf(address object) any {
	part := func(names ...string) []string {
		var found []string
		for _, name := range names {
			if text := strings.TrimSpace(textOf(address[name])); text != "" {
				found = append(found, text)
			}
		}
		return found
	}
	street := part("preDirectional", "streetName", "streetSuffix", "postDirectional")
	if number := strings.Join(part("houseNumber", "houseNumberSuffix"), ""); number != "" {
		street = append([]string{number}, street...)
	}
	var line []string
	for _, words := range [][]string{street, part("cityOrTown"), part("stateOrProvince", "postalOrZipCode"), part("country")} {
		if len(words) > 0 {
			line = append(line, strings.Join(words, " "))
		}
	}
	if len(line) == 0 {
		return nil
	}
	return strings.Join(line, ", ")
}
