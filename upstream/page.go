package upstream

import (
	"context"
	"errors"
	"math"
	"reflect"
	"slices"

	"leadgraph/lead"
	"leadgraph/upstream/reader"
)

// acceptedLeads returns how many leads a page of size may have where their
// positions do not matter. The platform's own page size, which is 10 or 100
// [GAL, GSL], may be larger than the requested one.
func acceptedLeads(size int) int { return 2*size + DefaultPageSize }

// LeadsPage returns one page of all leads, in the platform's order. Only the fields
// in want are set. Pages are numbered from zero, whatever Options.FirstPage is. A
// page past the end is empty. A row that cannot be read is nil: its place in the list
// counts.
//
// A page has fewer leads than size only where the list ends. Other calls confirm this
// if it is not known yet. If the platform cut the page, the error is
// lead.ErrPageCut: read pages of at most MaxPageSize leads then. A page may repeat
// rows of another page if leads were added or removed between the reads. A page with
// more rows than size is a bad response, because its leads would not be at their
// expected positions.
//
// While it answers, the platform may fetch addresses from Microsoft and store them
// [GAL]. Doing this again does no harm, so a page is retried like any other read;
// it is never requested twice at the same time.
//
// The endpoint is GET /api/v2/oc/lead without the tenant filter [GAL].
func (c *Client) LeadsPage(ctx context.Context, number, size int, want lead.Parts) ([]*lead.Lead, error) {
	var leads []*lead.Lead
	err := c.readPage(ctx, number, size, func(q query) (got page, err error) {
		leads, err = collect(ctx, c, leadList, q, want, size)
		c.reportConflicts(ctx, conflicts(leads))
		if got.rows = len(leads); got.rows > 0 {
			got.last = idOf(leads[got.rows-1])
		}
		got.blank = !slices.ContainsFunc(leads, func(l *lead.Lead) bool { return l != nil })
		return got, err
	})
	if err != nil {
		return nil, err
	}
	return leads, nil
}

// EachLead reads one page as LeadsPage does, but keeps only one lead in memory. It
// calls each with every lead as it arrives, or with nil for a row that cannot be read.
// The lead and everything it points to are valid only during that call. If each returns an error, the read ends and
// EachLead returns that error unchanged.
//
// If an answer breaks off, the page is requested again: restart is called, and each
// gets the leads from the first on. The caller must drop the leads it got before
// restart, and all leads if EachLead returns an error. The time spent in each counts
// toward the time-out of the attempt.
func (c *Client) EachLead(ctx context.Context, number, size int, want lead.Parts, restart func(), each func(*lead.Lead) error) error {
	var last []byte // the texts of a lead are overwritten by the next one
	keep := func(l *lead.Lead) error {
		if last = last[:0]; l != nil {
			last = append(last, l.ID...)
		}
		return each(l)
	}
	return c.readPage(ctx, number, size, func(q query) (page, error) {
		s := &sink[lead.Lead]{
			endpoint: leadList, options: reader.Options{Want: want, Max: size, IDKey: c.opts.IDKey, Borrow: true, Compare: true}, restart: restart, each: keep,
		}
		err := fetch(ctx, c, q, s)
		if err == nil {
			c.reportConflicts(ctx, s.result.Conflicts)
		}
		return page{s.places(), string(last), s.result.Holes() == s.places()}, err
	})
}

// pageQuery returns the query for a page whose number is still that of the caller,
// from zero.
func (c *Client) pageQuery(number, size int) (query, error) {
	if number < 0 || number >= math.MaxInt32 {
		return query{}, rejected("page number out of range")
	}
	if size < 1 || size > MaxPageSize {
		return query{}, rejected("page size out of range")
	}
	return query{page: number, size: size}, nil
}

// rejected returns the failure of a request that is not sent.
func rejected(why string) error {
	return &lead.SourceError{Kind: lead.FailureRejected, Err: errors.New(why)}
}

// conflicts counts the rows of a page that share their id with an earlier one but differ
// from the first.
func conflicts(rows []*lead.Lead) int {
	n, first := 0, make(map[string]*lead.Lead, len(rows))
	for _, l := range rows {
		if l == nil {
			continue
		}
		if known := first[l.ID]; known == nil {
			first[l.ID] = l
		} else if !reflect.DeepEqual(known, l) {
			n++
		}
	}
	return n
}
