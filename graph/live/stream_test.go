package live_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"leadgraph/graph/generated"
	"leadgraph/graph/live"
	"leadgraph/graph/pagination"
	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/changes"
	"leadgraph/lead/leadtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// publish adds a revision in which so many leads have a new value.
func publish(log *changes.Log, leads int, value string) {
	list := make([]*lead.Lead, leads)
	for i := range list {
		list[i] = &lead.Lead{ID: fmt.Sprint("lead ", i), TenantID: "t", Comments: []string{value}, AsOf: time.Now()}
	}
	log.Publish(context.Background(), catalogue.Build(list, time.Now(), nil))
}

// newStream returns a stream from the end of the log.
func newStream(log *changes.Log) *live.Stream {
	s := &live.Stream{
		View: live.View{
			Log: log, Seal: pagination.NewSeal("", []byte("key")), Visible: func(l *lead.Lead) *lead.Lead { return l },
			Wants: live.Wants{Cursor: true, Edge: true, Changed: true},
		},
		May: func(context.Context) error { return nil },
	}
	s.After, _ = log.End()
	return s
}

// run runs a stream until the test ends and returns its batches and its error.
func run(ctx context.Context, s *live.Stream) (<-chan *generated.LeadChangeBatch, <-chan error) {
	out, ended := make(chan *generated.LeadChangeBatch), make(chan error, 1)
	go func() {
		defer close(out)
		ended <- s.Run(ctx, out)
	}()
	return out, ended
}

func TestStreamIsNeverSilentForAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, leave := context.WithCancel(t.Context())
		log := changes.NewLog(changes.Options{})
		publish(log, 3, "a")
		out, ended := run(ctx, newStream(log))
		last := time.Now()
		for i := range 10 {
			if i == 5 {
				publish(log, 3, "b")
			}
			b := <-out
			if silent := time.Since(last); silent > time.Minute || (len(b.Changes) == 3) != (i == 5) || b.Reset {
				t.Errorf("batch %d after %s: %+v", i, silent, b)
			}
			last = time.Now()
		}
		leave()
		if err := <-ended; err != nil {
			t.Errorf("a client that leaves is the error %v", err)
		}
	})
}

// A client that takes nothing for hours holds one batch. It gets all that the log still
// has, in batches of 100, and otherwise an error or a reset.
func TestSlowStream(t *testing.T) {
	t.Parallel()
	for _, reset := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			log := changes.NewLog(changes.Options{Retention: 3 * time.Hour})
			publish(log, 250, "a")
			s := newStream(log)
			s.Reset = reset
			out, ended := run(t.Context(), s)
			<-out // the first one is empty
			publish(log, 250, "b")
			leadtest.Pass(2 * time.Hour)
			publish(log, 250, "c")
			for i, want := range []int{100, 100, 50 + 50, 100, 100} {
				if b := <-out; len(b.Changes) != want || b.Changes[want-1].Cursor != b.Cursor {
					t.Errorf("batch %d has %d changes", i, len(b.Changes))
				}
			}
			publish(log, 250, "d")
			synctest.Wait() // the last changes of c have been prepared
			leadtest.Pass(4 * time.Hour)
			publish(log, 250, "e")
			leadtest.Pass(4 * time.Hour)
			<-out
			b, more := <-out
			if more != reset {
				t.Fatalf("after a gap comes %+v: %v", b, more)
			}
			if !reset {
				if err := <-ended; !errors.Is(err, changes.ErrExpired) {
					t.Errorf("the stream ended with %v", err)
				}
				return
			}
			if !b.Reset || len(b.Changes) > 0 {
				t.Errorf("after a gap comes %+v", b)
			}
			publish(log, 250, "f")
			if b := <-out; b.Reset || len(b.Changes) != 100 {
				t.Errorf("after a reset comes %+v", b)
			}
		})
	}
}

func TestStreamEndsWithItsToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := changes.NewLog(changes.Options{})
		publish(log, 1, "a")
		waits, blocked, late := newStream(log), newStream(log), newStream(log)
		waits.Expires, blocked.Expires, late.Expires = time.Now().Add(time.Hour), time.Now().Add(time.Hour), time.Now()
		out, first := run(t.Context(), waits)
		_, second := run(t.Context(), blocked)
		_, third := run(t.Context(), late)
		for range out {
			if time.Now().After(waits.Expires) {
				t.Error("a batch comes after the token has expired")
			}
		}
		for _, ended := range []<-chan error{first, second, third} {
			if err := <-ended; !errors.Is(err, live.ErrTokenExpired) {
				t.Errorf("got %v", err)
			}
		}
	})
}

// Whether the caller may read the log is checked for each batch.
func TestStreamIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := changes.NewLog(changes.Options{})
		publish(log, 1, "a")
		s := newStream(log)
		var refusal error
		s.May = func(context.Context) error { return refusal }
		out, ended := run(t.Context(), s)
		<-out
		synctest.Wait()
		refusal = leadtest.ErrDown
		publish(log, 1, "b")
		if b, more := <-out; more {
			t.Errorf("a batch comes in spite of the refusal: %+v", b)
		}
		if err := <-ended; !errors.Is(err, leadtest.ErrDown) {
			t.Errorf("got %v", err)
		}
	})
}

// BenchmarkStream measures what it takes to start a stream, to send its first batch and
// to end it.
func BenchmarkStream(b *testing.B) {
	log := changes.NewLog(changes.Options{})
	publish(log, 1, "a")
	b.ReportAllocs()
	for b.Loop() {
		ctx, leave := context.WithCancel(b.Context())
		out, ended := run(ctx, newStream(log))
		<-out
		leave()
		if err := <-ended; err != nil {
			b.Fatal(err)
		}
	}
}
