package graph_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"leadgraph/graph"
	"leadgraph/graph/transport"
	"leadgraph/lead/catalogue"
	"leadgraph/upstream/sandbox"
)

// watching records what a handler reports about its operations.
type watching struct {
	mu    sync.Mutex
	begun int
	told  []string
	done  chan struct{} // receives one value for each answered operation
}

type begunKey struct{}

func (w *watching) options(o *graph.Options) {
	w.done = make(chan struct{}, 100)
	o.MaxBatch = 2
	o.Begin = func(ctx context.Context, came time.Time) context.Context {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.begun++
		if came.IsZero() || ctx.Value(begunKey{}) != nil {
			w.told = append(w.told, "begun out of order")
		}
		return context.WithValue(ctx, begunKey{}, w.begun)
	}
	o.Field = func(ctx context.Context, name string) (context.Context, func(string)) {
		return ctx, func(code string) { w.tell(ctx, name+" "+code) }
	}
	o.Done = func(ctx context.Context, op transport.Operation) {
		stale := ""
		if op.Stale {
			stale = " stale"
		}
		if op.Bytes == 0 || op.Took <= 0 {
			w.tell(ctx, "nothing written, or no time taken")
		}
		w.tell(ctx, fmt.Sprintf("%s %q %d %v%s", op.Type, op.Name, op.Status, op.Codes, stale))
		w.done <- struct{}{}
	}
}

func (w *watching) tell(ctx context.Context, what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, fmt.Sprint(ctx.Value(begunKey{}), ": ", what))
}

// want waits until that many operations were answered and checks what was
// reported since the last call, in any order.
func (w *watching) want(t *testing.T, operations int, want ...string) {
	t.Helper()
	for range operations {
		<-w.done
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	slices.Sort(w.told)
	slices.Sort(want)
	if w.begun != operations || !slices.Equal(w.told, want) {
		t.Errorf("%d operations, told\n%s\nwant\n%s", w.begun, strings.Join(w.told, "\n"), strings.Join(want, "\n"))
	}
	w.begun, w.told = 0, nil
}

func TestEveryTransportTellsOfItsOperations(t *testing.T) {
	t.Parallel()
	for _, textbook := range []bool{false, true} {
		var w watching
		s := newService(t, serviceOptions{graph: func(o *graph.Options) {
			o.Textbook = textbook
			w.options(o)
		}})
		accept := func(mediaType, body string) {
			t.Helper()
			s.post(t, body, "Accept", mediaType)
		}
		s.query(t, `query Both { a: leads(first: 1) { nodes { id } } b: leads(first: -1) { nodes { id } } }`)
		w.want(t, 1, "1: leads ", "1: leads BAD_USER_INPUT", `1: query "Both" 200 [BAD_USER_INPUT]`)
		s.query(t, `query Unknown { nope }`)
		w.want(t, 1, `1:  "" 200 [GRAPHQL_VALIDATION_FAILED]`)
		accept("application/json", `[{"query":"query One { leadStats { total } }"},{"query":"{"}]`)
		w.want(t, 2, "1: leadStats ", `1: query "One" 200 []`, `2:  "" 200 [GRAPHQL_PARSE_FAILED]`)
		accept("text/html", `{}`)
		w.want(t, 1, `1:  "" 406 [BAD_USER_INPUT]`)
		accept("text/event-stream", `{"query":"query Events { __typename leadStats { total } }"}`)
		w.want(t, 1, "1: leadStats ", `1: query "Events" 200 []`)
		accept(byPath, `{"query":"query Late { node(id: \"x\") { id } ... @defer { leadStats { total } } }"}`)
		w.want(t, 1, "1: node ", "1: leadStats ", `1: query "Late" 200 []`)

		c := s.open(t)
		c.subscribe("1", `query Socket { leadStats { total } }`)
		c.subscribe("2", `{ nope }`)
		w.want(t, 2, "1: leadStats ", `1: query "Socket" 200 []`, `2:  "" 200 [GRAPHQL_VALIDATION_FAILED]`)
	}
}

func TestStaleAnswersAndPanicsAreTold(t *testing.T) {
	t.Parallel()
	var w watching
	s := newService(t, serviceOptions{
		catalogue: catalogue.Options{TTL: 1, StaleIfError: time.Hour},
		graph: func(o *graph.Options) {
			w.options(o)
			o.Leads = bursting{o.Leads}
		},
	})
	s.query(t, `{ leadStats { total } }`)
	w.want(t, 1, "1: leadStats ", `1: query "" 200 []`)
	s.platform.Inject(sandbox.Fault{Kind: sandbox.KindPage, Times: -1, Status: 503})
	s.query(t, `{ leadStats { total } ... @defer { leads(last: 1) { totalCount } } }`)
	w.want(t, 1, "1: leadStats ", "1: leads ", `1: query "" 200 [] stale`)
	s.query(t, `{ leads(first: 1) { nodes { id } } }`)
	w.want(t, 1, "1: leads INTERNAL_SERVER_ERROR", `1: query "" 200 [INTERNAL_SERVER_ERROR]`)
}
