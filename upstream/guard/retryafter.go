package guard

import (
	"math"
	"net/http"
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
// If there are several, the longest counts. RetryAfter returns 0 if there is no wait or
// no valid header, and at most 24 hours.
func RetryAfter(h http.Header) time.Duration {
	var longest time.Duration
	for _, value := range h.Values("Retry-After") {
		wait, ok := number(value, time.Second)
		if !ok {
			if at, err := http.ParseTime(strings.TrimSpace(value)); err == nil {
				wait = min(time.Until(at), maxRetryAfter)
			}
		}
		longest = max(longest, wait)
	}
	for _, name := range millisecondHeaders {
		for _, value := range h.Values(name) {
			wait, _ := number(value, time.Millisecond)
			longest = max(longest, wait)
		}
	}
	return longest
}

// number parses a decimal number of units. It accepts digits with at most one point, but
// no exponent, sign or name such as "Inf". A fraction is rounded up to a nanosecond.
func number(text string, unit time.Duration) (time.Duration, bool) {
	text = strings.TrimSpace(text)
	if text == "" || strings.Trim(text, "0123456789.") != "" {
		return 0, false
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil && !math.IsInf(value, 1) { // too large is valid
		return 0, false
	}
	if value >= float64(maxRetryAfter/unit) {
		return maxRetryAfter, true
	}
	return time.Duration(math.Ceil(value * float64(unit))), true
}
