package backend_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"leadgraph/internal/admission"
	"leadgraph/internal/backend"
	"leadgraph/internal/config"
	"leadgraph/lead"
	"leadgraph/lead/changes"
)

func watched(o *backend.Options) {
	o.Caches.ChangesInterval, o.Caches.ChangesMemory, o.Caches.ChangesRetention = time.Millisecond, 64<<20, time.Hour
}

// next waits for the next change of a log.
func next(t *testing.T, log *changes.Log, after changes.Position) (changes.Batch, error) {
	t.Helper()
	for {
		news := log.News(after)
		if batch, err := log.Read(after, nil, 10); err != nil || len(batch.Entries) > 0 {
			return batch, err
		}
		select {
		case <-news:
		case <-t.Context().Done():
			t.Fatal("the test has ended")
		}
	}
}

func TestListenersSeeChanges(t *testing.T) {
	t.Parallel()
	for name, of := range map[string]func(*testing.T, *backend.Options) context.Context{
		"for everybody": func(t *testing.T, o *backend.Options) context.Context {
			o.Caller, o.Upstream.StaticToken = nil, "token"
			return t.Context()
		},
		"always": func(t *testing.T, o *backend.Options) context.Context {
			o.Caller, o.Upstream.StaticToken, o.Caches.Changes = nil, "token", config.ChangesAlways
			return t.Context()
		},
		"in passthrough": func(t *testing.T, _ *backend.Options) context.Context { return as(t, "a") },
	} {
		p := newFakePlatform(t)
		var ctx context.Context
		b := open(t, p, func(o *backend.Options) {
			watched(o)
			ctx = of(t, o)
		})
		log, leave, err := b.Listen(ctx)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		defer leave()
		s, _, err := b.Snapshot(ctx, lead.Freshness{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		at := log.Of(s)
		id := p.IDs()[3]
		p.Edit(id, map[string]any{"channelId": "77"})
		batch, err := next(t, log, at)
		if err != nil || batch.Entries[0].Kind != changes.Updated || batch.Entries[0].After.ID != id {
			t.Errorf("%s: %+v %v", name, batch, err)
		}
		if same, err := b.Log(ctx); same != log || err != nil {
			t.Errorf("%s: another log, %v", name, err)
		}
	}
}

// Callers have logs of their own, which stay while somebody listens, and no more callers
// can listen than may have caches.
func TestListenersInPassthrough(t *testing.T) {
	t.Parallel()
	p := newFakePlatform(t)
	b := open(t, p, func(o *backend.Options) {
		watched(o)
		o.MaxCallers = 2
	})
	first, leaveFirst, err := b.Listen(as(t, "a"))
	if err != nil {
		t.Fatal(err)
	}
	second, leaveSecond, err := b.Listen(as(t, "b"))
	if err != nil || first == second {
		t.Fatalf("two callers share a log: %v", err)
	}
	again, leaveAgain, err := b.Listen(as(t, "a"))
	if err != nil || again != first {
		t.Errorf("a second listener of a caller has another log: %v", err)
	}
	for _, token := range []string{"c", "d"} { // others come and are evicted
		if _, _, err := b.Listen(as(t, token)); !errors.Is(err, admission.ErrCrowded) {
			t.Errorf("%s: %v", token, err)
		}
		if err := find(t, b, token); err != nil {
			t.Error(err)
		}
	}
	leaveSecond()
	leaveAgain()
	third, leaveThird, err := b.Listen(as(t, "c"))
	if err != nil {
		t.Fatalf("nobody can follow a listener that has left: %v", err)
	}
	defer leaveThird()
	if log, err := b.Log(as(t, "a")); log != first || err != nil {
		t.Errorf("a log is gone although somebody listens: %v", err)
	}
	// The platform refuses a token: its log can no longer be read.
	at, _ := third.End()
	p.refuse("c", http.StatusForbidden)
	if _, err := next(t, third, at); status(err) != http.StatusForbidden {
		t.Errorf("the log of a refused caller: %v", err)
	}
	if _, err := b.Log(as(t, "c")); status(err) != http.StatusForbidden {
		t.Errorf("a refused caller gets its log: %v", err)
	}
	leaveFirst()
	leaveFirst() // does nothing
	if _, _, err := b.Listen(context.Background()); err == nil {
		t.Error("nobody listens")
	}
}
