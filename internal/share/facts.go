package share

import (
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
