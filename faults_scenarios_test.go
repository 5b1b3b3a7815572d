package main

import (
	"fmt"
	"testing"
	"time"

	"leadgraph/upstream/sandbox"
)

// TestRetryBudget: of a platform that fails, no more is asked than three calls on
// top, as long as there are few others.
func TestRetryBudget(t *testing.T) {
	t.Parallel()
	c := cell{fault: fault{faults: strike(sandbox.Fault{Status: 503})}, op: oneTenant, warm: cold}
	s := newSite(t, c.fault)
	endpoint := startServer(t, c.args(s)...)
	c.strike(s)
	const requests, spare = 8, 3
	for range requests {
		if r := c.ask(t, endpoint, cellRequest); len(r.Errors) != 1 || r.Errors[0].Extensions["code"] != "UPSTREAM_UNAVAILABLE" {
			t.Fatalf("answer %s", r.body)
		}
	}
	if got := s.Calls().ByTenant; got != requests+spare {
		t.Errorf("%d calls for %d requests, want %d more", got, requests, spare)
	}
}

// TestBreaker: a platform that goes on failing is left alone, users are told so at
// once, and it is asked again within ten seconds of its recovery.
func TestBreaker(t *testing.T) {
	t.Parallel()
	c := cell{fault: fault{faults: strike(sandbox.Fault{Status: 500})}, op: oneTenant, warm: cold}
	s := newSite(t, c.fault)
	endpoint := startServer(t, c.args(s)...)
	c.strike(s)
	const opensWithin = 20
	for range opensWithin {
		c.ask(t, endpoint, cellRequest)
	}
	before := s.Calls().ByTenant
	for range 10 {
		begun := time.Now()
		r := c.ask(t, endpoint, cellRequest)
		if string(r.Data) != c.op.failed || len(r.Errors) != 1 || r.Errors[0].Extensions["code"] != "UPSTREAM_UNAVAILABLE" || r.Errors[0].Extensions["retryAfterMs"] == nil {
			t.Errorf("answer %s", r.body)
		}
		if took := time.Since(begun); took > time.Second { // it waits for nothing
			t.Errorf("answered after %v", took)
		}
	}
	if got := s.Calls().ByTenant; before > opensWithin || got != before {
		t.Errorf("%d calls before and %d after", before, got)
	}
	s.ClearFaults()
	recovered := time.Now()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for r := (reply{}); string(r.Data) != c.op.right; r = c.ask(t, endpoint, fmt.Sprint("after-", time.Since(recovered).Milliseconds())) {
		if time.Since(recovered) > 10*time.Second {
			t.Fatalf("ten seconds after the recovery: %s", r.body)
		}
		<-again.C
	}
}
