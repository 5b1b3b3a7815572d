package platform

import (
	"context"

	"leadgraph/upstream/sandbox"
)

// Paging is a way to cut the list into pages and to end it.
type Paging struct {
	Name string
	sandbox.Paging
}

// Pagings are the ways that a platform may have.
func Pagings() []Paging {
	return []Paging{
		{"pages as documented", sandbox.Paging{}},
		{"pages cut at 40, 404 past the end", sandbox.Paging{CutAbove: 40, PastEnd: "404"}},
		{"page 1 first, page 0 is empty, null past the end", sandbox.Paging{FirstPage: 1, PageZero: sandbox.PageZeroEmpty, PastEnd: sandbox.NothingNull}},
		{"page 1 first, page 0 is refused, pages cut at 100, 204 past the end", sandbox.Paging{FirstPage: 1, PageZero: sandbox.PageZeroError, CutAbove: 100, PastEnd: sandbox.NothingNoContent}},
		{"pages cut at 50 that keep their offset", sandbox.Paging{CutAbove: 50, CutKeepsOffset: true}},
		{"page 1 first, page 0 repeats it, 404 without a body past the end", sandbox.Paging{FirstPage: 1, PageZero: sandbox.PageZeroRepeat, PastEnd: sandbox.NothingBare404}},
		{"no body past the end", sandbox.Paging{PastEnd: sandbox.NothingBlank}},
		{"pages cut at 25, a text with 404 past the end", sandbox.Paging{CutAbove: 25, PastEnd: sandbox.NothingNamed404}},
		{"400 past the end", sandbox.Paging{PastEnd: "400"}},
	}
}

// walkedLeads is the number of leads at the start of a platform whose leads are
// walked through.
const walkedLeads = 300

// StartPaged returns a platform of few leads that cuts its list into pages in the
// given way.
func StartPaged(ctx context.Context, p Paging) (*Platform, error) {
	o := options(walkedLeads)
	o.FirstPage, o.PageZero = p.FirstPage, p.PageZero
	o.CutAbove, o.CutKeepsOffset, o.PastEnd = p.CutAbove, p.CutKeepsOffset, p.PastEnd
	return start(ctx, o)
}
