package lead

import (
	"regexp"
	"strconv"
	"strings"
)

// Status is the state of a lead. The zero value is StatusUnknown.
type Status uint8

// The states that the portal names [QLP].
const (
	StatusUnknown Status = iota
	StatusActive
	StatusNotActive
	StatusSuspended
	StatusRemoved
)

// ParseStatus maps the platform's text, whose spelling varies between its
// pages, ignoring case, spaces and underscores. What it does not know is
// StatusUnknown, never an error: one new word must not fail a page.
func ParseStatus(text string) Status {
	switch fold(text) {
	case "active":
		return StatusActive
	case "notactive":
		return StatusNotActive
	case "suspended":
		return StatusSuspended
	case "removed":
		return StatusRemoved
	}
	return StatusUnknown
}

// ValidationStatus says whether a civic address was validated. The zero value
// is ValidationUnknown.
type ValidationStatus uint8

// The validation states of Microsoft Teams [MS-CIV, MS-LOC].
const (
	ValidationUnknown ValidationStatus = iota
	ValidationValidated
	ValidationInvalid
	ValidationNotValidated
)

// ParseValidationStatus maps the platform's text as ParseStatus does. "Valid"
// and "Validated" are two spellings of one state.
func ParseValidationStatus(text string) ValidationStatus {
	switch fold(text) {
	case "valid", "validated":
		return ValidationValidated
	case "invalid":
		return ValidationInvalid
	case "notvalidated":
		return ValidationNotValidated
	}
	return ValidationUnknown
}

// wordBreaks drops what the spellings of one word differ in.
var wordBreaks = strings.NewReplacer(" ", "", "_", "")

func fold(text string) string { return strings.ToLower(wordBreaks.Replace(text)) }

// SizeRange is a band of employee counts. Max is nil when the band is open.
type SizeRange struct {
	Min int
	Max *int
}

// sizeBand reads L250_U999 as "lower 250, upper 999". Only that one code is
// documented [GAL]; the meaning is inferred.
var sizeBand = regexp.MustCompile(`^L(\d{1,9})(?:_U(\d{1,9}))?$`)

// ParseSizeRange reads an employee band such as L250_U999 or L1000. It returns
// nil for anything else, because other codes are undocumented.
func ParseSizeRange(code *string) *SizeRange {
	if code == nil {
		return nil
	}
	m := sizeBand.FindStringSubmatch(*code)
	if m == nil {
		return nil
	}
	low, _ := strconv.Atoi(m[1]) // at most nine digits: always fits
	size := &SizeRange{Min: low}
	if m[2] != "" {
		high, _ := strconv.Atoi(m[2])
		size.Max = &high
	}
	return size
}
