package doctor

import (
	"context"
	"fmt"
	"math"

	"leadgraph/upstream"
)

// ladder lists the page sizes to request. The last is the largest documented one.
var ladder = []int{1, probeSize, 200, 1000, 5000, upstream.MaxPageSize}

const (
	// smallWindows is the page size that suffices for most windows of the list:
	// twice --max-first, and rows next to the cursors.
	smallWindows = 2018
	// bisections is the maximum number of steps in the search for the largest page
	// that is not refused.
	bisections = 7
)

// pageSize requests the sizes of the ladder until there are no more leads, or the
// platform returns fewer leads than requested, refuses the size or fails.
func (e *exam) pageSize(ctx context.Context) (Check, error) {
	e.largest = upstream.MaxPageSize
	if e.ignoresNumber {
		return found(Skipped, nil, "the page size does not matter if the page number is ignored")
	}
	if len(e.start.rows) == 0 {
		e.whole = 0
		p, err := e.list(ctx, e.first, upstream.MaxPageSize)
		if err == nil && p.refused() {
			return e.refusedAbove(ctx, e.start, upstream.MaxPageSize)
		}
		return Check{Result: Skipped, Finding: "the platform has no leads"}, err
	}
	full := &page{} // the largest page that was full
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
	return found(OK, nil, "pages of 1 to %s leads are answered in full", thousands(full.size))
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
	return found(Warning, append(e.pageSettings(), byCatalogue), "the page size is ignored: requested %s, got %s", plural(p.size, "lead"), thousands(len(p.rows)))
}

// holdsAll reads past the first page and reports whether nothing follows. It requests
// pages of as many leads as the first one has, because a platform that cuts larger pages
// may have none after it. The first page may repeat once there, if page 0 was wrongly
// taken for the first page.
func (e *exam) holdsAll(ctx context.Context, p *page) (bool, error) {
	for number := e.first + 1; ; number++ {
		next, err := e.list(ctx, number, max(1, len(p.rows)))
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

// short handles a page that is not full. It checks whether the list ends there.
func (e *exam) short(ctx context.Context, p *page) (Check, error) {
	if all, err := e.holdsAll(ctx, p); err != nil || !all {
		return e.cut(ctx, p, err)
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
	return found(OK, nil, "honoured as far as the platform's %s can show; up to %s can be requested", plural(len(p.rows), "lead"), thousands(upstream.MaxPageSize))
}

// cut handles a platform that silently returns fewer leads than requested. leadgraph
// notices that and asks for smaller pages; the settings save it the first tries.
// It cannot do so where larger pages are refused or fail.
func (e *exam) cut(ctx context.Context, p *page, err error) (Check, error) {
	n := len(p.rows)
	var settings []Setting
	if err == nil {
		if largest, failure := e.list(ctx, e.first, upstream.MaxPageSize); failure != nil || largest.refused() {
			settings = []Setting{byCatalogue}
		}
	}
	e.honoured(n)
	e.unreliable = true
	return Check{
		Result:   Warning,
		Finding:  fmt.Sprintf("pages are cut: requested %s, got %s; leadgraph reads pages of that size", plural(p.size, "lead"), thousands(n)),
		Settings: append(e.pageSettings(), settings...),
	}, err
}

// refusedAbove searches for the largest accepted page size between one that was
// answered and one that was refused.
func (e *exam) refusedAbove(ctx context.Context, answered *page, refused int) (Check, error) {
	for range bisections {
		if refused-answered.size <= max(1, answered.size/20) {
			break
		}
		size := int(math.Sqrt(float64(answered.size) * float64(refused))) // the geometric mean
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
			return e.cut(ctx, answered, err)
		}
	}
	return e.bounded(answered.size, "pages of more than about %s leads are refused", thousands(answered.size))
}

// tooLarge uses the largest page that was answered, after a larger one failed.
func (e *exam) tooLarge(ctx context.Context, answered, failed int, err error) (Check, error) {
	if ctx.Err() != nil || answered < probeSize {
		return Check{}, err
	}
	return e.bounded(answered, "pages of %s fail, pages of %s work: %s", plural(failed, "lead"), thousands(answered), explain(err))
}

func (e *exam) bounded(largest int, format string, args ...any) (Check, error) {
	if largest == 0 {
		e.stop = "pages cannot be requested"
		return found(Failed, nil, "pages of a single lead are refused")
	}
	e.honoured(largest)
	settings := e.pageSettings()
	if largest < smallWindows {
		settings = append(settings, byCatalogue)
	}
	return found(Warning, settings, format, args...)
}

// pageSettings returns settings that limit page sizes to the largest that works.
func (e *exam) pageSettings() []Setting {
	return append(set("--catalogue-page-size", e.largest, upstream.MaxPageSize),
		set("--page-size", min(e.options.Platform.PageSize, e.largest), e.options.Platform.PageSize)...)
}
