package reader

import (
	"strconv"
	"strings"
	"time"
)

// timeLayouts are the forms of times: those in the documents, and those that the
// serialisers of .NET write with their usual settings. Each accepts a fraction of any
// length. A time without a zone is taken for UTC.
var timeLayouts = [...]string{
	time.RFC3339,               // leads [SEED], numbers [NUM2]
	"2006-01-02T15:04:05-0700", // channels [GCH]
	"2006-01-02T15:04:05",      // tasks [CLT]
	time.DateOnly,              // DateOnly
	"2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04:05",
	time.RFC1123, // format R
}

// The numbers that count as Unix times, in seconds and in milliseconds: the years 1973
// to 5138. Json.NET writes them with its UnixDateTimeConverter.
const (
	leastUnix      = 100_000_000
	leastUnixMilli = 100_000_000_000
	endOfUnixMilli = 100_000_000_000_000
)

// moment reads a time and converts it to UTC. The result is the zero time for null,
// for year 1, which .NET uses for "unset", and for an invalid time.
func (p *parser) moment(i int, into *time.Time) int {
	isNumber := p.b[i] != '"'
	text, ok, next := p.word(i)
	*into = time.Time{}
	if !ok {
		return next
	}
	at, ok := parseMoment(text, isNumber)
	switch year := at.Year(); {
	case !ok, year > 9999: // a zone can produce a later year, which has no text form
		p.note(p.path)
	case year > 1:
		*into = at
	}
	return next
}

func parseMoment(text string, isNumber bool) (time.Time, bool) {
	if isNumber {
		n, err := strconv.ParseInt(text, 10, 64)
		switch {
		case err != nil || n < leastUnix || n >= endOfUnixMilli:
			return time.Time{}, false
		case n < leastUnixMilli:
			return time.Unix(n, 0).UTC(), true
		}
		return time.UnixMilli(n).UTC(), true
	}
	if inside, found := strings.CutPrefix(text, "/Date("); found {
		return parseTicks(inside)
	}
	for _, layout := range timeLayouts {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}

// parseTicks parses the rest of the form /Date(1712151132828+0200)/ of Microsoft's
// older serialisers: milliseconds since 1970 in UTC. The zone only says how to show it.
func parseTicks(text string) (time.Time, bool) {
	text, found := strings.CutSuffix(text, ")/")
	if zone := strings.LastIndexAny(text, "+-"); zone > 0 {
		if len(text)-zone != len("+0200") || !digitsOnly(text[zone+1:]) {
			return time.Time{}, false
		}
		text = text[:zone]
	}
	ms, err := strconv.ParseInt(text, 10, 64)
	if !found || err != nil || ms > 253_402_300_799_999 || ms < -62_135_596_800_000 { // the years 1 to 9999
		return time.Time{}, false
	}
	return time.UnixMilli(ms).UTC(), true
}
