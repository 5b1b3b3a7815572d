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
	leads, _ := fact(s, "cap", s.capKey(), parseCap)
	return leads
}

// fact reads a stored fact, and reports whether there is one. It takes one command.
func fact[T any](s *Store, step, key string, parse func(string) (T, error)) (value T, known bool) {
	sealed, err := s.text(step, key, 128)
	if err != nil || sealed == "" {
		return value, false
	}
	if value, err = unsealed(s, sealed, key, parse); err != nil {
		s.complain(err)
	}
	return value, err == nil
}

func unsealed[T any](s *Store, sealed, key string, parse func(string) (T, error)) (value T, err error) {
	text, err := s.vault().open([]byte(sealed), key)
	if err != nil {
		return value, err
	}
	return parse(string(text))
}

// parseCap parses a cap as SetPageCap writes it.
func parseCap(text string) (int, error) {
	leads, err := strconv.Atoi(text)
	if err != nil || leads < 0 || leads > maxCap || strconv.Itoa(leads) != text {
		return 0, errFormat
	}
	return leads, nil
}

// SetPageCap stores the number of leads at which the platform cuts pages; 0 if it cuts
// none. It takes one command.
func (s *Store) SetPageCap(leads int) error {
	return s.set(s.capKey(), s.vault().seal([]byte(strconv.Itoa(leads)), s.capKey()), capKept)
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
	if s.vault().aead == nil {
		return p, false
	}
	return fact(s, "paging", s.pagingKey(), parsePaging)
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
	if s.vault().aead == nil {
		return nil
	}
	return s.set(s.pagingKey(), s.vault().seal([]byte(p.text()), s.pagingKey()), pagingKept)
}
