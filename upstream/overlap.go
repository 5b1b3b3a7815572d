package upstream

import (
	"context"
	"log/slog"
	"slices"

	"leadgraph/lead"
)

const (
	// mostOverlap is the number of rows that a page shares with the one before. Pages of
	// less than four times as many rows share a quarter of theirs.
	mostOverlap = 8
	// maxBacks bounds the pages that a walk reads to find rows that have moved.
	maxBacks = 12
)

// next returns the page that follows what was read. It begins before the end of that, if
// a page of the platform does so and goes on after it: pages begin at multiples of their
// size only.
func (w *walk) next() part {
	if !w.fixed {
		for shared := w.overlap(); shared > 0; shared-- {
			if p, ok := w.reaching(shared); ok {
				return p
			}
		}
	}
	return part{page: (w.read + w.size - 1) / w.size, size: w.size}
}

func (w *walk) overlap() int { return min(max(w.size/4, 1), mostOverlap) }

// reaching returns the page that ends last of those that begin with at least so many
// rows that were read. It reports whether the page has other rows too.
func (w *walk) reaching(shared int) (best part, ok bool) {
	from, end := max(w.read-shared, 0), 0
	for size := w.size; 2*size > w.size; size-- {
		if p := (part{page: from / size, size: size}); p.start()+size > end {
			best, end = p, p.start()+size
		}
	}
	return best, end > w.read
}

// isSteady reports whether a page begins with the rows that were read in its place.
func (w *walk) isSteady(p part, rows []*lead.Lead) bool {
	if len(rows) < w.read-p.start() {
		return false
	}
	for i, l := range rows[:w.read-p.start()] {
		if at := p.start() + i - w.start; at >= 0 && w.tail[at] != idOf(l) {
			return false
		}
	}
	return true
}

// comeBack reports whether one of the new rows was read before. The last row that was
// read may be repeated.
func (w *walk) comeBack(rows []*lead.Lead) bool {
	last := w.tail[len(w.tail)-1]
	for _, l := range rows {
		if _, known := w.seen[idOf(l)]; known && l.ID != last {
			return true
		}
	}
	return false
}

// stepBack handles a page that does not begin with the rows that were read in its place.
// It reads earlier pages until one begins with rows that were read lately, so that all
// rows before them have been read, or at the start of the list. If it may not read so
// many, or the list has no order, it takes the page as it is if it has rows.
func (w *walk) stepBack(ctx context.Context, p part, rows []*lead.Lead, refusal error) (more bool, err error) {
	at, found := p, rows
	for shared := w.overlap(); !w.meets(found, shared); {
		w.disordered = w.disordered || w.isMixed(found)
		if at.start() == 0 && (!w.disordered || len(rows) == 0) {
			break // nothing comes before it
		}
		if at.start() == 0 || w.backs == maxBacks || !w.mayRead() {
			return w.takeLoose(p, rows, refusal)
		}
		w.backs++
		if w.Pages == 1 && shared == w.overlap() {
			if more, done, err := w.askSecond(ctx, rows); done || err != nil {
				return more, err
			}
		}
		shared = min(4*shared, w.read)
		at, _ = w.reaching(shared)
		if found, _, err = w.fetch(ctx, at); err != nil {
			return false, err
		}
	}
	w.start, w.read, w.tail = at.start(), at.start(), w.tail[:0]
	return w.goOn(at.start(), at.size, found), nil
}

// takeLoose takes a page that has no connection with the rows that were read.
func (w *walk) takeLoose(p part, rows []*lead.Lead, refusal error) (more bool, err error) {
	if len(rows) == 0 {
		w.again = !w.last
		return false, refusal
	}
	w.start, w.read, w.tail = p.start(), p.start(), w.tail[:0]
	return w.goOn(p.start(), p.size, rows), nil
}

// askSecond reads the second page with the size of the first. rows are those of a second
// page of another size. If it has the same rows, the platform ignores the size; if
// neither has a row, the list has only one page. Otherwise askSecond is not done.
func (w *walk) askSecond(ctx context.Context, rows []*lead.Lead) (more, done bool, err error) {
	second, refusal, err := w.fetch(ctx, part{page: 1, size: w.size})
	switch {
	case err != nil:
		return false, false, err
	case len(rows) == 0 && len(second) == 0:
	case len(rows) > 0 && slices.Equal(idsOf(rows), idsOf(second)):
		w.fixed, w.Changed = true, false
	default:
		return false, false, nil
	}
	more, err = w.follow(ctx, second, refusal)
	return more, true, err
}

// meets reports whether a page begins with two rows that were read lately, in the same
// order, or with its only row.
func (w *walk) meets(rows []*lead.Lead, shared int) bool {
	first, met := 0, 0
	for _, l := range rows {
		if l == nil {
			continue
		}
		known, ok := w.seen[l.ID]
		if !ok || known.at < first || known.at <= w.clock-w.size-shared {
			return false
		}
		first = known.at
		if met++; met == 2 {
			return true
		}
	}
	return met == 1
}

// isMixed reports whether rows that were read before have another order now.
func (w *walk) isMixed(rows []*lead.Lead) bool {
	last, known, falls := 0, 0, 0
	for _, l := range rows {
		e, ok := w.seen[idOf(l)]
		if !ok {
			continue
		}
		if known++; e.at < last {
			falls++
		}
		last = e.at
	}
	return known >= 4 && falls*4 >= known
}

// reportDisorder reports that the list has no stable order.
func (c *Client) reportDisorder(ctx context.Context) {
	c.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "the order of the platform's list changed while it was read: pages may repeat and omit leads (leadgraph doctor tells more)")
	if c.opts.ObserveDisorder != nil {
		c.opts.ObserveDisorder(ctx)
	}
}

func idOf(l *lead.Lead) string {
	if l == nil {
		return ""
	}
	return l.ID
}
