// Package doctor probes a Live Platform with leadgraph's configuration. The
// platform's documents contradict each other; the doctor finds out how this
// platform behaves and which settings follow. It reports findings, counts and
// times, never a secret or lead data.
package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"leadgraph/upstream"
)

// Version is the version of the report's format. It changes when a name or its
// meaning changes, but not when a name is added.
const Version = 1

// Result is the outcome of a check.
type Result string

// The results of a check. After a warning leadgraph works, possibly only with a
// setting. After a failure it does not work, or would give wrong answers.
const (
	OK      Result = "ok"
	Warning Result = "warning"
	Failed  Result = "failed"
	Skipped Result = "skipped"
)

// Verdict summarises the checks.
type Verdict string

// The verdicts. Undecided means that the examination ended too early to tell.
const (
	Usable             Verdict = "usable"
	UsableWithSettings Verdict = "usable_with_settings"
	Unusable           Verdict = "unusable"
	Undecided          Verdict = "undecided"
)

// Setting is a flag of leadgraph serve. A switch has no value.
type Setting struct {
	Flag  string `json:"flag"`
	Value string `json:"value,omitempty"`
}

// Check is one question to the platform and its answer.
type Check struct {
	Name     string    `json:"name"`
	Result   Result    `json:"result"`
	Finding  string    `json:"finding"`
	Settings []Setting `json:"settings,omitempty"`

	unfinished bool // because of a timeout or the end of ctx
}

// Report is the result of an examination.
type Report struct {
	Version int     `json:"version"`
	Verdict Verdict `json:"verdict"`
	Checks  []Check `json:"checks"`
	// Settings lists the settings that differ from those given.
	Settings []Setting `json:"settings"`
	// Command starts leadgraph with these settings. It contains no secrets.
	Command string `json:"command"`
	Facts   Facts  `json:"facts"`
	// Calls is the number of all calls. Retried is how many of them repeated a
	// failed one.
	Calls   int   `json:"calls"`
	Retried int   `json:"retried"`
	TookMs  int64 `json:"tookMs"`
}

// The defaults of Options.
const (
	DefaultRate    = 10
	DefaultTimeout = 5 * time.Minute
)

// Options configure an examination.
type Options struct {
	// Platform is leadgraph's configuration. The doctor replaces its retries and
	// rate with its own, because retries would hide failures from it.
	Platform upstream.Options
	// Given lists the flags and values that leadgraph serve would get, without
	// secrets.
	Given [][2]string
	// Rate is the maximum number of calls per second; DefaultRate if 0.
	Rate int
	// Timeout bounds the whole examination; DefaultTimeout if 0.
	Timeout time.Duration
	// Show is called with each check as soon as it is done. It may be nil.
	Show func(Check)
}

// exam is an examination in progress.
type exam struct {
	options Options
	client  *upstream.Client
	limit   *rate.Limiter
	report  Report

	// Findings so far, which later checks use.
	first         int    // number of the first page
	ignoresNumber bool   // every page is the first
	tenantParam   string // empty if no spelling works
	answered      bool   // some answer had leads
	largest       int    // size of the largest page that is answered in full
	unreliable    bool   // pages cannot be requested by number and size
	whole         int    // number of leads if one page holds all of them, or -1
	start         *page  // the first page
	unknown       *page  // the answer for an unknown tenant
	census        census
	last          *page // the last answer, for its header

	// stop is the reason why the remaining checks are skipped. ended is true if the
	// reason is a timeout or an interrupt.
	stop  string
	ended bool
}

// Examine examines the platform, one call at a time. If ctx ends or the time runs
// out, it returns the findings so far. An error means that the options are invalid.
func Examine(ctx context.Context, options Options) (*Report, error) {
	if options.Rate < 0 {
		return nil, errors.New("the rate must not be negative")
	}
	options.Rate = cmp.Or(options.Rate, DefaultRate)
	options.Timeout = cmp.Or(options.Timeout, DefaultTimeout)
	if options.Show == nil {
		options.Show = func(Check) {}
	}
	platform := &options.Platform
	platform.Retries, platform.RatePerSecond = -1, 0
	platform.TenantParam = cmp.Or(platform.TenantParam, upstream.DefaultTenantParam)
	platform.PageSize = cmp.Or(platform.PageSize, upstream.DefaultPageSize)
	platform.MaxPages = cmp.Or(platform.MaxPages, upstream.DefaultMaxPages)
	platform.Timeout = cmp.Or(platform.Timeout, upstream.DefaultTimeout)
	platform.AttemptTimeout = cmp.Or(platform.AttemptTimeout, upstream.DefaultAttemptTimeout)
	client, err := upstream.NewClient(options.Platform)
	if err != nil {
		return nil, err
	}
	e := &exam{
		options:     options,
		client:      client,
		limit:       rate.NewLimiter(rate.Limit(options.Rate), 1),
		report:      Report{Version: Version, Settings: []Setting{}},
		first:       options.Platform.FirstPage,
		tenantParam: options.Platform.TenantParam,
		whole:       -1,
	}
	defer func() { e.client.Close() }() // a check may replace e.client
	start := time.Now()
	timed, cancel := context.WithTimeoutCause(ctx, options.Timeout, errTimeUp)
	defer cancel()
	for _, step := range e.steps() {
		e.take(timed, step)
	}
	e.report.TookMs = time.Since(start).Milliseconds()
	e.conclude()
	return &e.report, nil
}

var errTimeUp = errors.New("the examination timed out")

// step is one check.
type step struct {
	name string
	run  func(context.Context) (Check, error)
}

func (e *exam) steps() []step {
	return []step{
		{"token", e.token},
		{"platform", e.reach},
		{"first-page", e.firstPage},
		{"page-size", e.pageSize},
		{"order", e.order},
		{"shape", e.shape},
		{"tenant-param", e.tenants},
		{"unknown-tenant", e.unknownTenant},
		{"leads", e.leads},
		{"content", e.content},
		{"lookups", e.lookups},
		{"pages", e.pages},
		{"catalogue", e.catalogue},
		{"clock", e.clock},
		{"compression", e.compression},
	}
}

// essential lists the checks that a verdict requires.
var essential = []string{"token", "platform", "first-page", "page-size", "order", "tenant-param"}

func (e *exam) take(ctx context.Context, s step) {
	c := Check{Result: Skipped, Finding: e.stop, unfinished: e.ended}
	if e.stop == "" {
		var err error
		c, err = s.run(ctx)
		switch {
		case err != nil && ctx.Err() != nil:
			e.ended, e.stop = true, "interrupted"
			if errors.Is(context.Cause(ctx), errTimeUp) {
				e.stop = errTimeUp.Error()
			}
			c = Check{Result: Skipped, Finding: strings.TrimPrefix(c.Finding+": "+e.stop, ": "), unfinished: true}
		case err != nil:
			e.stop = "an earlier check failed"
			c = Check{Result: Failed, Finding: explain(err)}
		}
	}
	c.Name = s.name
	e.report.Checks = append(e.report.Checks, c)
	e.options.Show(c)
}

// conclude determines the verdict, the settings and the command. Without the
// essential checks the verdict is never "usable".
func (e *exam) conclude() {
	r := &e.report
	var settings []Setting
	for _, given := range e.options.Given {
		settings = append(settings, Setting{given[0], given[1]})
	}
	r.Verdict = Usable
	for _, c := range r.Checks {
		for _, s := range c.Settings {
			r.Settings = merge(r.Settings, s)
		}
	}
	slices.SortFunc(r.Settings, func(a, b Setting) int { return strings.Compare(a.Flag, b.Flag) })
	for _, s := range r.Settings {
		settings = merge(settings, s)
	}
	if len(r.Settings) > 0 {
		r.Verdict = UsableWithSettings
	}
	for _, c := range r.Checks {
		if c.unfinished && slices.Contains(essential, c.Name) {
			r.Verdict = Undecided
		}
	}
	if slices.ContainsFunc(r.Checks, func(c Check) bool { return c.Result == Failed }) {
		r.Verdict = Unusable
	}
	r.Command = command(settings)
}

// merge adds a setting, or replaces the one with the same flag.
func merge(list []Setting, s Setting) []Setting {
	if i := slices.IndexFunc(list, func(o Setting) bool { return o.Flag == s.Flag }); i >= 0 {
		list[i] = s
		return list
	}
	return append(list, s)
}

// set returns the setting of a flag, or nil if the given value is the wanted one.
func set[T comparable](flag string, want, given T) []Setting {
	if want == given {
		return nil
	}
	return []Setting{{flag, fmt.Sprint(want)}}
}

func found(result Result, settings []Setting, format string, args ...any) (Check, error) {
	return Check{Result: result, Finding: fmt.Sprintf(format, args...), Settings: settings}, nil
}
