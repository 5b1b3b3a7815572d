// Package scalar binds the schema's custom scalars to Go types. Input is
// strict, so that a malformed value never reaches the platform. Output is
// lenient, because users must see what the platform stores. Errors never repeat
// the refused value: it may be personal data.
package scalar

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strings"
	"time"
	_ "time/tzdata" // the image has no files of time zones

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"
)

var (
	errUUID    = errors.New("must be a UUID, 36 characters such as f94238e5-4f2c-4e1b-8125-2d27122ca75f")
	errTime    = errors.New("must be an RFC 3339 time such as 2024-04-03T13:32:12Z")
	errCountry = errors.New("must be a country code of two letters such as US")
	errZone    = errors.New("must be a time zone of the IANA database such as Europe/Berlin")
)

// maxZoneBytes is longer than the names of all zones.
const maxZoneBytes = 64

// MarshalUUID writes the text as the platform sent it.
func MarshalUUID(text string) graphql.Marshaler { return graphql.MarshalString(text) }

// UnmarshalUUID accepts only the canonical form and returns it in lower case,
// so that each tenant has one key.
func UnmarshalUUID(value any) (string, error) {
	text, ok := value.(string)
	if !ok || len(text) != 36 {
		return "", errUUID
	}
	id, err := uuid.Parse(text)
	if err != nil {
		return "", errUUID
	}
	return id.String(), nil
}

// MarshalDateTime writes a time with its full precision. The zero time means
// that there is none and becomes null.
func MarshalDateTime(t time.Time) graphql.Marshaler {
	if t.IsZero() {
		return graphql.Null
	}
	return graphql.WriterFunc(func(w io.Writer) {
		var room [64]byte
		text := append(room[:0], '"')
		text = t.UTC().AppendFormat(text, time.RFC3339Nano)
		_, _ = w.Write(append(text, '"')) // a Marshaler cannot return an error
	})
}

// rfc3339 matches date-time of RFC 3339, section 5.6: the date, the time to the
// minute, the second, the fraction, and the offset with its hour and minute. The
// letters may be small. time.Parse accepts more, such as a comma before the
// fraction, and no leap second.
var rfc3339 = regexp.MustCompile(`^(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}):(\d{2})(\.\d+)?(?:[Zz]|[+-]([01]\d|2[0-3]):([0-5]\d))$`)

// UnmarshalDateTime accepts RFC 3339 with any fraction of a second. Digits after
// the ninth are dropped. A leap second, which only the end of a month in UTC can
// have, is the second after it, as in POSIX time.
func UnmarshalDateTime(value any) (time.Time, error) {
	text, ok := value.(string)
	if !ok {
		return time.Time{}, errTime
	}
	part := rfc3339.FindStringSubmatch(text)
	if part == nil {
		return time.Time{}, errTime
	}
	const leapSecond = "60"
	second := part[3]
	if second == leapSecond {
		second = "59"
	}
	offset := "Z"
	if part[5] != "" {
		offset = text[len(text)-len("+00:00"):]
	}
	t, err := time.Parse(time.RFC3339, part[1]+"T"+part[2]+":"+second+part[4]+offset)
	if err != nil {
		return time.Time{}, errTime
	}
	t = t.UTC()
	if part[3] != leapSecond {
		return t, nil
	}
	t = t.Add(time.Second)
	if hour, minute, second := t.Clock(); t.Day() != 1 || hour+minute+second > 0 {
		return time.Time{}, errTime
	}
	return t, nil
}

// MarshalCountryCode writes the code as the platform sent it.
func MarshalCountryCode(code string) graphql.Marshaler { return graphql.MarshalString(code) }

// UnmarshalCountryCode accepts two ASCII letters of either case and returns
// them in upper case.
func UnmarshalCountryCode(value any) (string, error) {
	code, ok := value.(string)
	if !ok || len(code) != 2 || !letter(code[0]) || !letter(code[1]) {
		return "", errCountry
	}
	return strings.ToUpper(code), nil
}

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// MarshalTimeZone writes the name of the zone.
func MarshalTimeZone(zone *time.Location) graphql.Marshaler {
	return graphql.MarshalString(zone.String())
}

// noZone matches names of files that lie beside the database on some systems: the zone of the
// server, and zones with other rules.
var noZone = regexp.MustCompile(`^(localtime|posixrules|Factory|(posix|right)/.*)$`)

// UnmarshalTimeZone accepts the names of the IANA database. They are known wherever the
// program runs, because it contains the database.
func UnmarshalTimeZone(value any) (*time.Location, error) {
	name, ok := value.(string)
	if !ok || name == "" || name == "Local" || len(name) > maxZoneBytes {
		return nil, errZone // for Go, Local is the zone of the server and "" is UTC
	}
	if noZone.MatchString(name) {
		return nil, errZone
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, errZone
	}
	return zone, nil
}

// MarshalJSON writes the value itself, and null if it is absent.
func MarshalJSON(value json.RawMessage) graphql.Marshaler {
	if len(value) == 0 {
		return graphql.Null
	}
	return graphql.WriterFunc(func(w io.Writer) { _, _ = w.Write(value) })
}

// UnmarshalJSON accepts any value. No argument has this type today, but the
// generator requires both functions.
func UnmarshalJSON(value any) (json.RawMessage, error) {
	var text bytes.Buffer
	if err := json.NewEncoder(&text).Encode(value); err != nil {
		return nil, errors.New("must be a JSON value")
	}
	return bytes.TrimSpace(text.Bytes()), nil
}

// MarshalDescending writes an OrderDirection.
func MarshalDescending(descending bool) graphql.Marshaler {
	if descending {
		return graphql.MarshalString("DESC")
	}
	return graphql.MarshalString("ASC")
}

// UnmarshalDescending reads an OrderDirection.
func UnmarshalDescending(value any) (bool, error) {
	if value != "ASC" && value != "DESC" {
		return false, errors.New("must be ASC or DESC")
	}
	return value == "DESC", nil
}
