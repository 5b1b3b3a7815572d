package sandbox

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	maxPageSize     = 20_000 // [GAL]
	pageSizeAll     = 10     // default without a tenant [GAL]
	pageSizeTenant  = 100    // default with a tenant [GSL]
	ignoredPageSize = 10     // size of every page with Options.IgnorePageSize
)

// leadQuery is the query of a lead call. For a value that cannot be parsed it
// has the default and a refusal.
type leadQuery struct {
	call
	refusal *answer
}

func (s *Server) parseQuery(values url.Values) leadQuery {
	var q leadQuery
	if s.opts.TenantParam != "" {
		q.tenant = values.Get(s.opts.TenantParam)
	} else {
		q.tenant = caseBlind(values, "msTenantID")
	}
	size := pageSizeAll
	if q.tenant != "" {
		size = pageSizeTenant
	}
	q.page = q.number(values, "PageNumber", s.paging.Load().FirstPage)
	q.size = q.number(values, "PageSize", size)
	if q.size < 0 || q.size > s.opts.RefuseAbove {
		q.refuse("PageSize", fmt.Sprintf("The field PageSize must be between 0 and %d.", s.opts.RefuseAbove))
	}
	if q.page < 0 {
		q.refuse("PageNumber", "The field PageNumber must not be negative.")
	}
	if text := caseBlind(values, "checkOnline"); text != "" {
		online, err := strconv.ParseBool(strings.ToLower(text))
		if err != nil {
			q.refuse("checkOnline", fmt.Sprintf("The value '%s' is not valid.", text))
		}
		q.online = online
	}
	return q
}

func (q *leadQuery) number(values url.Values, name string, fallback int) int {
	text := caseBlind(values, name)
	if text == "" {
		return fallback
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		q.refuse(name, fmt.Sprintf("The value '%s' is not valid for %s.", text, name))
		return fallback
	}
	return int(n)
}

// refuse sets the refusal unless there is one already.
func (q *leadQuery) refuse(name, text string) {
	if q.refusal == nil {
		a := invalidField(name, text)
		q.refusal = &a
	}
}

// caseBlind finds a parameter regardless of case, as ASP.NET Core does (guess).
// Of several spellings it uses the first in alphabetical order.
func caseBlind(values url.Values, name string) string {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if strings.EqualFold(key, name) {
			return values.Get(key)
		}
	}
	return ""
}

func (s *Server) serveLeads(w http.ResponseWriter, r *http.Request) {
	q := s.parseQuery(r.URL.Query())
	s.tally.begin(q.call)
	defer s.tally.end(q.call)
	fault := s.takeFault(q.call)
	if changed := s.onPage.Load(); changed != nil && q.tenant == "" {
		(*changed)(PageCall{Page: q.page, Size: q.size})
	}
	if !wait(r.Context(), s.opts.Latency+fault.Latency) {
		return
	}
	buffer := s.buffers.Get().(*[]byte)
	defer s.buffers.Put(buffer)
	a, replaced := fault.replacement(q.call)
	switch {
	case replaced:
	case !s.authorized(r):
		a = answer{status: http.StatusUnauthorized} // the documents show no body
	case q.refusal != nil:
		a = *q.refusal
	default:
		if q.online && !s.sync(r, q.tenant) {
			return
		}
		a = s.leadAnswer(q.call, fault, buffer)
	}
	s.send(w, r, a, fault)
}

// sync implements checkOnline=true: if no local lead matches, the platform asks
// Microsoft and stores the leads found [GAL]. It returns false if the client
// left in the meantime.
func (s *Server) sync(r *http.Request, tenant string) bool {
	if tenant == "" || len(s.rows.ofTenant(tenant)) > 0 {
		return true
	}
	if !wait(r.Context(), s.opts.OnlineLatency) {
		return false
	}
	for _, found := range s.online {
		if strings.EqualFold(found.tenant, tenant) {
			s.rows.appendMissing(found)
		}
	}
	return true
}

// leadAnswer writes the requested page to the buffer, with the fault's changes
// to the leads.
func (s *Server) leadAnswer(c call, f Fault, buffer *[]byte) answer {
	all := s.rows.all()
	switch {
	case c.tenant != "":
		if all = s.rows.ofTenant(c.tenant); len(all) == 0 {
			if a, ok := nothing(s.opts.UnknownTenant); ok {
				return a
			}
		}
	case s.opts.Unordered:
		all = shuffled(all)
	}
	if f.RepeatRows {
		all = twice(all)
	}
	rows, exists := s.pageOf(all, c)
	if !exists {
		return liveProblem(http.StatusBadRequest, "The page does not exist")
	}
	if f.Endless && len(rows) == 0 {
		rows = s.fresh(c.size)
	}
	if past := s.paging.Load(); len(rows) == 0 && c.tenant == "" && c.page > past.FirstPage {
		if a, ok := nothing(past.PastEnd); ok {
			return a
		}
	}
	if len(f.Set) > 0 {
		rows = slices.Clone(rows)
		for i, r := range rows {
			rows[i] = r.with(f.Set)
		}
	}
	*buffer = s.join((*buffer)[:0], rows, c, len(all))
	return answer{status: http.StatusOK, contentType: jsonType, body: *buffer, rows: len(rows)}
}

func shuffled(rows []row) []row {
	rows = slices.Clone(rows)
	rand.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	return rows
}

// twice returns every row twice.
func twice(rows []row) []row {
	list := make([]row, 0, 2*len(rows))
	for _, r := range rows {
		list = append(list, r, r)
	}
	return list
}

// page returns the page with the given index, counted from 0.
func page(rows []row, index, size int) []row {
	if size == 0 || index > len(rows)/size {
		return nil
	}
	return rows[index*size : min((index+1)*size, len(rows))]
}

// join appends the rows to the buffer, with the arrays and the envelope that the
// options ask for.
func (s *Server) join(buffer []byte, rows []row, c call, total int) []byte {
	length := 256 // arrays and envelope
	for _, r := range rows {
		length += len(r.json) + 1
	}
	buffer = slices.Grow(buffer, length)
	if s.opts.Single && len(rows) == 1 {
		return append(buffer, rows[0].json...)
	}
	if s.opts.Envelope {
		pages := (total + max(c.size, 1) - 1) / max(c.size, 1)
		buffer = fmt.Appendf(buffer, `{"currentPage":%d,"pageSize":%d,"totalPages":%d,"totalRecords":%d,"data":`, c.page, c.size, pages, total)
	}
	if s.opts.Nested {
		buffer = append(buffer, '[')
	}
	buffer = append(buffer, '[')
	for i, r := range rows {
		if i > 0 {
			buffer = append(buffer, ',')
		}
		buffer = append(buffer, r.json...)
	}
	buffer = append(buffer, ']')
	if s.opts.Nested {
		buffer = append(buffer, ']')
	}
	if s.opts.Envelope {
		buffer = append(buffer, '}')
	}
	return buffer
}
