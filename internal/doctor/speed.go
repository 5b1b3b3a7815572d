package doctor

import (
	"context"
	"net/http"
	"slices"
	"time"
)

const (
	// samples is how many lookups and pages are timed.
	samples = 10
	// heapPerByte is what a lead takes in the catalogue, for a byte on the wire:
	// 1,530 for 1,250 with the sandbox's leads.
	heapPerByte = 1.25
	// catalogueTimeout is the default of --catalogue-timeout.
	catalogueTimeout = 2 * time.Minute
	// maxSkew is what clocks may differ by before tokens suffer.
	maxSkew = 30 * time.Second
)

// lookups times tenants from all over the list, and checks that each has the
// leads that the list has of it.
func (e *exam) lookups(ctx context.Context) (Check, error) {
	c := &e.census
	if e.tenantParam == "" || len(c.tenants) == 0 {
		return found(Skipped, nil, "there is no tenant that can be looked up")
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
		took = append(took, p.Took)
		if len(p.rows) < c.perTenant[tenant] {
			fewer++
		}
	}
	p50, p95 := quantiles(took)
	e.report.Facts.LookupP50Ms, e.report.Facts.LookupP95Ms = new(ms(p50)), new(ms(p95))
	if fewer > 0 {
		return found(Warning, nil, "%d of %d lookups gave fewer leads than the list has of the tenant: was the list changed meanwhile?", fewer, len(took))
	}
	return e.timed(p50, p95, len(took))
}

// timed compares with the time-out of an attempt.
func (e *exam) timed(p50, p95 time.Duration, n int) (Check, error) {
	limit := e.options.Platform.AttemptTimeout
	if p95 <= limit/2 {
		return found(OK, nil, "p50 %s, p95 %s, of %d", digits(p50), digits(p95), n)
	}
	attempt := (3 * p95).Round(time.Second) + time.Second
	all := max(3*attempt, e.options.Platform.Timeout)
	return found(Warning, []Setting{
		{"--upstream-attempt-timeout", attempt.String()},
		{"--upstream-timeout", all.String()},
		{"--request-timeout", all.String()},
	}, "p50 %s, p95 %s, of %d: the time-out of an attempt is too near", digits(p50), digits(p95), n)
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
	return found(OK, nil, "p50 %s, p95 %s, of %d with up to %s", digits(p50), digits(p95), len(took), plural(size, "lead"))
}

// catalogue estimates what the reading of all leads takes.
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
	return found(result, settings, "all leads are read in %s and take some %.1f MiB, twice that while they are read anew; %s bytes a lead",
		digits(c.took), memory, thousands(int(*f.BytesPerLead)))
}

// clock compares the Date of the last answer, which has whole seconds.
func (e *exam) clock(context.Context) (Check, error) {
	date, err := http.ParseTime(e.last.Header.Get("Date"))
	if err != nil {
		return found(Skipped, nil, "the platform sends no Date")
	}
	skew := date.Add(time.Second / 2).Sub(e.last.at.Add(e.last.Took)).Round(time.Second)
	e.report.Facts.ClockSkewSeconds = new(int(skew.Seconds()))
	if skew.Abs() > maxSkew {
		return found(Warning, nil, "this machine's clock differs from the platform's by %v: tokens can seem expired, or not yet good", skew.Abs())
	}
	return found(OK, nil, "the same as the platform's within %v", max(skew.Abs(), time.Second))
}

func (e *exam) compression(context.Context) (Check, error) {
	e.report.Facts.Compressed = new(e.start.Compressed)
	if e.start.Compressed {
		return found(OK, nil, "the platform compresses its answers")
	}
	return found(OK, nil, "the platform does not compress its answers")
}

// quantiles are the median and the 95th percentile, by nearest rank.
func quantiles(took []time.Duration) (p50, p95 time.Duration) {
	sorted := slices.Sorted(slices.Values(took))
	rank := func(percent int) time.Duration { return sorted[(len(sorted)*percent+99)/100-1] }
	return rank(50), rank(95)
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()/10) / 100 }

// digits is a duration with about three digits.
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
