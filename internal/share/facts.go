package share

import (
	"fmt"
	"strconv"
	"time"
)

// capKept is how long the cap of pages is kept on the server.
const capKept = 24 * time.Hour

func (s *Store) capKey() string { return s.prefix + "page-cap" }

// maxCap bounds the cap of pages, in leads. No page of the platform is larger.
const maxCap = 20_000

// PageCap returns the number of leads at which another replica has seen the platform cut
// pages. It returns 0 if there is none, or no such number. It takes one command.
func (s *Store) PageCap() int {
	sealed, err := s.text("cap", s.capKey(), 128)
	if err != nil || sealed == "" {
		return 0
	}
	leads, err := s.readCap(sealed)
	if err != nil {
		s.complain(err)
		return 0
	}
	return leads
}

// readCap parses a stored cap.
func (s *Store) readCap(sealed string) (int, error) {
	text, err := s.vault.open([]byte(sealed), s.capKey())
	if err != nil {
		return 0, err
	}
	leads, err := strconv.Atoi(string(text))
	if err != nil || leads < 0 || leads > maxCap || strconv.Itoa(leads) != string(text) {
		return 0, errFormat
	}
	return leads, nil
}

// SetPageCap stores the number of leads at which the platform cuts pages; 0 if it cuts
// none. It takes one command.
func (s *Store) SetPageCap(leads int) error {
	return s.set(s.capKey(), s.vault.seal([]byte(strconv.Itoa(leads)), s.capKey()), capKept)
}

// Paging is what reading all leads has shown about the platform's pages.
type Paging struct {
	// FirstPage is the number of the first page, 0 or 1.
	FirstPage int
	// Filled is the largest number of leads that a page had.
	Filled int
	// End is how a page past the end is answered: a word or a status; "" if unknown.
	End string
}

// pagingKept is how long a Paging is kept on the server. The platform may change.
const pagingKept = time.Minute

func (s *Store) pagingKey() string { return s.prefix + "paging" }

// Paging returns what another replica has learnt in the last minute, and whether there
// is such a thing. It decides what answers mean, so it is believed, and stored, only if
// the store has a key. It takes one command.
func (s *Store) Paging() (p Paging, known bool) {
	if s.opts.Key == nil {
		return p, false
	}
	sealed, err := s.text("paging", s.pagingKey(), 128)
	if err != nil || sealed == "" {
		return p, false
	}
	text, err := s.vault.open([]byte(sealed), s.pagingKey())
	if err == nil {
		p, err = parsePaging(string(text))
	}
	if err != nil {
		s.complain(err)
	}
	return p, err == nil
}

// parsePaging parses what Paging.text returns, and nothing else.
func parsePaging(text string) (p Paging, err error) {
	_, err = fmt.Sscanf(text, "%d %d %q", &p.FirstPage, &p.Filled, &p.End)
	if err != nil || p.FirstPage < 0 || p.FirstPage > 1 || p.Filled < 1 || p.Filled > maxCap || p.text() != text {
		return Paging{}, errFormat
	}
	return p, nil
}

func (p Paging) text() string { return fmt.Sprintf("%d %d %q", p.FirstPage, p.Filled, p.End) }

// SetPaging stores what was learnt for a minute. It takes one command.
func (s *Store) SetPaging(p Paging) error {
	if s.opts.Key == nil {
		return nil
	}
	return s.set(s.pagingKey(), s.vault.seal([]byte(p.text()), s.pagingKey()), pagingKept)
}
