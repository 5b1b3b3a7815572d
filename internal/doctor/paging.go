package doctor

import (
	"context"
	"slices"
	"strconv"

	"leadgraph/upstream"
)

// byCatalogue is the setting for platforms whose pages cannot be relied on.
var byCatalogue = Setting{Flag: "--pages-from-catalogue"}

// firstPage compares the pages 0 and 1. A platform that counts from 1 repeats
// page 1 for page 0, or answers it empty, or refuses it; one that counts from 0
// and has few leads answers page 1 empty.
func (e *exam) firstPage(ctx context.Context) (Check, error) {
	return e.comparePages(ctx, probeSize)
}

func (e *exam) comparePages(ctx context.Context, size int) (Check, error) {
	zero, err := e.list(ctx, 0, size)
	if err != nil {
		return Check{}, err
	}
	one, err := e.list(ctx, 1, size)
	if err != nil {
		return Check{}, err
	}
	switch {
	case zero.refused() && one.refused():
		e.stop = "pages cannot be asked for"
		return found(Failed, nil, "page 0 and page 1 are both refused (%d): is the base URL right, https included?", one.Status)
	case zero.refused():
		return e.countsFrom(1, one, "page 0 is refused (%d)", zero.Status)
	case len(zero.rows) == 0 && len(one.rows) > 0:
		return e.countsFrom(1, one, "page 0 is empty and page 1 is not")
	case len(zero.rows) == 0:
		e.start, e.firstUnsure = zero, true
		return found(Warning, nil, "the platform has no leads, so this cannot be told; ask again when it has some")
	case len(one.rows) == 0:
		return e.countsFrom(0, zero, "page 0 holds the only %s", plural(len(zero.rows), "lead"))
	case same(zero, one):
		return e.repeated(ctx, one)
	case overlap(zero, one) == 0:
		return e.countsFrom(0, zero, "the pages 0 and 1 differ")
	case size == upstream.MaxPageSize:
		e.start, e.firstUnsure = zero, true
		return found(Warning, nil, "the pages 0 and 1 overlap, so this cannot be told: is the list being changed?")
	}
	// Rows moved, or the platform has no order. A page with all leads has neither.
	return e.comparePages(ctx, upstream.MaxPageSize)
}

// repeated tells a platform that counts from 1 from one that answers every page
// alike.
func (e *exam) repeated(ctx context.Context, one *page) (Check, error) {
	two, err := e.list(ctx, 2, one.size)
	if err != nil {
		return Check{}, err
	}
	if !same(one, two) {
		return e.countsFrom(1, one, "page 0 repeats page 1")
	}
	e.start, e.ignoresNumber, e.unreliable = one, true, true
	e.report.Facts.PageNumberHonoured = new(false)
	for _, key := range []string{"Page", "PageIndex", "PageNo"} {
		other, err := e.ask(ctx, query{number: 2, size: one.size, numberKey: key})
		if err != nil {
			return Check{}, err
		}
		if other.bad == nil && !same(one, other) {
			return found(Warning, []Setting{byCatalogue}, "the page number is ignored: every page is the first; spelt %s it counts, but leadgraph has no setting for that", key)
		}
	}
	return found(Warning, []Setting{byCatalogue}, "the page number is ignored: every page is the first")
}

func (e *exam) countsFrom(number int, start *page, format string, args ...any) (Check, error) {
	e.first, e.start = number, start
	e.report.Facts.FirstPage = new(number)
	e.report.Facts.PageNumberHonoured = new(true)
	return found(OK, set("--first-page", number, e.options.Platform.FirstPage), "%d: "+format, append([]any{number}, args...)...)
}

// order asks for the same rows in several ways.
func (e *exam) order(ctx context.Context) (Check, error) {
	if len(e.start.rows) < 2 {
		return found(Skipped, nil, "there are too few leads to tell")
	}
	stable, err := e.agree(ctx)
	if err != nil {
		return Check{}, err
	}
	if stable {
		e.report.Facts.OrderStable = new(true)
		return found(OK, nil, "the same page asked for again, and in two halves, is the same")
	}
	if stable, err = e.agree(ctx); err != nil {
		return Check{}, err
	}
	if stable {
		e.report.Facts.OrderStable = new(true)
		return found(Warning, nil, "rows moved while they were read, but then stood still: leads come and go at the moment")
	}
	return e.noOrder(ctx)
}

// agree compares a page with itself, and with its halves if sizes count.
func (e *exam) agree(ctx context.Context) (bool, error) {
	whole, err := e.list(ctx, e.first, probeSize)
	if err != nil {
		return false, err
	}
	parts := []query{{number: e.first, size: probeSize}}
	if !e.unreliable {
		parts = append(parts, query{number: e.first, size: probeSize / 2}, query{number: e.first + 1, size: probeSize / 2})
	}
	var got []string
	for i, q := range parts {
		p, err := e.list(ctx, q.number, q.size)
		if err != nil {
			return false, err
		}
		if got = append(got, ids(p.rows)...); i == 1 {
			continue // the other half follows
		}
		if !slices.Equal(got, ids(whole.rows)) {
			return false, nil
		}
		got = nil
	}
	return true, nil
}

// noOrder is bearable only where one page holds all leads.
func (e *exam) noOrder(ctx context.Context) (Check, error) {
	e.unreliable = true
	e.report.Facts.OrderStable = new(false)
	if e.whole < 0 {
		return found(Failed, nil, "the same page asked for again is another: without an order pages repeat and leave out leads, and no page holds all of them")
	}
	settings := []Setting{byCatalogue}
	if !e.ignoresNumber { // what was compared before may have been chance
		if c, err := e.comparePages(ctx, e.largest); err != nil {
			return c, err
		}
		settings = append(settings, Setting{"--first-page", strconv.Itoa(e.first)})
	}
	return found(Warning, settings, "the platform has no order of its own, but one page holds all leads")
}
