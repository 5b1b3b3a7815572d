package upstream

import (
	"context"
	"errors"
	"math"
	"net/http"

	"leadgraph/lead"
	"leadgraph/upstream/guard"
	"leadgraph/upstream/reader"
)

var (
	errNumberIgnored = errors.New("every page is the first: the platform ignores the page number")
	errBlank         = errors.New("the answer has no body")
)

// errCut is the failure of a page that the platform cut. Smaller pages work.
var errCut = &lead.SourceError{Kind: lead.FailureBadResponse, Err: lead.ErrPageCut}

// isPast reports whether an error is a refusal that may mean that the page does not
// exist.
func isPast(err error) bool {
	source, ok := errors.AsType[*lead.SourceError](err)
	return ok && meansPast(source.Status)
}

func meansPast(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusGone, http.StatusRequestedRangeNotSatisfiable:
		return true
	}
	return false
}

// mayEnd reports whether an answer is the expected one to a page past the end.
func (c *Client) mayEnd(q query) func(*guard.Answer) bool {
	return func(a *guard.Answer) bool {
		known := c.facts.known()
		return q.page > max(known.FirstPage, 0) && known.Answered && meansPast(a.Status)
	}
}

// readPage reads a page of the list with read. Pages are numbered from zero. It makes
// sure that a page with fewer leads than size ends the list. If the platform cut the
// page, the error is lead.ErrPageCut.
func (c *Client) readPage(ctx context.Context, number, size int, read func(query) (page, error)) error {
	q, err := c.pageQuery(number, size)
	if err != nil {
		return err
	}
	first, err := c.firstPage(ctx, number > 0)
	if err != nil {
		return err
	}
	q.page = number + first
	got, err := read(q)
	refused := number == 0 && isPast(err) && c.facts.known().Answered && (size <= c.facts.known().Filled || c.facts.hasPageZero())
	if refused && q.page == 0 { // it does not exist, or was refused for another reason
		if now, failure := c.firstPage(ctx, true); failure == nil && now != first {
			q.page = now
			got, err = read(q)
		}
	}
	if number == 0 && err == nil && got.rows == 0 || refused && q.page > 0 && isPast(err) {
		if other, failure := c.otherFirst(ctx, q, read); failure != nil || other.rows > 0 || err == nil {
			got, err = other, failure
		}
	}
	switch {
	case err != nil && number > 0 && isPast(err) && c.endsBefore(ctx, number, size, err):
		return nil
	case isPast(err) && c.refusesSize(ctx, size):
		return errCut
	case err != nil || got.rows == 0 || got.rows == size:
		return err
	}
	return c.confirm(ctx, number, size, got)
}

// confirm makes sure that the list ends with a page that has fewer leads than size.
func (c *Client) confirm(ctx context.Context, number, size int, got page) error {
	known := c.facts.known()
	if known.Cap > 0 && size > known.Cap {
		if number == 0 && got.rows < known.Cap {
			return nil
		}
		return errCut // the place of the leads is unknown
	}
	end := number*size + got.rows
	same, recent := c.ends.recall(end, got.last)
	if recent || same && size <= known.Filled {
		return nil
	}
	if number > 0 && got.blank && !c.provesEnd(ctx, end, got.rows) {
		return noneReadable(got.rows)
	}
	whole := got.rows // of the first page with this size
	if number > 0 {
		var err error
		if whole, err = c.count(ctx, 0, size); err != nil {
			return err
		}
		if whole == size {
			c.ends.note(end, got.last)
			return nil
		}
	}
	return c.follows(ctx, number, size, page{rows: whole, last: got.last})
}

// follows decides whether the list goes on after its first page, which had fewer
// leads than size. It continues with the size that the platform did fill.
func (c *Client) follows(ctx context.Context, number, size int, first page) error {
	if first.rows == 0 { // all leads were removed meanwhile
		return nil
	}
	next, refusal, err := c.second(ctx, first.rows)
	if err != nil {
		return err
	}
	if refusal != nil && !c.provesEnd(ctx, first.rows, 0) {
		return refusal
	}
	if next == 0 {
		if number == 0 {
			c.ends.note(first.rows, first.last)
		}
		return nil
	}
	again, err := c.count(ctx, 0, size)
	if err != nil {
		return err
	}
	if again == first.rows { // otherwise leads were added meanwhile
		c.facts.cuts(ctx, first.rows)
	}
	return errCut
}

// second returns the number of leads on the second page with size leads, after the
// first page had so many. If the number of the first page is not known, the number 1
// comes first: if it has no leads, page 0 is the first and the last. A page that does not
// exist has no leads; its refusal is returned too.
func (c *Client) second(ctx context.Context, size int) (rows int, refusal, err error) {
	if c.facts.known().FirstPage < 0 {
		rows, refusal, err = c.countIfAny(ctx, query{page: 1, size: size})
		if err != nil || rows == 0 {
			if err == nil && refusal == nil {
				c.facts.startsAt(ctx, 0, true)
			}
			return 0, refusal, err
		}
		if first, err := c.firstPage(ctx, true); err != nil || first == 0 {
			return rows, nil, err
		}
	}
	first, err := c.firstPage(ctx, true)
	if err != nil {
		return 0, nil, err
	}
	return c.countIfAny(ctx, query{page: 1 + first, size: size})
}

// count returns the number of leads on a page. A page past the end has none. Pages
// are numbered from zero, and the number of the first must be known for others.
func (c *Client) count(ctx context.Context, page, size int) (int, error) {
	first, err := c.firstPage(ctx, page > 0)
	if err != nil {
		return 0, err
	}
	q := query{page: page + first, size: size}
	if page == 0 {
		return c.countRows(ctx, q)
	}
	rows, _, err := c.countIfAny(ctx, q)
	return rows, err
}

// countIfAny is countRows for a page that may not exist. It has no leads then, and its
// refusal is returned too.
func (c *Client) countIfAny(ctx context.Context, q query) (rows int, refusal, err error) {
	rows, err = c.countRows(ctx, q)
	if isPast(err) && c.facts.known().Answered {
		return 0, err, nil
	}
	return rows, nil, err
}

func (c *Client) countRows(ctx context.Context, q query) (int, error) {
	s := &sink[lead.Lead]{
		endpoint: leadList, options: reader.Options{Max: acceptedLeads(q.size), Borrow: true},
		restart: func() {}, each: func(*lead.Lead) error { return nil },
	}
	err := fetch(ctx, c, q, s)
	if err == nil && s.places() == 0 && q.page > max(c.facts.known().FirstPage, 0) {
		c.facts.endsWith(ctx, EndEmpty)
	}
	return s.places(), err
}

// refusesSize reports whether the platform refuses pages of this size, but not smaller
// ones. It finds the largest size that is accepted, more or less.
func (c *Client) refusesSize(ctx context.Context, size int) bool {
	known := c.facts.known()
	if !known.Answered || known.Filled == 0 || size <= known.Filled {
		return false
	}
	accepts := func(size int) (bool, error) {
		_, err := c.count(ctx, 0, size)
		if isPast(err) {
			return false, nil
		}
		return true, err
	}
	low, high := known.Filled, size
	if ok, err := accepts(low); !ok || err != nil {
		return false
	}
	if ok, err := accepts(high); ok || err != nil {
		return false
	}
	for high-low > max(1, low/8) {
		middle := int(math.Sqrt(float64(low) * float64(high))) // sizes span orders of magnitude
		middle = min(max(middle, low+1), high-1)
		switch ok, err := accepts(middle); {
		case err != nil:
			return false
		case ok:
			low = middle
		default:
			high = middle
		}
	}
	c.facts.refusesAbove(ctx, low)
	return true
}

// endsBefore reports whether a refused page lies past the end of the list. A refusal
// alone does not say so: the platform may refuse the size of the page.
func (c *Client) endsBefore(ctx context.Context, page, size int, refusal error) bool {
	end := statusEnd(refusal)
	known := c.facts.known()
	start := page * size
	if known.Answered && known.End == end && size <= known.Filled && c.ends.by(start) {
		return true
	}
	if known.Answered && c.provesEnd(ctx, start, 0) {
		c.facts.endsWith(ctx, end)
		return true
	}
	// The list may end long before. Search for its end with the smallest pages.
	exists := func(row int) (bool, error) {
		n, err := c.count(ctx, row, 1)
		return n > 0, err
	}
	if ok, err := exists(0); !ok || err != nil {
		return false
	}
	low, high := 1, start
	for low < high {
		middle := (low + high) / 2
		switch ok, err := exists(middle); {
		case err != nil:
			return false
		case ok:
			low = middle + 1
		default:
			high = middle
		}
	}
	if low == start || !c.provesEnd(ctx, low, 0) {
		return false
	}
	c.facts.endsWith(ctx, end)
	return true
}

// provesEnd reports whether the list ends after this number of leads, at least one. It
// reads a small page that begins more than so many leads before the end and would continue
// after it.
func (c *Client) provesEnd(ctx context.Context, end, before int) bool {
	size := before + 2
	for end%size <= before {
		size++
	}
	rows, err := c.count(ctx, end/size, size)
	if err != nil || rows != end%size {
		return false
	}
	c.ends.note(end, "")
	return true
}
