package graph_test

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"leadgraph/graph"
	"leadgraph/internal/admission"
	"leadgraph/upstream/sandbox"
)

// door admits operations and counts them.
type door struct {
	*admission.Door
	refuse atomic.Bool
	panics atomic.Bool
	given  atomic.Int32
}

func newDoor() *door {
	return &door{Door: admission.New(admission.Options{InFlight: 100, Queue: 100, Wait: time.Minute})}
}

func (d *door) admit(ctx context.Context) (*admission.Slot, time.Duration) {
	if d.panics.Load() {
		panic("canary")
	}
	if d.refuse.Load() {
		return nil, 1200 * time.Millisecond
	}
	d.given.Add(1)
	return d.Enter(ctx, "caller")
}

// want checks that so many operations were admitted, and that all have ended.
func (d *door) want(t *testing.T, count int32) {
	t.Helper()
	for d.State() != (admission.State{}) && t.Context().Err() == nil { // given back after the response
		runtime.Gosched()
	}
	if given := d.given.Load(); given != count {
		t.Errorf("admitted %d times, want %d", given, count)
	}
}

const overloaded = `{"message":"The server is overloaded.","extensions":{"code":"OVERLOADED","requestId":"request-1","retryAfterMs":1200}}`

func TestEachRequestNeedsAShare(t *testing.T) {
	t.Parallel()
	share := newDoor()
	s := newService(t, serviceOptions{graph: func(o *graph.Options) { o.Admit, o.MaxBatch = share.admit, 2 }})
	accepts := map[string]string{ // and the media type of a refusal
		"":                                  "application/json; charset=utf-8",
		"application/graphql-response+json": "application/graphql-response+json; charset=utf-8",
		"text/event-stream":                 "application/json; charset=utf-8",
		byPath:                              "application/json; charset=utf-8",
	}
	for accept := range accepts {
		s.text(t, accept, `{ __typename ... @defer { leadStats { total } } }`)
	}
	s.post(t, `[{"query":"{ __typename }"}, {"query":"{ nope }"}]`)
	s.post(t, `no request`)
	share.want(t, 5)
	share.refuse.Store(true)
	for accept, mediaType := range accepts {
		a := s.post(t, `{"query":"{ __typename }"}`, "Accept", accept)
		if a.Status != http.StatusServiceUnavailable || a.Header.Get("Retry-After") != "2" || a.Header.Get("Content-Type") != mediaType {
			t.Errorf("%s: %d %v", accept, a.Status, a.Header)
		}
		if a.Body != `{"errors":[`+overloaded+`]}` {
			t.Errorf("%s: %s", accept, a.Body)
		}
	}
	share.want(t, 5)
}

func TestEachOperationOfASocketNeedsAShare(t *testing.T) {
	t.Parallel()
	share := newDoor()
	s := newService(t, serviceOptions{graph: func(o *graph.Options) { o.Admit = share.admit }})
	c := s.open(t)
	for range 2 {
		c.subscribe("1", `{ __typename }`)
		c.want(`{"type":"next","id":"1","payload":{"data":{"__typename":"Query"}}}`)
		c.want(`{"type":"complete","id":"1"}`)
	}
	share.want(t, 2)
	share.refuse.Store(true)
	c.subscribe("1", `{ __typename }`)
	c.want(`{"type":"error","id":"1","payload":[` + overloaded + `]}`)
	share.refuse.Store(false)
	share.panics.Store(true)
	c.subscribe("2", `{ __typename }`)
	c.want(`{"type":"error","id":"2","payload":[{"message":"Internal error.","extensions":{"code":"INTERNAL_SERVER_ERROR","requestId":"request-1"}}]}`)
	share.panics.Store(false)
	c.subscribe("3", `{ __typename }`)
	c.want(`{"type":"next","id":"3","payload":{"data":{"__typename":"Query"}}}`)
	share.want(t, 3)
}

func TestSocketLeavesAfterItsQueries(t *testing.T) {
	t.Parallel()
	closing := make(chan struct{})
	options := patient()
	options.graph = func(o *graph.Options) { o.Timeout, o.Closing = time.Hour, closing }
	s := newService(t, options)
	s.platform.Inject(sandbox.Fault{Kind: "tenant:" + fullTenant, Latency: 300 * time.Millisecond})
	running, idle := s.open(t), s.open(t)
	running.subscribe("1", fmt.Sprintf("{ lead(tenantId: %q) { status } }", fullTenant))
	for s.platform.Calls().ByTenant == 0 && t.Context().Err() == nil {
	}
	close(closing)
	idle.wantClose(websocket.StatusGoingAway)
	running.want(`{"type":"next","id":"1","payload":{"data":{"lead":{"status":"ACTIVE"}}}}`)
	running.want(`{"type":"complete","id":"1"}`)
	running.wantClose(websocket.StatusGoingAway)
}

// TestEachFieldOfACrowdedOperationHasItsOwnError lets too many operations wait for a slow
// platform. Fields that share a call fail together, each in its own place.
func TestEachFieldOfACrowdedOperationHasItsOwnError(t *testing.T) {
	t.Parallel()
	for _, textbook := range []bool{false, true} {
		t.Run(fmt.Sprint("textbook ", textbook), func(t *testing.T) {
			t.Parallel()
			door := admission.New(admission.Options{InFlight: 1, Queue: 100, Wait: time.Minute})
			s := newService(t, serviceOptions{graph: func(o *graph.Options) {
				o.Textbook = textbook
				o.Admit = func(ctx context.Context) (*admission.Slot, time.Duration) { return door.Enter(ctx, "caller") }
			}})
			s.platform.Inject(sandbox.Fault{Kind: sandbox.KindPage, Times: -1, Latency: time.Minute})
			s.platform.Inject(sandbox.Fault{Kind: sandbox.KindLead, Times: -1, Latency: time.Minute})
			other, _ := door.Enter(t.Context(), "other")
			other.Away()
			_, done := other.Calling(t.Context())
			a := s.query(t, fmt.Sprintf(`{
				a: leadStats { total } b: leadStats { total } c: leads(last: 2) { totalCount } d: leads(first: 2) { nodes { id } }
				e: lead(tenantId: %[1]q) { id } f: lead(tenantId: %[1]q) { status } g: leadsByTenantIds(tenantIds: [%[1]q, %[2]q]) { id }
			}`, seedTenant, noTenant))
			done()
			other.Release()
			var places []string
			for _, e := range a.Errors {
				places = append(places, fmt.Sprint(e.Path))
				if after, _ := e.Extensions["retryAfterMs"].(float64); e.Extensions["code"] != "OVERLOADED" || after < 1000 || len(e.Locations) != 1 {
					t.Errorf("%+v", e)
				}
			}
			slices.Sort(places)
			if want := []string{"[a]", "[b]", "[c]", "[d]", "[e]", "[f]", "[g 0]", "[g 1]"}; !slices.Equal(places, want) {
				t.Errorf("errors at %v, want %v: %s", places, want, a.Body)
			}
		})
	}
}

// TestOperationsThatCatchUpHoldNoCore lets the only operation that may compute wait for
// what replicas share, because its cursor is one of another replica.
func TestOperationsThatCatchUpHoldNoCore(t *testing.T) {
	t.Parallel()
	_, cursor := newService(t, serviceOptions{}).list(t, nil)
	asked, known := make(chan struct{}), make(chan struct{})
	door := admission.New(admission.Options{InFlight: 100, Queue: 100, Wait: time.Second, Tokens: 1})
	s := newService(t, serviceOptions{
		catchUp: func(context.Context) { close(asked); <-known },
		graph: func(o *graph.Options) {
			o.Admit = func(ctx context.Context) (*admission.Slot, time.Duration) { return door.Enter(ctx, "caller") }
		},
	})
	var waiting sync.WaitGroup
	waiting.Go(func() {
		s.query(t, `query($after: ChangeCursor!) { leadChanges(after: $after) { cursor } }`, "after", cursor)
	})
	<-asked
	if a := s.query(t, `{ __typename }`); len(a.Errors) > 0 {
		t.Errorf("another operation got %s", a.Body)
	}
	close(known)
	waiting.Wait()
}
