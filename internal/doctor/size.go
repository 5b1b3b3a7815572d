package doctor

import (
	"context"

	"leadgraph/upstream"
)

// ladder are the page sizes asked for; the last is the largest documented one.
var ladder = []int{1, probeSize, 200, 1000, 5000, upstream.MaxPageSize}

const (
	// smallWindows is the page size up to which leadgraph reads windows of the
	// list at most times: two times --max-first, and cursors' rows beside.
	smallWindows = 2004
	// bisections bounds the search for the largest page that is not refused.
	bisections = 6
)

// pageSize climbs the ladder until there are no more leads, or the platform
// answers fewer than asked, or none.
func (e *exam) pageSize(ctx context.Context) (Check, error) {
	e.largest = upstream.MaxPageSize
	if len(e.start.rows) == 0 {
		e.whole = 0
		return found(Skipped, nil, "the platform has no leads")
	}
	full := 0 // the largest size that came full
	for _, size := range ladder {
		p, err := e.list(ctx, e.first, size)
		switch {
		case err != nil:
			return e.tooLarge(ctx, full, size, err)
		case p.refused():
			return e.refusedAbove(ctx, full, size)
		case len(p.rows) > size:
			return e.sizeIgnored(ctx, p)
		case len(p.rows) < size:
			return e.short(ctx, full, p)
		}
		full = size
	}
	return e.honoured("asked for 1 to %s leads, that many come", thousands(full))
}

func (e *exam) honoured(format string, args ...any) (Check, error) {
	e.report.Facts.PageSizeHonoured = new(true)
	e.report.Facts.LargestPage = new(e.largest)
	if e.ignoresNumber && e.whole < 0 {
		return e.outOfReach()
	}
	return found(OK, nil, format, args...)
}

// outOfReach is the end where the number of the page does not count, and the
// first page does not hold all leads.
func (e *exam) outOfReach() (Check, error) {
	return found(Failed, nil, "the leads behind the first %s cannot be had: no page holds all of them, and the page number is ignored", thousands(e.largest))
}

func (e *exam) sizeIgnored(ctx context.Context, p *page) (Check, error) {
	e.unreliable, e.largest = true, len(p.rows)
	e.report.Facts.PageSizeHonoured = new(false)
	e.report.Facts.LargestPage = new(e.largest)
	next, err := e.list(ctx, e.first+1, p.size)
	if err != nil {
		return Check{}, err
	}
	if overlap(next, p) == len(next.rows) && !e.ignoresNumber {
		e.whole = len(p.rows)
	}
	if e.ignoresNumber {
		return e.outOfReach()
	}
	return found(Warning, []Setting{byCatalogue}, "the page size is ignored: asked for %s, %s come", plural(p.size, "lead"), thousands(len(p.rows)))
}

// short looks behind a page that is not full: is that the end of the list?
func (e *exam) short(ctx context.Context, full int, p *page) (Check, error) {
	n := len(p.rows)
	next, err := e.list(ctx, e.first+1, p.size)
	if err != nil {
		return Check{}, err
	}
	if overlap(next, p) < len(next.rows) || e.ignoresNumber && n == full {
		return e.cut(p)
	}
	e.whole = n
	if p.size < upstream.MaxPageSize {
		largest, err := e.list(ctx, e.first, upstream.MaxPageSize)
		if err != nil {
			return e.tooLarge(ctx, p.size, upstream.MaxPageSize, err)
		}
		if largest.refused() {
			return e.refusedAbove(ctx, p.size, upstream.MaxPageSize)
		}
	}
	return e.honoured("as far as the %s of the platform can show it; %s may be asked for", plural(n, "lead"), thousands(upstream.MaxPageSize))
}

// cut is a platform that answers fewer than asked, silently.
func (e *exam) cut(p *page) (Check, error) {
	e.largest, e.unreliable = len(p.rows), true
	if c, err := e.honoured(""); c.Result == Failed {
		return c, err
	}
	return found(Warning, append(e.pageSettings(), byCatalogue), "pages are cut: asked for %s, %s come", plural(p.size, "lead"), thousands(len(p.rows)))
}

// refusedAbove searches the largest page between one that was answered and one
// that was not.
func (e *exam) refusedAbove(ctx context.Context, answered, refused int) (Check, error) {
	for range bisections {
		if refused-answered <= max(1, answered/20) {
			break
		}
		size := (answered + refused) / 2
		p, err := e.list(ctx, e.first, size)
		if err != nil {
			return Check{}, err
		}
		if p.refused() {
			refused = size
		} else {
			answered = size
		}
	}
	return e.bounded(answered, "pages of more than some %s leads are refused", thousands(answered))
}

// tooLarge settles for a page below one that failed.
func (e *exam) tooLarge(ctx context.Context, answered, failed int, err error) (Check, error) {
	if ctx.Err() != nil || answered < probeSize {
		return Check{}, err
	}
	return e.bounded(answered, "pages of %s fail, those of %s come: %s", plural(failed, "lead"), thousands(answered), explain(err))
}

func (e *exam) bounded(largest int, format string, args ...any) (Check, error) {
	e.largest = largest
	if e.largest == 0 {
		e.stop = "pages cannot be asked for"
		return found(Failed, nil, "pages of a single lead are refused")
	}
	if c, err := e.honoured(""); c.Result == Failed {
		return c, err
	}
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
