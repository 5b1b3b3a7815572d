package admission

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Tally logs events of one kind that clients can cause as often as they like: one
// line a second with their count. It is safe for concurrent use.
type Tally struct {
	log     *slog.Logger
	message string

	mu    sync.Mutex
	count int
	timer *time.Timer // runs for a second after each line
}

// NewTally returns a Tally whose lines have this message.
func NewTally(log *slog.Logger, message string) *Tally { return &Tally{log: log, message: message} }

// Add counts one event.
func (t *Tally) Add() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count++
	if t.timer == nil {
		t.write()
	}
}

// write logs what has been counted, and calls itself in a second.
func (t *Tally) write() {
	t.log.LogAttrs(context.Background(), slog.LevelWarn, t.message, slog.Int("count", t.count))
	t.count = 0
	t.timer = time.AfterFunc(time.Second, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.timer = nil; t.count > 0 {
			t.write()
		}
	})
}
