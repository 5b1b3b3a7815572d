package share

import (
	"context"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

// capKept is how long the cap of pages is kept on the server.
const capKept = 24 * time.Hour

func (s *Store) capKey() string { return s.prefix + "page-cap" }

// PageCap returns the number of leads at which another replica has seen the platform cut
// pages. It returns 0 if there is none, or no number. It takes one command.
func (s *Store) PageCap() int {
	sealed, err := attempt(s, func(ctx context.Context, client rueidis.Client) ([]byte, error) {
		return client.Do(ctx, client.B().Get().Key(s.capKey()).Build()).AsBytes()
	})
	if err != nil {
		return 0
	}
	text, err := s.vault.open(sealed, s.capKey())
	if err != nil {
		s.complain(err)
		return 0
	}
	leads, err := strconv.Atoi(string(text[:min(len(text), 8)]))
	if err != nil || leads < 0 {
		return 0
	}
	return leads
}

// SetPageCap stores the number of leads at which the platform cuts pages; 0 if it cuts
// none. It takes one command.
func (s *Store) SetPageCap(leads int) error {
	return s.set(s.capKey(), s.vault.seal([]byte(strconv.Itoa(leads)), s.capKey()), capKept)
}
