package upstream_test

import (
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"leadgraph/lead"
	"leadgraph/upstream"
)

func TestOnlineReadMayUseTheWholeTime(t *testing.T) {
	t.Parallel()
	client := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		write(w, "["+row("1")+"]")
	}, func(o *upstream.Options) { o.AttemptTimeout, o.TimePerRow = time.Nanosecond, -1 })
	_, err := client.LeadsByTenant(t.Context(), tenantA, false)
	wantKind(t, err, lead.FailureTimeout)
	leads, err := client.LeadsByTenant(t.Context(), tenantA, true)
	if err != nil || len(leads) != 1 {
		t.Errorf("online: got %d leads, error %v", len(leads), err)
	}
}

func TestOnlineReadIsNotRetried(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	client := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
	}, func(o *upstream.Options) { o.Retries = 2 })
	_, err := client.LeadsByTenant(t.Context(), tenantA, true)
	wantKind(t, err, lead.FailureUnavailable)
	if calls.Load() != 1 {
		t.Errorf("%d calls", calls.Load())
	}
}

// Hanging checkOnline reads take no slots from other reads.
func TestOnlineBulkhead(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{}, 2)
	client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("checkOnline") == "true" {
			arrived <- struct{}{}
			hang(w, r)
			return
		}
		write(w, "["+row("1")+"]")
	}, func(o *upstream.Options) {
		o.MaxConcurrent, o.MaxOnline, o.OnlineTimeout, o.TimePerRow = 1, 2, 200*time.Millisecond, -1
	})
	ctx, cancel := context.WithCancel(t.Context())
	var hanging sync.WaitGroup
	defer hanging.Wait()
	defer cancel()
	for range 2 {
		hanging.Go(func() { _, _ = client.LeadsByTenant(ctx, tenantA, true) })
		<-arrived
	}
	if _, err := client.LeadsByTenant(t.Context(), tenantA, false); err != nil {
		t.Error(err)
	}
	if state := client.State(); state.InFlight != 0 || state.Limit != 1 {
		t.Errorf("state is %+v", state)
	}
	_, err := client.LeadsByTenant(t.Context(), tenantA, true)
	wantKind(t, err, lead.FailureRateLimited)
}

func TestOnlineTimeout(t *testing.T) {
	t.Parallel()
	client := newClient(t, hang, func(o *upstream.Options) { o.OnlineTimeout, o.TimePerRow = 50*time.Millisecond, -1 })
	_, err := client.LeadsByTenant(t.Context(), tenantA, true)
	wantKind(t, err, lead.FailureTimeout)
}

// If a kept connection breaks, net/http itself repeats a GET. It must not repeat a
// read with a side effect, which may have reached the platform.
func TestOnlineReadIsSentOnce(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		online bool
		sent   int32
	}{"lookup": {false, 2}, "online": {true, 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sent atomic.Int32
			client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
				if body, err := io.ReadAll(r.Body); len(body) > 0 || err != nil || len(r.TransferEncoding) > 0 || r.Header.Get("Content-Length") != "" {
					t.Errorf("the request has a body: %q, error %v", body, err)
				}
				if r.URL.Query().Get("PageSize") == "1" { // leaves a kept connection
					write(w, "[]")
					return
				}
				if sent.Add(1) == 1 {
					panic(http.ErrAbortHandler)
				}
				write(w, "["+row("1")+"]")
			}, nil)
			if _, err := client.LeadsPage(t.Context(), 0, 1, lead.AllParts); err != nil {
				t.Fatal(err)
			}
			if _, err := client.LeadsByTenant(t.Context(), tenantA, test.online); (err != nil) != test.online {
				t.Errorf("error is %v", err)
			}
			if sent.Load() != test.sent {
				t.Errorf("sent %d times", sent.Load())
			}
		})
	}
}
