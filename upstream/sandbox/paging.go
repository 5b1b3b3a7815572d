package sandbox

import (
	"net/http"
	"slices"
	"strconv"
)

// Ways to answer "nothing", for a page past the end of the list and for an unknown
// tenant. None of them is documented for leads; all are plausible. A status from
// "400" to "499" is answered with the platform's problem details.
const (
	NothingEmpty     = "empty"      // 200 and an array without rows
	NothingNull      = "null"       // 200 and null
	NothingBlank     = "blank"      // 200 without a body
	NothingNoContent = "204"        // 204
	NothingBare404   = "404 bare"   // 404 without a body
	NothingHTML404   = "404 html"   // 404 and a proxy's page
	NothingNamed404  = "404 string" // 404 and a JSON string, as the other lead endpoints do [CCL]
)

// Paging is how the platform divides the list into pages. Server.SetPaging changes
// it while the server runs.
type Paging struct {
	// FirstPage is 0 [GSL] or 1 [GAL].
	FirstPage int
	// PageZero is one of the PageZero constants, by default PageZeroRepeat. It
	// has an effect only if FirstPage is 1.
	PageZero string
	// CutAbove limits the number of leads in a page without refusing larger page
	// sizes. Zero means no limit.
	CutAbove int
	// CutKeepsOffset makes a page that is cut begin where an uncut page would. The
	// leads between two such pages are then on no page of that size. Otherwise pages
	// are numbered as if their size had been requested.
	CutKeepsOffset bool
	// PastEnd is how a page past the end is answered: one of the Nothing constants
	// or a status. Empty means NothingEmpty.
	PastEnd string
}

func (p Paging) problem() string {
	switch {
	case p.FirstPage != 0 && p.FirstPage != 1:
		return "first page must be 0 or 1, not " + strconv.Itoa(p.FirstPage)
	case !slices.Contains([]string{"", PageZeroRepeat, PageZeroEmpty, PageZeroError}, p.PageZero):
		return "page zero behaviour must be repeat, empty or error, not " + strconv.Quote(p.PageZero)
	case !validNothing(p.PastEnd):
		return "past end must be a kind of nothing or a status from 400 to 499, not " + strconv.Quote(p.PastEnd)
	}
	return ""
}

// SetPaging changes how the list is divided into pages, as an update of the platform
// may. It is safe for concurrent use. A wrong value has no effect.
func (s *Server) SetPaging(p Paging) {
	if p.problem() == "" {
		s.paging.Store(&p)
	}
}

func (o Options) paging() *Paging {
	return &Paging{
		FirstPage: o.FirstPage, PageZero: o.PageZero, CutAbove: o.CutAbove,
		CutKeepsOffset: o.CutKeepsOffset, PastEnd: o.PastEnd,
	}
}

func validNothing(kind string) bool {
	switch kind {
	case "", NothingEmpty, NothingNull, NothingBlank, NothingNoContent, NothingBare404, NothingHTML404, NothingNamed404:
		return true
	}
	status, err := strconv.Atoi(kind)
	return err == nil && status >= 400 && status <= 499
}

// nothing returns the answer of a kind, and false if that is an empty array.
func nothing(kind string) (answer, bool) {
	switch kind {
	case "", NothingEmpty:
		return answer{}, false
	case NothingNull:
		return answer{status: http.StatusOK, contentType: jsonType, body: []byte("null")}, true
	case NothingBlank:
		return answer{status: http.StatusOK, contentType: jsonType}, true
	case NothingNoContent:
		return answer{status: http.StatusNoContent}, true
	case NothingBare404:
		return answer{status: http.StatusNotFound}, true
	case NothingHTML404:
		return answer{status: http.StatusNotFound, contentType: htmlType, body: []byte(proxyPage)}, true
	case NothingNamed404:
		return jsonAnswer(http.StatusNotFound, jsonType, "Invalild lead"), true // the platform's spelling
	}
	status, _ := strconv.Atoi(kind) // validNothing has checked it
	return liveProblem(status, "There is nothing here"), true
}

// pageOf returns the rows of the page that a call asks for. It returns false if the
// page does not exist because page 0 is refused.
func (s *Server) pageOf(all []row, c call) (rows []row, exists bool) {
	p := s.paging.Load()
	size, most := c.size, c.size
	if s.opts.IgnorePageSize {
		size, most = ignoredPageSize, ignoredPageSize
	}
	if p.CutAbove > 0 {
		most = min(most, p.CutAbove)
		if !p.CutKeepsOffset {
			size = most
		}
	}
	index := c.page - p.FirstPage
	if s.opts.IgnorePageNumber {
		index = 0
	}
	if index < 0 { // page 0, but the first page is 1
		switch p.PageZero {
		case PageZeroError:
			return nil, false
		case PageZeroEmpty:
			return nil, true
		}
		index = 0
	}
	rows = page(all, index, size)
	return rows[:min(len(rows), most)], true
}
