package doctor

import (
	"context"
	"fmt"
	"math"

	"leadgraph/upstream"
)

// ladder are the page sizes asked for; the last is the largest documented one.
var ladder = []int{1, probeSize, 200, 1000, 5000, upstream.MaxPageSize}

const (
	// smallWindows is the page size up to which leadgraph reads windows of the
	// list at most times: two times --max-first, and cursors' rows beside.
	smallWindows = 2004
	// bisections bounds the search for the largest page that is not refused.
	bisections = 7
)

// pageSize climbs the ladder until there are no more leads, or the platform
// answers fewer than asked, or none.
func (e *exam) pageSize(ctx context.Context) (Check, error) {
	e.largest = upstream.MaxPageSize
	if e.ignoresNumber {
		return found(Skipped, nil, "without page numbers nothing follows from it")
	}
	if len(e.start.rows) == 0 {
		e.whole = 0
		p, err := e.list(ctx, e.first, upstream.MaxPageSize)
		if err == nil && p.refused() {
			return e.refusedAbove(ctx, e.start, upstream.MaxPageSize)
		}
		return Check{Result: Skipped, Finding: "the platform has no leads"}, err
	}
	full := &page{} // the largest that came full
	for _, size := range ladder {
		p, err := e.list(ctx, e.first, size)
		switch {
		case err != nil:
			return e.tooLarge(ctx, full.size, size, err)
		case p.refused():
			return e.refusedAbove(ctx, full, size)
		case len(p.rows) > size:
			return e.sizeIgnored(ctx, p)
		case len(p.rows) < size:
			return e.short(ctx, p)
		}
		full = p
	}
	e.honoured(full.size)
	return found(OK, nil, "asked for 1 to %s leads, that many come", thousands(full.size))
}

func (e *exam) honoured(largest int) {
	e.largest = largest
	e.report.Facts.PageSizeHonoured, e.report.Facts.LargestPage = new(true), new(largest)
}

func (e *exam) sizeIgnored(ctx context.Context, p *page) (Check, error) {
	e.unreliable, e.largest = true, len(p.rows)
	e.report.Facts.PageSizeHonoured = new(false)
	e.report.Facts.LargestPage = new(e.largest)
	if _, err := e.holdsAll(ctx, p); err != nil {
		return Check{}, err
	}
	return found(Warning, append(e.pageSettings(), byCatalogue), "the page size is ignored: asked for %s, %s come", plural(p.size, "lead"), thousands(len(p.rows)))
}

// holdsAll looks behind the first page and reports whether there is nothing. The
// first page may come twice there, if it was wrongly taken for page 0.
func (e *exam) holdsAll(ctx context.Context, p *page) (bool, error) {
	for number := e.first + 1; ; number++ {
		next, err := e.list(ctx, number, p.size)
		if err != nil {
			return false, err
		}
		if len(next.rows) == 0 {
			e.whole = len(p.rows)
			return true, nil
		}
		if number > e.first+1 || !same(next, p) {
			break
		}
	}
	return false, nil
}

// short looks behind a page that is not full: is that the end of the list?
func (e *exam) short(ctx context.Context, p *page) (Check, error) {
	if all, err := e.holdsAll(ctx, p); err != nil || !all {
		return e.cut(p, err)
	}
	if p.size < upstream.MaxPageSize {
		largest, err := e.list(ctx, e.first, upstream.MaxPageSize)
		if err != nil {
			return e.tooLarge(ctx, p.size, upstream.MaxPageSize, err)
		}
		if largest.refused() {
			return e.refusedAbove(ctx, p, upstream.MaxPageSize)
		}
	}
	e.honoured(upstream.MaxPageSize)
	return found(OK, nil, "as far as the %s of the platform can show it; %s may be asked for", plural(len(p.rows), "lead"), thousands(upstream.MaxPageSize))
}

// cut is a platform that answers fewer than asked, silently.
func (e *exam) cut(p *page, err error) (Check, error) {
	n := len(p.rows)
	e.honoured(n)
	e.unreliable = true
	return Check{
		Result:   Warning,
		Finding:  fmt.Sprintf("pages are cut: asked for %s, %s come", plural(p.size, "lead"), thousands(n)),
		Settings: append(e.pageSettings(), byCatalogue),
	}, err
}

// refusedAbove searches the largest page between one that was answered and one
// that was not.
func (e *exam) refusedAbove(ctx context.Context, answered *page, refused int) (Check, error) {
	for range bisections {
		if refused-answered.size <= max(1, answered.size/20) {
			break
		}
		size := int(math.Sqrt(float64(answered.size) * float64(refused))) // in the middle of their magnitudes
		p, err := e.list(ctx, e.first, size)
		if err != nil {
			return Check{}, err
		}
		if p.refused() {
			refused = size
		} else {
			answered = p
		}
	}
	if len(answered.rows) < answered.size {
		if all, err := e.holdsAll(ctx, answered); err != nil || !all {
			return e.cut(answered, err)
		}
	}
	return e.bounded(answered.size, "pages of more than some %s leads are refused", thousands(answered.size))
}

// tooLarge settles for a page below one that failed.
func (e *exam) tooLarge(ctx context.Context, answered, failed int, err error) (Check, error) {
	if ctx.Err() != nil || answered < probeSize {
		return Check{}, err
	}
	return e.bounded(answered, "pages of %s fail, those of %s come: %s", plural(failed, "lead"), thousands(answered), explain(err))
}

func (e *exam) bounded(largest int, format string, args ...any) (Check, error) {
	if largest == 0 {
		e.stop = "pages cannot be asked for"
		return found(Failed, nil, "pages of a single lead are refused")
	}
	e.honoured(largest)
	settings := e.pageSettings()
	if largest < smallWindows {
		settings = append(settings, byCatalogue)
	}
	return found(Warning, settings, format, args...)
}

// pageSettings keep to the largest page.
func (e *exam) pageSettings() []Setting {
	return append(set("--catalogue-page-size", e.largest, upstream.MaxPageSize),
		set("--page-size", min(e.options.Platform.PageSize, e.largest), e.options.Platform.PageSize)...)
}
