package upstream_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"leadgraph/lead"
	"leadgraph/upstream"
)

func TestConcurrencyCap(t *testing.T) {
	t.Parallel()
	const limit, callers = 3, 12
	var running, most atomic.Int32
	full := make(chan struct{})
	fill := sync.OnceFunc(func() { close(full) })
	client := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		n := running.Add(1)
		defer running.Add(-1)
		for {
			before := most.Load()
			if n <= before || most.CompareAndSwap(before, n) {
				break
			}
		}
		if n == limit {
			fill()
		}
		<-full // no call ends before the limit has been reached
		write(w, "[]")
	}, func(o *upstream.Options) { o.MaxConcurrent = limit })
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			if _, err := client.LeadsPage(t.Context(), 0, 10, lead.AllParts); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if most.Load() != limit {
		t.Errorf("%d calls at once, want %d", most.Load(), limit)
	}
}

func TestOwnLimitIsNamed(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{}, 1)
	client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		hang(w, r)
	}, func(o *upstream.Options) { o.MaxConcurrent, o.Timeout, o.TimePerRow = 1, 200*time.Millisecond, -1 })
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = client.LeadsPage(ctx, 0, 10, lead.AllParts) })
	t.Cleanup(wg.Wait)
	t.Cleanup(cancel)
	<-arrived
	_, err := client.LeadsPage(t.Context(), 0, 10, lead.AllParts)
	wantKind(t, err, lead.FailureRateLimited)
}

func TestQueueIsSeen(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{}, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		hang(w, r)
	}))
	t.Cleanup(server.Close)
	client := openClient(t, upstream.Options{BaseURL: server.URL, MaxConcurrent: 1})
	ctx, cancel := context.WithCancel(t.Context())
	var calls sync.WaitGroup
	defer calls.Wait()
	defer cancel()
	for range 3 {
		calls.Go(func() { _, _ = client.LeadsPage(ctx, 0, 10, lead.AllParts) })
	}
	<-arrived
	for client.State().Queued != 2 {
		select {
		case <-t.Context().Done():
			t.Fatal(client.State())
		case <-time.After(time.Millisecond):
		}
	}
	if state := client.State(); state.InFlight != 1 || state.Limit != 1 {
		t.Errorf("state is %+v", state)
	}
}

func TestPermitSurvivesAPanic(t *testing.T) {
	t.Parallel()
	var answers atomic.Int32
	client := newClient(t, cutting(&answers, 0), func(o *upstream.Options) { o.MaxConcurrent = 1 })
	func() {
		defer func() { _ = recover() }()
		_ = client.EachLead(t.Context(), 0, 10, lead.AllParts, func() {}, func(*lead.Lead) error { panic("oops") })
	}()
	if leads, err := client.LeadsPage(t.Context(), 0, 10, lead.AllParts); err != nil || len(leads) != 3 {
		t.Errorf("got %d leads, error %v", len(leads), err)
	}
}
