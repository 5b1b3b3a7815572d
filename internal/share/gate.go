package share

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

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
