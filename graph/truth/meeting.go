package truth

import (
	"context"
	"sync"
)

// Meeting lets the fields of an operation wait for each other.
type Meeting struct {
	mu     sync.Mutex
	absent int
	all    chan struct{} // closed when nobody is absent
}

// NewMeeting returns a meeting of so many fields.
func NewMeeting(fields int) *Meeting {
	m := &Meeting{absent: fields, all: make(chan struct{})}
	if fields == 0 {
		close(m.all)
	}
	return m
}

// Seat is the place of one field at a meeting.
type Seat struct {
	meeting *Meeting
	once    sync.Once
}

// Seat returns a seat. Each field takes one and leaves it in any case: the others
// wait for it.
func (m *Meeting) Seat() *Seat { return &Seat{meeting: m} }

// Leave says that the field has read what it reads, or has failed.
func (s *Seat) Leave() {
	s.once.Do(func() {
		s.meeting.mu.Lock()
		defer s.meeting.mu.Unlock()
		if s.meeting.absent--; s.meeting.absent == 0 {
			close(s.meeting.all)
		}
	})
}

// Wait leaves and waits until all others have left. The error is that of ctx.
func (s *Seat) Wait(ctx context.Context) error {
	s.Leave()
	select {
	case <-s.meeting.all:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
