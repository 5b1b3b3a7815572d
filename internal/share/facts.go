package share

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"
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

// maxGate bounds a gate: no client of the platform waits for longer.
const maxGate = time.Hour

// maxGateBytes bounds the value of a gate, in bytes. A sealed one has sealBytes more than the
// kind and the number.
const maxGateBytes = 128

func (s *Store) gateKey(kind string) string { return s.prefix + "gate:" + kind }

// CloseGate tells the other replicas that the platform wants no call of this kind for this
// time. It does not wait for the server. It takes one command, and the key expires with
// the time.
func (s *Store) CloseGate(kind string, wait time.Duration) {
	wait = min(wait, maxGate).Truncate(time.Millisecond)
	if wait <= 0 {
		return
	}
	key := s.gateKey(kind)
	value := s.vault().seal([]byte(kind+" "+strconv.FormatInt(wait.Milliseconds(), 10)), key)
	s.background(func() { s.complain(s.set(key, value, wait)) })
}

// GateClosed returns how long the platform wants no call of this kind, 0 if it may get
// them. It takes two commands in one round trip, by which the server measures the time.
// A value that CloseGate does not write counts as none, and no value counts for longer
// than CloseGate may have asked for.
func (s *Store) GateClosed(kind string) time.Duration {
	type closed struct {
		value []byte
		left  int64 // in ms
	}
	key := s.gateKey(kind)
	got, err := attemptAs(s, "gate", func(ctx context.Context, client rueidis.Client) (closed, error) {
		answers := client.DoMulti(ctx, client.B().Getrange().Key(key).Start(0).End(maxGateBytes).Build(), client.B().Pttl().Key(key).Build())
		value, err := answers[0].AsBytes()
		if err != nil {
			return closed{}, err
		}
		left, err := answers[1].AsInt64()
		return closed{value, left}, err
	})
	if err != nil || got.left <= 0 || len(got.value) > maxGateBytes {
		return 0
	}
	wait, err := s.readGate(kind, got.value)
	if err != nil {
		s.complain(err)
		return 0
	}
	return min(wait, time.Duration(min(got.left, maxGate.Milliseconds()))*time.Millisecond)
}

// readGate parses the stored value of a gate: for how long it was closed.
func (s *Store) readGate(kind string, value []byte) (time.Duration, error) {
	text, err := s.vault().open(value, s.gateKey(kind))
	if err != nil {
		return 0, err
	}
	number, ok := strings.CutPrefix(string(text), kind+" ")
	wait, err := strconv.ParseUint(number, 10, 32)
	if !ok || err != nil || int64(wait) > maxGate.Milliseconds() || strconv.FormatUint(wait, 10) != number {
		return 0, errFormat
	}
	return time.Duration(wait) * time.Millisecond, nil
}
