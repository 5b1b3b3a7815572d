package httpd

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"leadgraph/internal/admission"
)

const (
	// calm is how long a client that was refused is held back if it comes back on the
	// same connection.
	calm = time.Second
	// refusalsPerCore is how many refusals are answered in a second. One takes about
	// 25 µs, so all of them take a twentieth of a core, and twice as much in the first
	// second: as many are answered at once. Others wait first.
	refusalsPerCore = 2000
)

// Gate refuses requests while the server is overloaded, before anything else is
// done for them. It knows callers by their addresses only. Requests that pass may
// still be refused later, when the name of the caller is known.
type Gate struct {
	// Door says who would be refused.
	Door *admission.Door
	// ByAddress says that the address of a caller is its name.
	ByAddress bool
	// Refused is called for each refusal.
	Refused func()

	answers atomic.Uint32
	budget  *rate.Limiter
}

// Wrap returns a handler with the gate in front of next.
func (g *Gate) Wrap(next http.Handler) http.Handler {
	perSecond := refusalsPerCore * runtime.GOMAXPROCS(0)
	g.budget = rate.NewLimiter(rate.Limit(perSecond), perSecond)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := ""
		if g.ByAddress {
			name = RemoteIP(r.Context())
		}
		if !g.Door.Refuses(name) {
			next.ServeHTTP(w, r)
			return
		}
		g.hold(r.Context())
		if !g.Door.Refuses(name) || r.Header.Get("Origin") != "" { // a page could not read a refusal without CORS
			next.ServeHTTP(w, r)
			return
		}
		MarkRefused(r.Context())
		g.Refused()
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Retry-After", "2")
		w.WriteHeader(http.StatusServiceUnavailable)
		end := overloadedEnds[g.answers.Add(1)%uint32(len(overloadedEnds))]
		_, _ = io.WriteString(w, overloadedBegin+RequestID(r.Context())+end) // fails only if the client has left
	})
}

// hold delays a request on a connection on which one was refused a moment ago, and
// all requests if there are too many refusals. Whoever waits here holds nothing but
// the connection.
func (g *Gate) hold(ctx context.Context) {
	wait := calm
	if c := connOf(ctx); c != nil {
		wait -= time.Duration(time.Now().UnixNano() - c.refused.Load())
	} else {
		wait = 0
	}
	if wait <= 0 && !g.budget.Allow() {
		wait = calm
	}
	if wait <= 0 {
		return
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// MarkRefused notes that a request of the connection was refused for want of room.
func MarkRefused(ctx context.Context) {
	if c := connOf(ctx); c != nil {
		c.refused.Store(time.Now().UnixNano())
	}
}

// The bodies of refusals consist of constant text and the id of the request, which needs
// no escapes.
const overloadedBegin = `{"errors":[{"message":"The server is overloaded.","extensions":{"code":"OVERLOADED","requestId":"`

// overloadedEnds differ in the time after which the client should return, so that
// clients do not all return together.
var overloadedEnds = func() (ends [8]string) {
	for i := range ends {
		ends[i] = fmt.Sprintf(`","retryAfterMs":%d}}]}`, 1000+125*i)
	}
	return ends
}()
