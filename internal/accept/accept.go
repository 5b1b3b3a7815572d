// Package accept reads the Accept header of HTTP requests.
package accept

import (
	"mime"
	"strconv"
	"strings"
)

// Range is one element of an Accept header, such as text/*;q=0.5.
type Range struct {
	MediaType  string // in lower case; may have wildcards
	Parameters map[string]string
	Weight     float64 // 0 to 1; 0 refuses the media types of the range
}

// Parse returns the ranges of all Accept headers of a request, in their order.
// It skips elements that it cannot parse.
func Parse(headers []string) []Range {
	var ranges []Range
	for element := range strings.SplitSeq(strings.Join(headers, ","), ",") {
		mediaType, parameters, err := mime.ParseMediaType(element)
		if err != nil {
			continue
		}
		weight := 1.0
		if q, given := parameters["q"]; given {
			if weight, err = strconv.ParseFloat(q, 64); err != nil || !(weight >= 0 && weight <= 1) {
				continue
			}
		}
		ranges = append(ranges, Range{mediaType, parameters, weight})
	}
	return ranges
}

// Choose returns the available media type with the greatest weight, and that
// weight. If several have the same weight, the one whose range comes first in
// the header wins, then the one that comes first in available. Choose returns ""
// and 0 if the ranges allow none of them.
func Choose(ranges []Range, available ...string) (best string, bestWeight float64) {
	bestIndex := len(ranges)
	for _, mediaType := range available {
		index, precision := 0, 0
		for i, r := range ranges {
			if p := r.precision(mediaType); p > precision {
				index, precision = i, p
			}
		}
		if precision == 0 {
			continue
		}
		if weight := ranges[index].Weight; weight > bestWeight || weight == bestWeight && weight > 0 && index < bestIndex {
			best, bestWeight, bestIndex = mediaType, weight, index
		}
	}
	return best, bestWeight
}

// precision returns how precisely a range names a media type, from 3 for the
// type itself down to 0 for no match. The most precise range sets the weight.
func (r Range) precision(mediaType string) int {
	kind, _, _ := strings.Cut(mediaType, "/")
	switch r.MediaType {
	case mediaType:
		return 3
	case kind + "/*":
		return 2
	case "*/*":
		return 1
	}
	return 0
}
