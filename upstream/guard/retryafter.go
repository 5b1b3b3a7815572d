package guard

import (
	"math"
	"net/http"
	"net/mail"
	"strconv"
	"strings"
	"time"
)

// maxRetryAfter bounds the wait that a header can demand.
const maxRetryAfter = 24 * time.Hour

// The headers that demand a wait in milliseconds. Microsoft's services send them, alone
// or with a Retry-After that is rounded to seconds.
var millisecondHeaders = []string{"Retry-After-Ms", "X-Ms-Retry-After-Ms"}

// RetryAfter returns the wait that an answer demands: Retry-After in seconds, whole or
// with a fraction, or as a date, and the headers in milliseconds of Microsoft's services.
// If there are several, or a proxy has joined them with commas, the longest counts.
// RetryAfter returns 0 if there is no wait or no valid header, and at most 24 hours.
func RetryAfter(h http.Header) time.Duration {
	var longest time.Duration
	for _, value := range h.Values("Retry-After") {
		if at, ok := date(value); ok { // dates have commas too
			longest = max(longest, min(time.Until(at), maxRetryAfter))
			continue
		}
		longest = max(longest, numbers(value, time.Second))
	}
	for _, name := range millisecondHeaders {
		for _, value := range h.Values(name) {
			longest = max(longest, numbers(value, time.Millisecond))
		}
	}
	return longest
}

// date parses one of the three forms of HTTP, or one that some servers send instead: with
// another time zone than GMT, or as in JSON.
func date(text string) (at time.Time, ok bool) {
	text = strings.TrimSpace(text)
	for _, parse := range []func(string) (time.Time, error){
		http.ParseTime,
		mail.ParseDate,
		func(text string) (time.Time, error) { return time.Parse(time.RFC3339, text) },
	} {
		if at, err := parse(text); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// numbers returns the longest of the waits in a list.
func numbers(list string, unit time.Duration) (longest time.Duration) {
	for text := range strings.SplitSeq(list, ",") {
		longest = max(longest, number(text, unit))
	}
	return longest
}

// number parses a decimal number of units. It accepts digits with at most one point, but
// no exponent, sign or name such as "Inf", and returns 0 for any other text. A fraction
// is rounded up to a nanosecond.
func number(text string, unit time.Duration) time.Duration {
	text = strings.TrimSpace(text)
	if text == "" || strings.Trim(text, "0123456789.") != "" {
		return 0
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil && !math.IsInf(value, 1) { // too large is valid
		return 0
	}
	if value >= float64(maxRetryAfter/unit) {
		return maxRetryAfter
	}
	return time.Duration(math.Ceil(value * float64(unit)))
}
