package doctor

import (
	"context"
	"slices"
	"strconv"

	"leadgraph/upstream"
)

// byCatalogue is the setting for platforms with unreliable pages.
var byCatalogue = Setting{Flag: "--pages-from-catalogue"}

// firstPage compares pages 0 and 1. If they overlap, because rows moved or the
// platform has no order, it tries other sizes: a large page may hold all leads.
func (e *exam) firstPage(ctx context.Context) (Check, error) {
	for _, size := range []int{probeSize, upstream.MaxPageSize, 1000, lookupSize} {
		c, decided, err := e.comparePages(ctx, size)
		if decided || err != nil {
			return c, err
		}
	}
	return found(Warning, nil, "pages 0 and 1 overlap, so the first page cannot be determined; is the list changing?")
}

// comparePages distinguishes platforms that count pages from 1 from those that
// count from 0. The former repeat page 1 as page 0, answer page 0 empty, or refuse
// it. The latter answer page 1 empty if they have few leads.
func (e *exam) comparePages(ctx context.Context, size int) (c Check, decided bool, err error) {
	zero, err := e.list(ctx, 0, size)
	if err != nil {
		return Check{}, false, err
	}
	one, err := e.list(ctx, 1, size)
	if err != nil {
		return Check{}, false, err
	}
	if e.start == nil {
		e.start = zero
	}
	switch {
	case zero.refused() && one.refused() && size > probeSize:
		return Check{}, false, nil
	case zero.refused() && one.refused():
		e.stop = "pages cannot be requested"
		c, err = found(Failed, nil, "pages 0 and 1 are both refused (%d): is the base URL right, including https?", one.Status)
	case zero.refused():
		c, err = e.countsFrom(1, one, "page 0 is refused (%d)", zero.Status)
	case len(zero.rows) == 0 && len(one.rows) > 0:
		c, err = e.countsFrom(1, one, "page 0 is empty and page 1 is not")
	case len(zero.rows) == 0:
		c, err = found(Warning, nil, "the platform has no leads, so the first page cannot be determined; run again when it has some")
	case len(one.rows) == 0:
		c, err = e.countsFrom(0, zero, "page 0 has %s and page 1 none", plural(len(zero.rows), "lead"))
	case same(zero, one):
		c, err = e.repeated(ctx, one)
	case overlap(zero, one) == 0:
		c, err = e.countsFrom(0, zero, "pages 0 and 1 differ")
	default:
		return Check{}, false, nil
	}
	return c, true, err
}

// repeated distinguishes a platform that counts from 1 from one that answers every
// page number alike. The latter's number of leads cannot be determined: an answer
// that is not full may have been cut.
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
			return found(Failed, nil, "the page number is ignored: every page is the first; the spelling %s works, but leadgraph has no setting for it", key)
		}
	}
	return found(Failed, nil, "the page number is ignored: every page is the first, so the leads after it cannot be read")
}

func (e *exam) countsFrom(number int, start *page, format string, args ...any) (Check, error) {
	e.first, e.start = number, start
	e.report.Facts.FirstPage = new(number)
	e.report.Facts.PageNumberHonoured = new(true)
	return found(OK, set("--first-page", number, e.options.Platform.FirstPage), "%d: "+format, append([]any{number}, args...)...)
}

// order requests the same rows in several ways and compares the answers.
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
		return found(OK, nil, "a page requested again, whole and in two halves, has the same leads in the same order")
	}
	if stable, err = e.agree(ctx); err != nil {
		return Check{}, err
	}
	if stable {
		e.report.Facts.OrderStable = new(true)
		return found(Warning, nil, "rows moved while they were read, but not on a second try: leads are being added or removed")
	}
	return e.noOrder(ctx)
}

// agree compares a page with a second copy and, if pages are reliable, with its two
// halves.
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

// noOrder handles a platform without a stable order. It is usable only if one page
// holds all leads.
func (e *exam) noOrder(ctx context.Context) (Check, error) {
	e.unreliable = true
	e.report.Facts.OrderStable = new(false)
	if e.whole < 0 {
		return found(Failed, nil, "a page requested again is different: without a stable order pages repeat and omit leads, and no single page holds all leads")
	}
	if c, _, err := e.comparePages(ctx, e.largest); err != nil { // the earlier result may have been chance
		return c, err
	}
	return found(Warning, []Setting{byCatalogue, {"--first-page", strconv.Itoa(e.first)}}, "the platform has no stable order, but one page holds all leads")
}
