package oracle

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Elements returns the elements of a list; null has none.
func Elements(value any) []any {
	list, _ := value.([]any)
	return list
}

// Text returns a scalar as text, empty for null.
func Text(value any) string {
	text, _ := scalarOf(value).(string)
	return text
}

// scalarOf returns a scalar as text, or nil if it is null or absent.
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

// channelOf returns a channel's id. The platform writes 0 or an empty text for
// no channel.
func channelOf(value any) any {
	if text := scalarOf(value); text != "" && text != "0" {
		return text
	}
	return nil
}

// momentOf reads the time formats that the sandbox writes. A time in year 1
// means none.
func momentOf(value any) time.Time {
	text := Text(value)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if at, err := time.Parse(layout, text); err == nil && at.Year() > 1 {
			return at.UTC()
		}
	}
	return time.Time{}
}

// plain removes the differences between the spellings of a word.
func plain(value any) string {
	return strings.ToLower(strings.NewReplacer(" ", "", "_", "").Replace(Text(value)))
}

// Statuses returns all statuses in the order in which leads are sorted by them.
func Statuses() []string {
	return []string{"ACTIVE", "NOT_ACTIVE", "SUSPENDED", "REMOVED", "UNKNOWN"}
}

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

// bandOf returns a company's size as numbers, or nil if it is not a band.
func bandOf(value any) any {
	found := band.FindStringSubmatch(Text(value))
	if found == nil {
		return nil
	}
	least, _ := strconv.ParseFloat(found[1], 64) // digits only
	size := Object{"min": least, "max": nil}
	if found[2] != "" {
		size["max"], _ = strconv.ParseFloat(found[2], 64)
	}
	return size
}

// sizeKey returns a text that sorts as a company's size does: bands by their bounds, then
// other texts.
func sizeKey(code string) string {
	found := band.FindStringSubmatch(code)
	switch {
	case code == "":
		return ""
	case found == nil:
		return "other " + code[:min(len(code), 16)]
	case found[2] == "":
		found[2] = "unlimited"
	}
	return fmt.Sprintf("band %12s %12s", found[1], found[2])
}

// lineOf returns an address on one line, or nil if all its parts are empty.
func lineOf(address Object) any {
	part := func(names ...string) []string {
		var found []string
		for _, name := range names {
			if text := strings.TrimSpace(Text(address[name])); text != "" {
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
