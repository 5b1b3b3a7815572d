package truth

import (
	"strings"
	"time"
)

// spelling returns what a text of a field means, as all servers must show it. leadgraph
// shows enums, times in UTC, and nothing where the platform has an empty text or its
// zero time. Peers pass the platform's texts on. It returns nil for no value.
func spelling(name, text string) any {
	switch {
	case text == "":
		return nil
	case name == "status":
		return known(text, "ACTIVE", "NOTACTIVE", "SUSPENDED", "REMOVED")
	case name == "validationStatus":
		return known(text, "VALIDATED", "INVALID", "NOTVALIDATED")
	case strings.HasSuffix(name, "On"):
		return moment(text)
	}
	return text
}

// known returns the letters of a text in capitals, or nil if they are none of the names.
func known(text string, names ...string) any {
	letters := strings.NewReplacer(" ", "", "_", "").Replace(strings.ToUpper(text))
	if letters == "VALID" {
		letters = "VALIDATED"
	}
	for _, name := range names {
		if letters == name {
			return name
		}
	}
	return nil
}

// moment returns a time in UTC, or nil for the zero time. A time without a zone is in
// UTC.
func moment(text string) any {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		if at, err := time.Parse(layout, text); err == nil {
			if at.Year() == 1 {
				return nil
			}
			return at.UTC().Format(time.RFC3339Nano)
		}
	}
	return text
}
