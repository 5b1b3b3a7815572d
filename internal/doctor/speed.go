package doctor

import (
	"context"
	"net/http"
	"slices"
	"time"
)

const (
	// samples is the number of lookups and of pages that are timed.
	samples = 10
	// heapPerByte is the memory in the catalogue for each byte on the wire. A lead of
	// the sandbox takes 1,530 bytes for 1,250 on the wire.
	heapPerByte = 1.25
	// catalogueTimeout is the default of --catalogue-timeout.
	catalogueTimeout = 2 * time.Minute
	// maxSkew is the maximum difference between clocks that does not affect tokens.
	maxSkew = 30 * time.Second
)

// lookups times lookups of tenants from all parts of the list. It checks that each
// returns at least as many leads as the list has for the tenant.
func (e *exam) lookups(ctx context.Context) (Check, error) {
	c := &e.census
	if e.tenantParam == "" || len(c.tenants) == 0 {
		return found(Skipped, nil, "no tenant can be looked up")
	}
	var took []time.Duration
	fewer := 0
	for i := range min(samples, len(c.tenants)) {
		tenant := c.tenants[i*len(c.tenants)/min(samples, len(c.tenants))]
		p, err := e.lookup(ctx, e.tenantParam, tenant)
		if err == nil {
			err = p.bad
		}
		if err != nil {
			return Check{}, err
		}
		if !p.areOf(tenant) {
			return found(Failed, nil, "a lookup returned leads of other tenants: the tenant filter is ignored")
		}
		took = append(took, p.Took)
		if len(p.rows) < c.perTenant[tenant] {
			fewer++
		}
	}
	p50, p95 := quantiles(took)
	e.report.Facts.LookupP50Ms, e.report.Facts.LookupP95Ms = new(ms(p50)), new(ms(p95))
	if fewer > 0 {
		return found(Warning, nil, "%d of %d lookups returned fewer leads than the list has for the tenant: did the list change in the meantime?", fewer, len(took))
	}
	return e.timed(p50, p95, len(took))
}

// timed compares the times with the timeout of an attempt.
func (e *exam) timed(p50, p95 time.Duration, n int) (Check, error) {
	limit := e.options.Platform.AttemptTimeout
	if p95 <= limit/2 {
		return found(OK, nil, "p50 %s, p95 %s (%d lookups)", digits(p50), digits(p95), n)
	}
	attempt := (3 * p95).Round(time.Second) + time.Second
	all := max(3*attempt, e.options.Platform.Timeout)
	return found(Warning, []Setting{
		{"--upstream-attempt-timeout", attempt.String()},
		{"--upstream-timeout", all.String()},
		{"--request-timeout", all.String()},
	}, "p50 %s, p95 %s (%d lookups): too close to --upstream-attempt-timeout", digits(p50), digits(p95), n)
}

// pages times pages of the configured size.
func (e *exam) pages(ctx context.Context) (Check, error) {
	if len(e.census.seen) == 0 {
		return found(Skipped, nil, "the platform has no leads")
	}
	size := min(e.options.Platform.PageSize, e.largest)
	numbers := max(1, min(samples, len(e.census.seen)/size))
	var took []time.Duration
	for i := range samples {
		p, err := e.ask(ctx, query{number: e.first + i%numbers, size: size, unread: true})
		if err == nil {
			err = p.bad
		}
		if err != nil {
			return Check{}, err
		}
		took = append(took, p.Took)
	}
	p50, p95 := quantiles(took)
	e.report.Facts.PageP50Ms, e.report.Facts.PageP95Ms = new(ms(p50)), new(ms(p95))
	return found(OK, nil, "p50 %s, p95 %s (%d pages of up to %s)", digits(p50), digits(p95), len(took), plural(size, "lead"))
}

// catalogue estimates the time and memory that the catalogue takes.
func (e *exam) catalogue(context.Context) (Check, error) {
	c, f := &e.census, &e.report.Facts
	if len(c.seen) == 0 {
		return found(Skipped, nil, "the platform has no leads")
	}
	memory := float64(c.bytes) * heapPerByte / (1 << 20)
	f.BytesPerLead, f.CatalogueMs, f.CatalogueMiB = new(c.bytes/int64(len(c.seen))), new(ms(c.took)), new(float64(int(memory*10))/10)
	var settings []Setting
	result := OK
	if c.took > catalogueTimeout/2 {
		result, settings = Warning, []Setting{{"--catalogue-timeout", (3 * c.took).Round(time.Minute).String()}}
	}
	return found(result, settings, "all leads were read in %s and take about %.1f MiB, twice that during a refresh; %s bytes per lead",
		digits(c.took), memory, thousands(int(*f.BytesPerLead)))
}

// clock compares this machine's clock with the Date of the last answer, which has a
// resolution of one second.
func (e *exam) clock(context.Context) (Check, error) {
	date, err := http.ParseTime(e.last.Header.Get("Date"))
	if err != nil {
		return found(Skipped, nil, "the platform sends no Date header")
	}
	skew := date.Add(time.Second / 2).Sub(e.last.at.Add(e.last.Took)).Round(time.Second)
	e.report.Facts.ClockSkewSeconds = new(int(skew.Seconds()))
	if skew.Abs() > maxSkew {
		return found(Warning, nil, "this machine's clock differs from the platform's by %v: tokens can appear expired or not yet valid", skew.Abs())
	}
	return found(OK, nil, "within %v of the platform's clock", max(skew.Abs(), time.Second))
}

func (e *exam) compression(context.Context) (Check, error) {
	e.report.Facts.Compressed = new(e.start.Compressed)
	if e.start.Compressed {
		return found(OK, nil, "the platform compresses its answers")
	}
	return found(OK, nil, "the platform does not compress its answers")
}

// quantiles returns the median and the 95th percentile, by nearest rank.
func quantiles(took []time.Duration) (p50, p95 time.Duration) {
	sorted := slices.Sorted(slices.Values(took))
	rank := func(percent int) time.Duration { return sorted[(len(sorted)*percent+99)/100-1] }
	return rank(50), rank(95)
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()/10) / 100 }

// digits rounds a duration to about three digits.
func digits(d time.Duration) time.Duration {
	switch {
	case d > time.Minute:
		return d.Round(time.Second)
	case d > time.Second:
		return d.Round(10 * time.Millisecond)
	case d > 10*time.Millisecond:
		return d.Round(100 * time.Microsecond)
	}
	return d.Round(10 * time.Microsecond)
}
