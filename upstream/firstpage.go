package upstream

import (
	"cmp"
	"context"
	"slices"

	"leadgraph/lead"
)

// settleSize is the size of the pages that are compared to determine the first page.
// So many leads are not inserted between two reads.
const settleSize = 10

// firstPage returns the number of the first page. If it is needed and not known, or was
// determined too long ago, the pages 0, 1 and 2 are compared. Otherwise it assumes 0.
func (c *Client) firstPage(ctx context.Context, needed bool) (int, error) {
	if c.opts.FirstPage > 0 {
		return c.opts.FirstPage, nil
	}
	first, due := c.facts.first()
	if first >= 0 && !due || first <= 0 && !needed {
		return max(first, 0), nil
	}
	select {
	case c.facts.settling <- struct{}{}:
		defer func() { <-c.facts.settling }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	if first, due = c.facts.first(); first >= 0 && !due { // another call was faster
		return first, nil
	}
	settled, err := c.settle(ctx)
	if first < 0 || ctx.Err() != nil {
		return settled, err
	}
	// A failure does not refute what is known.
	c.facts.postpone()
	return c.facts.known().FirstPage, nil
}

// settle determines the number of the first page. A platform that counts from 1
// repeats page 1 as page 0 or answers no leads for page 0. If there are no leads, the
// number remains unknown. An error says that no number fits.
func (c *Client) settle(ctx context.Context) (int, error) {
	zero, err := c.glance(ctx, 0, settleSize)
	if err != nil && (!isPast(err) || !c.facts.known().Answered) {
		return 0, err
	}
	one, failure := c.glance(ctx, 1, settleSize)
	if err != nil { // it may have been refused for another reason
		zero, err = c.glance(ctx, 0, settleSize)
		if err != nil && (!isPast(err) || len(one) > 0 && c.mayFollow(ctx, one)) {
			return 0, err
		}
	}
	size := settleSize
	if isPast(failure) && len(zero) > 1 || len(one) > 0 && !readable(one) {
		size = cmp.Or(len(zero)/2, settleSize/2)
		zero = zero[:min(len(zero), size)]
		if one, failure = c.glanceCloser(ctx, size); failure != nil {
			return 0, failure
		}
	}
	switch err = failure; {
	case err != nil && !isPast(err):
		return 0, err
	case len(zero) == 0 && len(one) == 0:
		return 0, nil
	case len(zero) == 0:
		c.facts.startsAt(ctx, 1, false)
		return 1, nil
	case !slices.Equal(zero, one):
		c.facts.startsAt(ctx, 0, true)
		return 0, nil
	case !readable(zero):
		return 0, noneReadable(len(zero)) // nothing tells the pages apart
	}
	two, err := c.glance(ctx, 2, size)
	switch {
	case err != nil && !isPast(err):
		return 0, err
	case slices.Equal(one, two):
		return 0, badResponse(0, errNumberIgnored)
	}
	c.facts.startsAt(ctx, 1, true)
	return 1, nil
}

// glanceCloser returns page 1 in a size in which it must exist, after it was refused or no
// row of it could be read: it may lie at the end, or the answer was no page.
func (c *Client) glanceCloser(ctx context.Context, size int) ([]string, error) {
	one, err := c.glance(ctx, 1, size)
	if err == nil && len(one) > 0 && !readable(one) {
		err = noneReadable(len(one))
	}
	return one, err
}

// mayFollow reports whether the rows of page 1 may follow others, although page 0 was refused
// twice. Then page 2 of half the size begins with them, otherwise with their second half.
func (c *Client) mayFollow(ctx context.Context, one []string) bool {
	const half = settleSize / 2
	two, err := c.glance(ctx, 2, half)
	if len(two) == 0 {
		return err != nil && !isPast(err) || len(one) > half
	}
	return slices.Equal(two, one[:min(len(two), len(one))])
}

// glance returns the ids of a small page, with "" for rows that cannot be read. The
// number is the platform's.
func (c *Client) glance(ctx context.Context, number, size int) ([]string, error) {
	rows, err := collect(ctx, c, leadList, query{page: number, size: size}, 0, acceptedLeads(size))
	return idsOf(rows), err
}

// readable reports whether one of the rows with these ids could be read.
func readable(ids []string) bool {
	return slices.ContainsFunc(ids, func(id string) bool { return id != "" })
}

func idsOf(leads []*lead.Lead) []string {
	list := make([]string, len(leads))
	for i, l := range leads {
		list[i] = idOf(l)
	}
	return list
}

// otherFirst reads the first page of the list under the other number, after the known
// one had no leads. It corrects what is known if the platform has changed.
func (c *Client) otherFirst(ctx context.Context, q query, read func(query) (page, error)) (page, error) {
	if c.opts.FirstPage > 0 || q.tenant == "" && q.page > 1 {
		return page{}, nil
	}
	q.page = 1 - q.page
	got, err := read(q)
	if isPast(err) {
		if first, failure := c.firstPage(ctx, true); failure != nil || first == q.page {
			return page{}, err // it should exist
		}
		return page{}, nil
	}
	if got.rows > 0 {
		c.facts.startsAt(ctx, q.page, q.page == 0)
	}
	return got, err
}

// answers reports whether the endpoint has ever answered leads. It asks for one if
// that is not known.
func (c *Client) answers(ctx context.Context) bool {
	if c.facts.known().Answered {
		return true
	}
	first, err := c.firstPage(ctx, false)
	if err == nil {
		_, err = c.glance(ctx, first, settleSize)
	}
	if err == nil && !c.facts.known().Answered && c.opts.FirstPage == 0 {
		_, _ = c.glance(ctx, 1, settleSize) // the platform may count from 1
	}
	return c.facts.known().Answered
}
