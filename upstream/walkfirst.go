package upstream

import (
	"context"
	"slices"

	"leadgraph/lead"
)

// begin reads the first two pages and reports whether to read on. They show the number
// of the first page and whether the platform cuts pages.
func (w *walk) begin(ctx context.Context) (more bool, err error) {
	head, err := w.first(ctx)
	if err != nil || w.Complete || !w.mayRead() {
		return false, err
	}
	if known := w.client.facts.known().Cap; len(head) == known {
		w.asked = min(w.asked, known)
	} else if len(head) == w.suspect { // the same number twice, although the list goes on
		w.client.facts.cuts(ctx, w.suspect)
		w.asked = w.suspect
	}
	cut := len(head) < w.asked
	p := w.next()
	rows, refusal, err := w.fetch(ctx, p)
	if err != nil {
		return false, err
	}
	if p.repeats(rows, head) {
		var done bool
		if rows, refusal, done, err = w.repeated(ctx, p, head); done || err != nil {
			return false, err
		}
	} else if len(rows) > 0 && w.number == 0 {
		if !w.continues(p, rows) { // it may be the first page, changed meanwhile
			w.again, w.Changed = !w.last, true
		} else if readable(idsOf(rows)) {
			w.client.facts.startsAt(ctx, 0, true)
		}
	}
	if w.again {
		return false, nil
	}
	more, err = w.judge(ctx, p, rows, refusal)
	if err == nil && cut && !w.fixed && w.Pages > 1 {
		w.again, w.suspect = !w.last, w.size // the pages begin again with an overlap
	}
	return more, err
}

// first reads the first page. It is the platform's page 1 if page 0 has no leads.
func (w *walk) first(ctx context.Context) (head []*lead.Lead, err error) {
	c := w.client
	w.number = c.opts.FirstPage
	head, refusal, err := w.fetch(ctx, part{page: 0, size: w.asked})
	if err == nil && len(head) == 0 && w.number == 0 && (refusal == nil || w.lacksPageZero(ctx)) {
		w.number = 1
		var past error
		if head, past, err = w.fetch(ctx, part{page: 0, size: w.asked}); past != nil { // once is not enough for no leads
			head, past, err = w.fetch(ctx, part{page: 0, size: w.asked})
		}
		if past == nil {
			refusal = nil
		}
	}
	switch {
	case err != nil:
		return nil, err
	case refusal != nil:
		return nil, refusal
	case len(head) == 0:
		w.ended(ctx, EndEmpty)
		return nil, nil
	case w.number > c.opts.FirstPage:
		c.facts.startsAt(ctx, 1, false)
	}
	w.size, w.fixed = min(len(head), MaxPageSize), len(head) > w.asked
	w.add(0, head)
	return head, nil
}

// lacksPageZero reports whether page 0 was refused because it does not exist.
func (w *walk) lacksPageZero(ctx context.Context) bool {
	c := w.client
	known := c.facts.known()
	switch {
	case !known.Answered:
		return false
	case known.FirstPage == 1:
		return true
	}
	if one, err := c.glance(ctx, 1, settleSize); err != nil || len(one) == 0 {
		return false
	}
	number, err := c.settle(ctx)
	return err == nil && number == 1
}

// continues reports whether a second page can be one after the first.
func (w *walk) continues(p part, rows []*lead.Lead) bool {
	return len(rows) > p.size || w.known(rows) == 0 || p.start() < w.read && w.isSteady(p, rows)
}

// repeats reports whether the rows of a page after the first are the first rows of that. The
// last rows of a list without an order may be some of them by chance, but are fewer.
func (p part) repeats(rows, head []*lead.Lead) bool {
	list, first := idsOf(rows), idsOf(head)
	return len(list) >= min(p.size, len(first)) && len(list) <= len(first) && slices.Equal(list, first[:len(list)]) &&
		readable(list)
}

// repeated handles a second page that repeats the first. On a platform that numbers
// pages from 1, the next number is the second page, which is returned. Otherwise there is
// only one page, or the platform ignores the number, and the walk is done.
func (w *walk) repeated(ctx context.Context, p part, head []*lead.Lead) (rows []*lead.Lead, refusal error, done bool, err error) {
	c := w.client
	if w.number > 0 || !w.mayRead() {
		return nil, nil, true, w.stuck(ctx)
	}
	w.number = 1
	rows, refusal, err = w.fetch(ctx, p)
	switch {
	case err != nil:
		return nil, nil, true, err
	case p.repeats(rows, head):
		return nil, nil, true, w.stuck(ctx)
	}
	c.facts.startsAt(ctx, 1, true)
	return rows, refusal, false, nil
}

// stuck decides whether a first page that repeats is the only one or the platform
// ignores the number. In the latter case the second half of the page is no page.
func (w *walk) stuck(ctx context.Context) error {
	if w.size >= w.asked {
		w.again = !w.last // so many leads may have been inserted before the first page
		return nil
	}
	if w.size < 2 {
		w.Complete = true
		return nil
	}
	half := (w.size + 1) / 2
	rows, err := collect(ctx, w.client, leadList, query{page: 2, size: half}, 0, acceptedLeads(half))
	w.Calls++
	first := slices.IndexFunc(rows, func(l *lead.Lead) bool { return l != nil })
	if err != nil || first < 0 || len(w.Leads) == 0 {
		w.again = err == nil && !w.last // the number is not ignored: the list has changed
		return err
	}
	w.Complete = rows[first].ID != w.Leads[0].ID
	return nil
}

// refused decides whether a page was refused because it lies past the end. If not, it
// returns the error.
func (w *walk) refused(ctx context.Context, refusal error) error {
	// A page after one that was not full cannot exist. After a full one, the platform
	// may refuse to go on for another reason.
	if short := w.short || w.Pages == 1 && w.size < w.asked; !short {
		w.Calls++
		if !w.client.provesEnd(ctx, w.read, 0) {
			return refusal
		}
	}
	w.ended(ctx, statusEnd(refusal))
	return nil
}

// ended notes that the list has ended and how a page past the end is answered.
func (w *walk) ended(ctx context.Context, how string) {
	c := w.client
	w.Complete = true
	c.ends.note(w.read, w.lastID())
	if w.read == 0 {
		return
	}
	if c.opts.FirstPage == 0 && w.number == 0 && w.Pages == 1 {
		c.facts.startsAt(ctx, 0, true)
	}
	c.facts.endsWith(ctx, how)
}
