package oracle

import "slices"

// Check judges the value of one root field.
type Check struct {
	Key   string // in the answer
	Judge func(j *Judge, value any)
}

// Response judges the answer to an operation by the checks of its root fields.
func (j *Judge) Response(checks []Check) {
	j.errors(expectedCodes)
	if j.Data == nil {
		if len(j.Errors) == 0 {
			j.fail("there are neither data nor errors")
		}
		return
	}
	for _, c := range checks {
		c.Judge(j, j.Data[c.Key])
	}
	for key := range j.Data {
		if !slices.ContainsFunc(checks, func(c Check) bool { return c.Key == key }) {
			j.fail("%s was not asked for", key)
		}
	}
}

// Refusal judges the answer to bad input in the root field with a key.
func (j *Judge) Refusal(key string) {
	// The operations before it in an array may have used up the time.
	j.errors([]string{"BAD_USER_INPUT", "OVERLOADED", "UPSTREAM_TIMEOUT"})
	if len(j.Errors) == 0 || len(j.Data) > 0 && j.Data[key] != nil {
		j.fail("bad input was answered")
	}
}
