package guard

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// patient is a platform that calls answer for the status and the delay of each
// attempt. Status 0 means a broken connection.
type patient struct {
	attempts atomic.Int32

	mu     sync.Mutex
	answer func() (status int, after time.Duration)
}

func (p *patient) attempt(req *http.Request, call *Call, _ bool) (*Answer, error) {
	p.attempts.Add(1)
	p.mu.Lock()
	status, after := p.answer()
	p.mu.Unlock()
	ctx := req.Context()
	ctx, cancel := context.WithTimeout(ctx, call.AttemptTimeout)
	defer cancel()
	select {
	case <-time.After(after):
	case <-ctx.Done():
		if req.Context().Err() == nil {
			return nil, errAttemptTimeout
		}
		return nil, ctx.Err()
	}
	if status == 0 {
		return nil, errors.New("connection broken")
	}
	return &Answer{Status: status, Header: http.Header{}}, nil
}

func (p *patient) set(status int, after time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = func() (int, time.Duration) { return status, after }
}

// testOptions returns the options that a client has by default.
func testOptions() Options {
	return Options{
		Timeout: 10 * time.Second, OnlineTimeout: 10 * time.Second, MaxConcurrent: 64, MaxOnline: 4, Retries: 2,
		Logger: slog.New(slog.DiscardHandler),
	}
}

// over returns a guard of a platform. It does not retry unless adjust changes that.
func over(p *patient, adjust func(*Options)) *Guard {
	o := testOptions()
	o.Retries = 0
	if adjust != nil {
		adjust(&o)
	}
	return newGuard(p.attempt, o)
}

// ask makes one call. An answer is not an error, whatever its status.
func ask(ctx context.Context, g *Guard) error {
	call := &Call{Kind: KindLead, AttemptTimeout: 3 * time.Second, Deadline: time.Now().Add(10 * time.Second)}
	_, err := g.Send(get(ctx), call)
	return err
}

// get returns a request for a read.
func get(ctx context.Context) *http.Request {
	return (&http.Request{Method: http.MethodGet}).WithContext(ctx)
}

// isOpen reports whether the breaker refused the call.
func isOpen(err error) bool {
	_, ok := errors.AsType[*openError](err)
	return ok
}

// trip makes calls until the breaker opens. The platform must be failing.
func trip(t *testing.T, g *Guard) {
	t.Helper()
	for g.breaker.closed.Load() {
		_ = ask(t.Context(), g)
	}
}

// closesWithin makes ten calls a second and checks that the breaker closes in time.
func closesWithin(t *testing.T, g *Guard, limit time.Duration) {
	t.Helper()
	var calls sync.WaitGroup
	defer calls.Wait()
	start := time.Now()
	for !g.breaker.circuit.IsClosed() {
		if time.Since(start) > limit {
			t.Errorf("not closed after %v", limit)
			return
		}
		calls.Go(func() { _ = ask(t.Context(), g) })
		<-time.After(100 * time.Millisecond)
	}
}
