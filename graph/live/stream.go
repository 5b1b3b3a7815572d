package live

import (
	"context"
	"errors"
	"time"

	"leadgraph/graph/generated"
	"leadgraph/graph/limits"
	"leadgraph/lead/changes"
)

// bookmarkEvery is how long a stream is silent at most. Clients are promised a minute.
const bookmarkEvery = 45 * time.Second

// ErrTokenExpired ends a stream whose caller is no longer authenticated.
var ErrTokenExpired = errors.New("the access token has expired")

// Stream follows a log.
type Stream struct {
	View
	// After is where the stream begins. If Gap is set, what the client has not seen is no
	// longer known there.
	After changes.Position
	Gap   bool
	// Reset says that a gap is reported by a batch instead of an error.
	Reset bool
	// May returns an error if the caller may no longer read the log.
	May func(context.Context) error
	// Identify gives an id to the next batch, by which clients resume. Optional.
	Identify func(ctx context.Context, cursor string)
	// Expires is when the caller stops being authenticated; zero means never.
	Expires time.Time
}

// Run sends batches until ctx ends, which is no error. The first batch is sent at once.
// It may have no changes.
func (s *Stream) Run(ctx context.Context, out chan<- *generated.LeadChangeBatch) error {
	idle := time.NewTimer(bookmarkEvery)
	defer idle.Stop()
	expired, stop := alarm(s.Expires)
	defer stop()
	for silent := true; ; {
		batch, reset, err := s.next(ctx)
		if err != nil {
			return err
		}
		if silent || reset || len(batch.Entries) > 0 {
			next := s.batch(batch, reset)
			if s.Identify != nil {
				s.Identify(ctx, next.Cursor)
			}
			select {
			case out <- next:
			case <-expired:
				return ErrTokenExpired
			case <-ctx.Done():
				return nil
			}
			idle.Reset(bookmarkEvery)
			silent = false
		}
		s.After = batch.Next
		if batch.More {
			continue
		}
		select {
		case <-s.Log.News(s.After):
		case <-idle.C:
			silent = true
		case <-expired:
			return ErrTokenExpired
		case <-ctx.Done():
			return nil
		}
	}
}

// next reads the next batch. reset says that changes are missing before it.
func (s *Stream) next(ctx context.Context) (batch changes.Batch, reset bool, err error) {
	if !s.Expires.IsZero() && !time.Now().Before(s.Expires) {
		return batch, false, ErrTokenExpired
	}
	if err := s.May(ctx); err != nil {
		return batch, false, err
	}
	if err = changes.ErrExpired; !s.Gap {
		batch, err = s.Log.Read(s.After, s.Filter, limits.ChangesPerBatch)
	}
	if !s.Reset || !errors.Is(err, changes.ErrExpired) {
		return batch, false, err
	}
	s.Gap = false
	batch.Next, batch.AsOf = s.Log.End()
	return batch, true, nil
}

// alarm returns a channel that receives at a time, or nil for the zero time.
func alarm(at time.Time) (rings <-chan time.Time, stop func() bool) {
	if at.IsZero() {
		return nil, func() bool { return true }
	}
	timer := time.NewTimer(time.Until(at))
	return timer.C, timer.Stop
}
