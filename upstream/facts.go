package upstream

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"leadgraph/lead"
)

// Facts describes how the platform pages its list, as far as answers have shown it.
// Nothing in it depends on a caller.
type Facts struct {
	// Filled is the largest number of leads that a page had.
	Filled int
	// Cap is the number of leads at which the platform cuts pages; 0 if no page was
	// seen cut.
	Cap int
	// FirstPage is the number of the first page; -1 if it is not known yet.
	FirstPage int
	// End is how a page past the end of the list is answered: EndEmpty, a status such
	// as "404", or "" if it is not known yet.
	End string
	// Answered reports whether the endpoint has ever answered leads.
	Answered bool
}

// EndEmpty is the end of a list whose pages past the end have no leads or no body.
const EndEmpty = "empty"

// learner collects facts. It is safe for concurrent use.
type learner struct {
	logger *slog.Logger

	mu    sync.Mutex
	facts Facts
	// pageZero reports whether page 0 has had a lead, which proves that it exists.
	pageZero bool
	// refuses reports whether larger pages than the cap are refused, not cut.
	refuses bool
	// settled is when the number of the first page was last determined.
	settled time.Time

	settling chan struct{} // holds a token while the first page is determined
}

func newLearner(firstPage int, logger *slog.Logger) *learner {
	l := &learner{logger: logger, facts: Facts{FirstPage: -1}, settling: make(chan struct{}, 1)}
	if firstPage > 0 { // an operator has set it
		l.facts.FirstPage = firstPage
	}
	return l
}

func (l *learner) known() Facts {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.facts
}

func (l *learner) hasPageZero() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pageZero
}

// firstKept is how long the number of the first page is believed without proof. Each walk
// determines it, so that only servers without a catalogue look for it again.
const firstKept = time.Minute

// first returns the number of the first page, -1 if it is not known, and whether it is
// time to determine it again.
func (l *learner) first() (number int, due bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.facts.FirstPage, time.Since(l.settled) > firstKept
}

// postpone keeps the number of the first page, which could not be determined again.
func (l *learner) postpone() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settled = time.Now()
}

// answered notes an answer with leads.
func (l *learner) answered(q query, rows int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.facts.Answered = true
	if q.page == 0 {
		l.pageZero = true
	}
	if q.tenant != "" || rows > q.size { // a larger page shows that the size was ignored
		return
	}
	l.facts.Filled = max(l.facts.Filled, rows)
	if l.facts.Cap > 0 && rows > l.facts.Cap {
		l.facts.Cap, l.refuses = 0, false
		l.logger.LogAttrs(context.Background(), slog.LevelInfo, "upstream no longer cuts its pages as before", slog.Int("leads", rows))
	}
}

// accepted returns the largest size of pages that is known to be accepted, or 0 if none
// was refused. A walk asks for more than a cap, and so notices that it has gone.
func (l *learner) accepted() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refuses {
		return l.facts.Cap
	}
	return 0
}

// suggest takes a cap that another process has learnt, unless an answer refutes it.
func (l *learner) suggest(most int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.facts.Cap == 0 && l.facts.Filled <= most && most >= leastSuggested && most < MaxPageSize {
		l.facts.Cap = most
	}
}

// suggestPaging takes what another process has learnt, unless the first page is known.
func (l *learner) suggestPaging(firstPage, filled int, end string) {
	if status, err := strconv.Atoi(end); end != EndEmpty && (err != nil || !meansPast(status)) {
		end = ""
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if f := &l.facts; f.FirstPage < 0 {
		f.FirstPage, f.Filled, f.End, f.Answered = firstPage, max(f.Filled, filled), end, true
		l.pageZero, l.settled = firstPage == 0, time.Now()
	}
}

// leastSuggested is the smallest cap that is taken from another process. A wrong one
// costs calls until the next walk.
const leastSuggested = 10

// refusesAbove notes the largest size of pages that is known to be accepted.
func (l *learner) refusesAbove(ctx context.Context, size int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refuses = true
	if l.facts.Cap != size {
		l.facts.Cap = size
		l.logger.LogAttrs(ctx, slog.LevelWarn, "upstream refuses large pages: they are requested with this size now", slog.Int("leads", size))
	}
}

// cuts notes that pages are cut at this number of leads.
func (l *learner) cuts(ctx context.Context, rows int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refuses = false
	if l.facts.Cap != rows {
		l.facts.Cap, l.facts.Filled = rows, rows
		l.logger.LogAttrs(ctx, slog.LevelWarn, "upstream cuts pages: they are requested with this size now", slog.Int("leads", rows))
	}
}

// startsAt notes the number of the first page. It has no effect if an operator has
// set the number.
func (l *learner) startsAt(ctx context.Context, number int, pageZero bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settled = time.Now()
	if l.facts.FirstPage == number && l.pageZero == pageZero {
		return
	}
	if number == 1 && l.facts.FirstPage != 1 {
		l.logger.LogAttrs(ctx, slog.LevelWarn, "upstream numbers pages from 1: set the first page to 1, which saves requests")
	} else if number == 0 && l.facts.FirstPage == 1 {
		l.logger.LogAttrs(ctx, slog.LevelWarn, "upstream numbers pages from 0 now")
	}
	l.facts.FirstPage, l.pageZero = number, pageZero
}

// endsWith notes how a page past the end was answered.
func (l *learner) endsWith(ctx context.Context, end string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.facts.End == end {
		return
	}
	l.facts.End = end
	if end != EndEmpty {
		l.logger.LogAttrs(ctx, slog.LevelInfo, "upstream answers pages past the end without a list", slog.String("answer", end))
	}
}

// page is what a page tells about the end of the list: the number of its leads, the id of
// the last one, "" if it could not be read, and whether none could.
type page struct {
	rows  int
	last  string
	blank bool
}

// ends remembers where the list of one account ended. It is safe for concurrent use.
type ends struct {
	mu   sync.Mutex
	at   int
	last string
	seen time.Time
}

// endKept is how long an end is believed without proof, while the list has as many leads
// and the same last one.
const endKept = time.Minute

// recall reports whether the list ended with this lead, after so many, when it was last
// looked for, and whether that was recently. If the last lead was not known, it is now.
func (e *ends) recall(at int, last string) (same, recent bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	same = !e.seen.IsZero() && e.at == at && (e.last == last || e.last == "")
	if same {
		e.last = last
	}
	return same, same && time.Since(e.seen) < endKept
}

// by reports whether the list was seen to end after so many leads or fewer, recently.
func (e *ends) by(at int) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return !e.seen.IsZero() && e.at <= at && time.Since(e.seen) < endKept
}

func (e *ends) note(at int, last string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.at, e.last, e.seen = at, last, time.Now()
}

// Facts returns what is known about the platform's pages.
func (c *Client) Facts() Facts { return c.facts.known() }

// SuggestCap takes the number of leads at which another process has seen the platform
// cut pages. Pages are planned with it. It makes no answer wrong: a page that is cut
// elsewhere is noticed as ever, and the next walk notices that pages are longer.
func (c *Client) SuggestCap(leads int) { c.facts.suggest(leads) }

// SuggestPaging takes what a reading of another process has just shown: the number of
// the first page, the largest number of leads that a page had, and the End of Facts. It
// is believed like the client's own reading, unless the client knows the first page or
// an operator has set it.
func (c *Client) SuggestPaging(firstPage, filled int, end string) {
	c.facts.suggestPaging(firstPage, filled, end)
}

// MaxPageSize returns the largest page size that is worth requesting: the cap if the
// platform cuts pages, otherwise the platform's documented maximum.
func (c *Client) MaxPageSize() int {
	if most := c.facts.known().Cap; most > 0 {
		return most
	}
	return MaxPageSize
}

// statusEnd returns a refusal as the End of Facts.
func statusEnd(refusal error) string {
	source, _ := errors.AsType[*lead.SourceError](refusal)
	return strconv.Itoa(source.Status)
}
