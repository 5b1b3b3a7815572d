package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Facts holds the findings as values. Unknown facts are omitted. Times are in
// milliseconds unless the name says otherwise.
type Facts struct {
	TokenSeconds            *int     `json:"tokenSeconds,omitempty"`
	FirstPage               *int     `json:"firstPage,omitempty"`
	PageNumberHonoured      *bool    `json:"pageNumberHonoured,omitempty"`
	PageSizeHonoured        *bool    `json:"pageSizeHonoured,omitempty"`
	LargestPage             *int     `json:"largestPage,omitempty"`
	OrderStable             *bool    `json:"orderStable,omitempty"`
	Shape                   string   `json:"shape,omitempty"`
	TenantParams            []string `json:"tenantParams,omitempty"`
	UnknownTenantStatus     int      `json:"unknownTenantStatus,omitempty"`
	Leads                   *int     `json:"leads,omitempty"`
	Complete                *bool    `json:"complete,omitempty"`
	Tenants                 *int     `json:"tenants,omitempty"`
	TenantsWithSeveralLeads *int     `json:"tenantsWithSeveralLeads,omitempty"`
	UnknownStatuses         *int     `json:"unknownStatuses,omitempty"`
	UnknownStatusSpellings  *int     `json:"unknownStatusSpellings,omitempty"`
	UnreadableTimes         *int     `json:"unreadableTimes,omitempty"`
	UnreadableRows          *int     `json:"unreadableRows,omitempty"`
	OddValues               *int     `json:"oddValues,omitempty"`
	UnknownFieldsPercent    *float64 `json:"unknownFieldsPercent,omitempty"`
	LookupP50Ms             *float64 `json:"lookupP50Ms,omitempty"`
	LookupP95Ms             *float64 `json:"lookupP95Ms,omitempty"`
	PageP50Ms               *float64 `json:"pageP50Ms,omitempty"`
	PageP95Ms               *float64 `json:"pageP95Ms,omitempty"`
	BytesPerLead            *int64   `json:"bytesPerLead,omitempty"`
	CatalogueMs             *float64 `json:"catalogueMs,omitempty"`
	CatalogueMiB            *float64 `json:"catalogueMiB,omitempty"`
	ClockSkewSeconds        *int     `json:"clockSkewSeconds,omitempty"`
	Compressed              *bool    `json:"compressed,omitempty"`
}

// String returns the setting as shell arguments.
func (s Setting) String() string {
	if s.Value == "" {
		return s.Flag
	}
	return s.Flag + " " + quote(s.Value)
}

// quote quotes a value for a shell if necessary.
func quote(value string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=@,+", r)
	}
	if !strings.ContainsFunc(value, func(r rune) bool { return !plain(r) }) {
		return value
	}
	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}

func command(settings []Setting) string {
	parts := []string{"leadgraph serve"}
	for _, s := range settings {
		parts = append(parts, s.String())
	}
	return strings.Join(parts, " ")
}

// Line writes the check as one line of the readable report.
func (c Check) Line(w io.Writer) error {
	text := c.Finding
	for i, s := range c.Settings {
		joint := " "
		if i == 0 {
			joint = "  →  "
		}
		text += joint + s.String()
	}
	_, err := fmt.Fprintf(w, "%-8s %-15s %s\n", c.Result, c.Name, text)
	return err
}

// End writes the part of the readable report that follows the checks.
func (r *Report) End(w io.Writer) error {
	verdict := map[Verdict]string{
		Usable:             "usable as configured",
		UsableWithSettings: "usable with these settings",
		Unusable:           "not usable: see the failed checks",
		Undecided:          "undecided: the examination ended too early to tell",
	}[r.Verdict]
	var text strings.Builder
	if r.Verdict == Usable || r.Verdict == UsableWithSettings {
		fmt.Fprintf(&text, "\nsettings to use (secrets come from the environment or from files):\n  %s\n", r.Command)
	}
	fmt.Fprintf(&text, "\nverdict: %s (%s, %s failed; %s in %v, %d of them retries)\n", verdict,
		plural(r.count(Warning), "warning"), thousands(r.count(Failed)), plural(r.Calls, "call"), digits(time.Duration(r.TookMs)*time.Millisecond), r.Retried)
	_, err := io.WriteString(w, text.String())
	return err
}

func (r *Report) count(result Result) int {
	n := 0
	for _, c := range r.Checks {
		if c.Result == result {
			n++
		}
	}
	return n
}

// JSON writes the report as JSON.
func (r *Report) JSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

// Run examines the platform and writes the report: each check as soon as it is
// done, or JSON at the end. It returns an error unless the platform is usable.
func Run(ctx context.Context, options Options, asJSON bool, w io.Writer) error {
	var broken error // from writing to w
	if !asJSON {
		options.Show = func(c Check) { broken = errors.Join(broken, c.Line(w)) }
	}
	report, err := Examine(ctx, options)
	if err != nil {
		return err
	}
	if asJSON {
		broken = report.JSON(w)
	} else {
		broken = errors.Join(broken, report.End(w))
	}
	if broken != nil {
		return broken
	}
	switch report.Verdict {
	case Unusable:
		return errors.New("the platform cannot be used")
	case Undecided:
		return errors.New("it is unknown whether the platform can be used")
	}
	return nil
}
