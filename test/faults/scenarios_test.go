package faults

import (
	"fmt"
	"testing"
	"time"

	"leadgraph/upstream/sandbox"
)

// TestRetryBudget checks that a failing platform gets at most three calls more than
// there are requests, as long as there are few requests.
func TestRetryBudget(t *testing.T) {
	t.Parallel()
	c := cell{fault: fault{faults: strike(sandbox.Fault{Status: 503})}, op: oneTenant, warm: cold}
	s := newSite(t, c.fault)
	endpoint := startServer(t, c.args(s)...)
	c.strike(s)
	const requests, spare = 8, 3
	for range requests {
		if r := c.ask(t, endpoint, cellRequest); len(r.Errors) != 1 || r.Errors[0].Extensions["code"] != "UPSTREAM_UNAVAILABLE" {
			t.Fatalf("answer %s", r.Body)
		}
	}
	if got := s.Calls().ByTenant; got != requests+spare {
		t.Errorf("%d calls for %d requests, want %d more", got, requests, spare)
	}
}

// TestBreaker checks that leadgraph stops calling a platform that keeps failing, that
// it then answers users at once, and that it calls the platform again within ten
// seconds of its recovery.
func TestBreaker(t *testing.T) {
	t.Parallel()
	c := cell{fault: fault{faults: strike(sandbox.Fault{Status: 500})}, op: oneTenant, warm: cold}
	s := newSite(t, c.fault)
	endpoint := startServer(t, c.args(s)...)
	c.strike(s)
	// The breaker now and then lets probes through, more of them on a slow machine. A
	// request that it refuses must cause no call.
	const opensWithin, refusals = 20, 10
	reached := 0
	for refused := 0; refused < refusals; {
		r := c.ask(t, endpoint, cellRequest)
		if string(r.Data) != c.op.failed || len(r.Errors) != 1 || r.Errors[0].Extensions["code"] != "UPSTREAM_UNAVAILABLE" {
			t.Fatalf("answer %s", r.Body)
		}
		if r.Errors[0].Extensions["retryAfterMs"] != nil {
			refused++
		} else if reached++; reached > opensWithin && refused == 0 {
			t.Fatalf("no breaker after %d failures", reached)
		}
	}
	if got := s.Calls().ByTenant; got != reached {
		t.Errorf("%d calls, but %d answers that needed one", got, reached)
	}
	s.ClearFaults()
	recovered := time.Now()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for r := (reply{}); string(r.Data) != c.op.right; r = c.ask(t, endpoint, fmt.Sprint("after-", time.Since(recovered).Milliseconds())) {
		if time.Since(recovered) > 10*time.Second {
			t.Fatalf("ten seconds after the recovery: %s", r.Body)
		}
		<-again.C
	}
}
