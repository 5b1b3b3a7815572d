// Package doctor probes a Live Platform as leadgraph is configured to reach it.
// It settles what the platform's documents contradict each other about, and says
// which settings follow. What it tells is findings, counts and times: never a
// secret, nor anything of a lead.
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

// Version is that of the report's form. It changes when a name or a meaning in
// it does, not when one is added.
const Version = 1

// Result is how a check ended.
type Result string

// The results of a check. After a warning leadgraph works, maybe by a setting;
// after a failure it does not, or would answer wrongly.
const (
	OK      Result = "ok"
	Warning Result = "warning"
	Failed  Result = "failed"
	Skipped Result = "skipped"
)

// Verdict sums the checks up.
type Verdict string

// The verdicts. Undecided is that of an examination that ended before it knew.
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

	unfinished bool // because the time ran out or ctx ended
}

// Report is what an examination found.
type Report struct {
	Version int     `json:"version"`
	Verdict Verdict `json:"verdict"`
	Checks  []Check `json:"checks"`
	// Settings are those that differ from what was given.
	Settings []Setting `json:"settings"`
	// Command starts leadgraph with them; secrets are not in it.
	Command string `json:"command"`
	Facts   Facts  `json:"facts"`
	// Calls were made in all, Retried of them because one before had failed.
	Calls   int   `json:"calls"`
	Retried int   `json:"retried"`
	TookMs  int64 `json:"tookMs"`
}

// Options say what to examine and how gently.
type Options struct {
	// Platform is how leadgraph is configured. Its retries and rate are replaced
	// by the doctor's own, because it must see what they hide.
	Platform upstream.Options
	// Given are the flags and values that leadgraph serve would get, without
	// secrets.
	Given [][2]string
	// Rate is the most calls a second. Default 10.
	Rate int
	// Timeout bounds the whole examination. Default 5 minutes.
	Timeout time.Duration
	// Show gets each check as soon as it is done. Default: nobody.
	Show func(Check)
}

// exam is an examination under way.
type exam struct {
	options Options
	client  *upstream.Client
	limit   *rate.Limiter
	report  Report

	// What was found so far and the later checks build on.
	first         int    // number of the first page
	ignoresNumber bool   // every page is the first
	tenantParam   string // empty if none counts
	largest       int    // page that is answered in full
	unreliable    bool   // pages cannot be asked for by number and size
	whole         int    // leads, if one page was seen to hold all of them; or -1
	start         *page
	unknown       *page // the answer for an unknown tenant
	census        census
	last          *page // the last answer, for its header

	// stop says why the remaining checks are skipped, ended that there was no
	// more time for them.
	stop  string
	ended bool
}

// Examine asks the platform, one call at a time. It returns what is known when
// ctx ends or the time runs out. The error says that the options are wrong.
func Examine(ctx context.Context, options Options) (*Report, error) {
	if options.Rate < 0 {
		return nil, errors.New("the rate must not be negative")
	}
	options.Rate = cmp.Or(options.Rate, 10)
	options.Timeout = cmp.Or(options.Timeout, 5*time.Minute)
	if options.Show == nil {
		options.Show = func(Check) {}
	}
	platform := &options.Platform
	platform.Retries, platform.RatePerSecond = -1, 0
	platform.TenantParam = cmp.Or(platform.TenantParam, "msTenantID")
	platform.PageSize = cmp.Or(platform.PageSize, upstream.DefaultPageSize)
	platform.MaxPages = cmp.Or(platform.MaxPages, 10_000)
	platform.Timeout = cmp.Or(platform.Timeout, 10*time.Second)
	platform.AttemptTimeout = cmp.Or(platform.AttemptTimeout, 3*time.Second)
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
	defer func() { e.client.Close() }() // another one may have taken its place
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

var errTimeUp = errors.New("the time for the examination ran out")

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

// essential are the checks without which nothing can be said.
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

// conclude sums up. The verdict on what was not examined is not "usable".
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

// merge adds a setting, in the place of one of the same flag.
func merge(list []Setting, s Setting) []Setting {
	if i := slices.IndexFunc(list, func(o Setting) bool { return o.Flag == s.Flag }); i >= 0 {
		list[i] = s
		return list
	}
	return append(list, s)
}

// set is the setting of a flag, unless its value is that already.
func set[T comparable](flag string, want, given T) []Setting {
	if want == given {
		return nil
	}
	return []Setting{{flag, fmt.Sprint(want)}}
}

func found(result Result, settings []Setting, format string, args ...any) (Check, error) {
	return Check{Result: result, Finding: fmt.Sprintf(format, args...), Settings: settings}, nil
}
