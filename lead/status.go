package lead

import (
	"regexp"
	"strconv"
	"strings"
)

// Status is the status of a lead. The zero value is StatusUnknown.
type Status uint8

// The statuses that the portal shows [QLP].
const (
	StatusUnknown Status = iota
	StatusActive
	StatusNotActive
	StatusSuspended
	StatusRemoved
)

// StatusNames are the names of all statuses in the schema. Do not change them.
var StatusNames = map[Status]string{
	StatusUnknown:   "UNKNOWN",
	StatusActive:    "ACTIVE",
	StatusNotActive: "NOT_ACTIVE",
	StatusSuspended: "SUSPENDED",
	StatusRemoved:   "REMOVED",
}

// ParseStatus maps the platform's text to a Status. It ignores case, spaces and
// underscores, because the spelling varies between the platform's pages. An unknown
// text is StatusUnknown and not an error: a new status must not fail a page.
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

// ValidationStatus says whether a civic address was validated. The zero value is
// ValidationUnknown.
type ValidationStatus uint8

// The validation statuses of Microsoft Teams [MS-CIV, MS-LOC].
const (
	ValidationUnknown ValidationStatus = iota
	ValidationValidated
	ValidationInvalid
	ValidationNotValidated
)

// ValidationNames are the names of all validation statuses in the schema. Do not change
// them.
var ValidationNames = map[ValidationStatus]string{
	ValidationUnknown:      "UNKNOWN",
	ValidationValidated:    "VALIDATED",
	ValidationInvalid:      "INVALID",
	ValidationNotValidated: "NOT_VALIDATED",
}

// ParseValidationStatus maps the platform's text in the same way as ParseStatus.
// "Valid" and "Validated" are two spellings of one status.
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

// wordBreaks removes the separators in which the spellings of a status differ.
var wordBreaks = strings.NewReplacer(" ", "", "_", "")

func fold(text string) string { return strings.ToLower(wordBreaks.Replace(text)) }

// SizeRange is a range of employee counts. Max is nil if there is no upper limit.
type SizeRange struct {
	Min int
	Max *int
}

// sizeBand matches codes like L250_U999, which we take for "lower 250, upper 999".
// Only this code is documented [GAL], without its meaning.
var sizeBand = regexp.MustCompile(`^L(\d{1,9})(?:_U(\d{1,9}))?$`)

// ParseSizeRange parses an employee range such as L250_U999 or L1000. It returns nil
// for anything else, because other codes are not documented.
func ParseSizeRange(code *string) *SizeRange {
	if code == nil {
		return nil
	}
	m := sizeBand.FindStringSubmatch(*code)
	if m == nil {
		return nil
	}
	low, _ := strconv.Atoi(m[1]) // at most nine digits, so it cannot overflow
	size := &SizeRange{Min: low}
	if m[2] != "" {
		high, _ := strconv.Atoi(m[2])
		size.Max = &high
	}
	return size
}
