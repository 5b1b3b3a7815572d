package conns

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// through calls visit with each transport and its server.
func through(t *testing.T, scheme string, next func(call int) reply, visit func(http.RoundTripper, *server) any) {
	t.Helper()
	ours, theirs := serve(t, scheme, next), serve(t, scheme, next)
	got := visit(ours.transport(t), ours)
	want := visit(theirs.transport(t).general, theirs)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("net/http (-) and this transport (+) differ:\n%s", diff)
	}
	if got, want := ours.calls.Load(), theirs.calls.Load(); got != want {
		t.Errorf("%d calls, want the %d of net/http", got, want)
	}
}

// kept are servers that break connections after they have answered on them.
var kept = map[string]func(call int) reply{
	"closed while idle":       at(1, reply{text: good, then: shut}),
	"reset while idle":        at(1, reply{text: good, then: reset}),
	"closed by the request":   at(2, reply{then: shut}),
	"reset by the request":    at(2, reply{then: reset}),
	"cut header":              at(2, reply{text: "HTTP/1.1 2", then: shut}),
	"cut body":                at(2, reply{text: good[:len(good)-1], then: shut}),
	"malformed, then as ever": at(2, reply{text: "x\r\n\r\n"}),
	"closed by all but one": func(call int) reply {
		if call == 1 {
			return reply{text: good}
		}
		return reply{then: shut}
	},
}

func TestKeptConnectionsThatBreak(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "https"} {
		for name, next := range kept {
			t.Run(scheme+"/"+name, func(t *testing.T) {
				t.Parallel()
				through(t, scheme, next, func(via http.RoundTripper, s *server) any {
					return []result{ask(t.Context(), via, s.base), ask(t.Context(), via, s.base), ask(t.Context(), via, s.base)}
				})
			})
		}
	}
}

// A request with a body, even an empty one, has an effect that must not be repeated.
func TestRequestsWithASideEffectAreNotRepeated(t *testing.T) {
	t.Parallel()
	s := serve(t, "http", at(2, reply{then: reset}))
	own := s.transport(t)
	for i := range 2 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.base.String()+"/x", io.NopCloser(strings.NewReader("")))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("User-Agent", "leadgraph")
		if got := send(own, req); (got.Err == "") != (i == 0) {
			t.Errorf("request %d: %+v", i+1, got)
		}
	}
	if got := s.calls.Load(); got != 2 {
		t.Errorf("%d calls, want 2", got)
	}
}

// What is left over would be taken for the answer to the next request. net/http's
// transport may do that, so it is no reference here.
func TestWhatIsLeftOverIsNoAnswer(t *testing.T) {
	t.Parallel()
	other := strings.Replace(good, "[]", "{}", 1)
	left := map[string]reply{
		"two answers in a packet":         {text: good + other},
		"garbage in the packet":           {text: good + "garbage"},
		"a line end in the packet":        {text: good + "\r\n"},
		"more than the buffer holds":      {text: good + strings.Repeat(other, 1000)},
		"another answer while it is idle": {text: good, late: other},
		"a length that is too small":      {text: "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n[]"},
		"a body for 204":                  {text: "HTTP/1.1 204 No Content\r\n\r\n" + other},
	}
	for _, scheme := range []string{"http", "https"} {
		for name, answer := range left {
			t.Run(scheme+"/"+name, func(t *testing.T) {
				t.Parallel()
				s := serve(t, scheme, func(int) reply { return answer })
				own := s.transport(t)
				for range 5 {
					got := ask(t.Context(), own, s.base)
					if got.Err != "" || got.Body == "{}" {
						t.Errorf("got %+v", got)
					}
					for keptOne(own) { // until what is late has arrived
					}
				}
			})
		}
	}
}

// keptOne reports whether an idle connection is usable.
func keptOne(t *Transport) bool {
	c := t.idle.take(time.Time{})
	if c != nil {
		t.idle.put(c)
	}
	return c != nil
}

// stages are where a request can end before its answer.
var stages = map[string]reply{
	"before the header": {then: hold},
	"in the header":     {text: "HTTP/1.1 200 OK\r\nContent-Le", then: hold},
	"before the body":   {text: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", then: hold},
	"in the body":       {text: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n[1", then: hold},
	"in a chunk":        {text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[1", then: hold},
	"after a chunk":     {text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[1\r\n", then: hold},
	"in gzip":           {text: "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 999\r\n\r\n" + zipped("[1,2,3]"), then: hold},
}

func TestRequestsThatAreCanceled(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "https"} {
		for name, stage := range stages {
			for number := range 2 { // on a new connection, or a kept one
				t.Run(scheme+"/"+name, func(t *testing.T) {
					t.Parallel()
					through(t, scheme, at(number+1, stage), func(via http.RoundTripper, s *server) any {
						ctx, cancel := context.WithCancel(t.Context())
						defer cancel()
						s.held.Store(new(func() { cancel() }))
						var seen []result
						for range number {
							seen = append(seen, ask(ctx, via, s.base))
						}
						canceled := ask(ctx, via, s.base)
						// How much of it had arrived differs from one time to the next.
						return append(seen, result{Err: canceled.Err}, ask(ctx, via, s.base), ask(t.Context(), via, s.base))
					})
				})
			}
		}
	}
}

// guarded is the context of an attempt as the guard makes it.
type guarded struct {
	context.Context
	parent context.Context
	end    time.Time
}

// Unlimited returns the context without the time limit, and that.
func (g guarded) Unlimited() (context.Context, time.Time) { return g.parent, g.end }

// tardy is a context whose deadline has passed, and whose timer is late.
type tardy struct{ context.Context }

func (tardy) Deadline() (time.Time, bool) { return time.Unix(1, 0), true }

// The caller's own deadline ends a request when the caller's context says so, not before:
// otherwise the platform would be blamed for it.
func TestCallersDeadlineIsThatOfTheCallersContext(t *testing.T) {
	t.Parallel()
	s := serve(t, "http", func(int) reply { return reply{then: hold} })
	caller, cancel := context.WithCancel(t.Context())
	defer cancel()
	s.held.Store(new(func() { cancel() }))
	ctx := guarded{tardy{caller}, tardy{caller}, time.Now().Add(time.Hour)}
	if got := ask(ctx, s.transport(t), s.base); got.Err != class(context.Canceled) || caller.Err() == nil {
		t.Errorf("got %+v", got)
	}
}

func TestRequestsThatTakeTooLong(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "https"} {
		for name, stage := range stages {
			for _, limited := range []bool{false, true} {
				t.Run(scheme+"/"+name, func(t *testing.T) {
					t.Parallel()
					through(t, scheme, at(2, stage), func(via http.RoundTripper, s *server) any {
						seen := []result{ask(t.Context(), via, s.base)}
						ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
						defer cancel()
						if limited {
							end, _ := ctx.Deadline()
							ctx = guarded{ctx, t.Context(), end}
						}
						late := ask(ctx, via, s.base)
						// How much of it had arrived is chance.
						return append(seen, result{Err: late.Err}, ask(t.Context(), via, s.base))
					})
				})
			}
		}
	}
}

// net/http's transport sometimes takes the end of the time for the end of such a body.
func TestBodyWithoutAnnouncedEndIsNotCompleteWhenTimeIsUp(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "https"} {
		s := serve(t, scheme, func(int) reply { return reply{text: "HTTP/1.1 200 OK\r\n\r\n[1", then: hold} })
		own := s.transport(t)
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		if got := ask(ctx, own, s.base); got.Err != class(context.DeadlineExceeded) {
			t.Errorf("%s: got %+v", scheme, got)
		}
	}
}
