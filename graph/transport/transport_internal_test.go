package transport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"leadgraph/graph/persisted"
	"leadgraph/internal/admission"
	"leadgraph/internal/apptest"
	"leadgraph/internal/errcode"
)

// clock is a schema with a subscription. It ticks every 20 seconds, a thousand times or
// until a tick panics. Its ticks can have ids, and then it continues after the last one
// that the client has received.
type clock struct{ schema *ast.Schema }

func newClock() clock {
	return clock{gqlparser.MustLoadSchema(&ast.Source{Input: `type Query { slow: Int } type Subscription { tick(panic: Int = 1000, ids: Boolean = false): Int }`})}
}

func (c clock) Schema() *ast.Schema { return c.schema }

func (clock) Complexity(context.Context, string, string, int, map[string]any) (int, bool) {
	return 0, false
}

func (clock) Exec(ctx context.Context) graphql.ResponseHandler {
	op := graphql.GetOperationContext(ctx)
	if op.Operation.Operation == ast.Query {
		return func(ctx context.Context) *graphql.Response {
			<-ctx.Done()
			return nil
		}
	}
	tick := op.Operation.SelectionSet[0].(*ast.Field)
	arguments := tick.ArgumentMap(op.Variables)
	last := fmt.Sprint(arguments["panic"])
	count := 0
	_, _ = fmt.Sscanf(LastEventID(ctx), "tick-%d", &count) // remains 0 without an id
	return func(ctx context.Context) *graphql.Response {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(20 * time.Second):
		}
		if count++; fmt.Sprint(count) == last {
			panic("canary")
		}
		if arguments["ids"] == true {
			Identify(ctx, fmt.Sprintf("tick-%d", count))
		}
		return &graphql.Response{Data: fmt.Appendf(nil, "{\n\"tick\":%d}", count)}
	}
}

// serveClock serves the clock with a timeout of 5 seconds until the test ends.
// The caller must close the returned connections before that.
func serveClock(t *testing.T) *http.Client {
	t.Helper()
	return serveClockWith(t, func(*Options) {})
}

// present does as much of package graph's presenter as the clock needs.
func present(_ context.Context, err error) *gqlerror.Error {
	if known, ok := errors.AsType[*gqlerror.Error](err); ok && known.Extensions["code"] != nil {
		return &gqlerror.Error{Message: known.Message, Extensions: known.Extensions}
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return &gqlerror.Error{Message: "Too late.", Extensions: map[string]any{"code": errcode.UpstreamTimeout}}
	}
	return &gqlerror.Error{Message: "Internal error.", Extensions: map[string]any{"code": errcode.Internal}}
}

// serveClockUntil also takes a channel that ends streams, and an Admit
// function.
func serveClockUntil(t *testing.T, closing chan struct{}, admit func(context.Context) (*admission.Slot, time.Duration)) *http.Client {
	t.Helper()
	return serveClockWith(t, func(o *Options) { o.Closing, o.Admit = closing, admit })
}

// serveClockWith lets the caller change the options.
func serveClockWith(t *testing.T, change func(*Options)) *http.Client {
	t.Helper()
	schema := newClock()
	exec := handler.New(schema)
	log := slog.New(slog.DiscardHandler)
	hide := func(context.Context, any) error { return errors.New("panic") }
	exec.SetErrorPresenter(present)
	exec.SetRecoverFunc(hide)
	options := Options{
		Schema: schema.Schema(), Documents: &persisted.Documents{}, MaxBody: 1 << 10, Timeout: 5 * time.Second,
		Logger: log, Recover: hide,
	}
	change(&options)
	exec.AddTransport(New(options))
	network := apptest.NewPipes()
	server := &http.Server{
		WriteTimeout: time.Minute, ReadHeaderTimeout: time.Minute,
		Handler: exec,
	}
	ended := make(chan error)
	go func() { ended <- server.Serve(network) }()
	client := &http.Transport{DialContext: network.Dial}
	t.Cleanup(func() {
		client.CloseIdleConnections()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return &http.Client{Transport: client}
}

func openEvents(t *testing.T, client *http.Client, document string) io.ReadCloser {
	t.Helper()
	return openStream(t, client, document, http.Header{"Accept": {typeEvents}}).Body
}

// openStream posts a document. The body of the response must be closed.
func openStream(t *testing.T, client *http.Client, document string, header http.Header) *http.Response {
	t.Helper()
	body, err := json.Marshal(map[string]string{"query": document})
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://clock/", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

// TestEventsOfASubscription outlives the timeout and the server's WriteTimeout.
// The connection is never silent for long and survives a panic.
func TestEventsOfASubscription(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		body := openEvents(t, serveClock(t), `subscription { tick(panic: 5) }`)
		text, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		want := ":\n\n"
		for i := 1; i < 5; i++ {
			want += ":\n\n" + fmt.Sprintf("event: next\ndata: {\"data\":{ \"tick\":%d}}\n\n", i)
		}
		want += ":\n\n" + `event: next
data: {"errors":[{"message":"Internal error.","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}

event: complete
data:

`
		if string(text) != want {
			t.Errorf("got\n%s\nwant\n%s", text, want)
		}
	})
}

func TestEventsOfASlowQueryEndWithTheBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		text, err := io.ReadAll(openEvents(t, serveClock(t), `{ slow }`))
		if err != nil || !strings.Contains(string(text), `"code":"UPSTREAM_TIMEOUT"`) {
			t.Errorf("got %s %v", text, err)
		}
	})
}

func TestEventsEndWithTheClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		if err := openEvents(t, serveClock(t), `subscription { tick }`).Close(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // the end of the bubble fails if something still runs
	})
}

func socketTo(t *testing.T, client *http.Client) *websocket.Conn {
	t.Helper()
	conn, response, err := websocket.Dial(t.Context(), "http://clock/", &websocket.DialOptions{HTTPClient: client, Subprotocols: []string{"graphql-transport-ws"}})
	if err != nil {
		t.Fatal(err)
	}
	if response.Body != nil {
		t.Cleanup(func() { _ = response.Body.Close() })
	}
	return conn
}

func TestSocketWaitsForInitAndNoLonger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		conn := socketTo(t, serveClock(t))
		start := time.Now()
		_, _, err := conn.Read(t.Context())
		if websocket.CloseStatus(err) != 4408 || time.Since(start) != initWait {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func say(t *testing.T, conn *websocket.Conn, text string) {
	t.Helper()
	if err := conn.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func hear(t *testing.T, conn *websocket.Conn, want string) {
	t.Helper()
	if _, got, err := conn.Read(t.Context()); err != nil || string(got) != want {
		t.Fatalf("got %s %v, want %s", got, err, want)
	}
}

func TestSocketOfASubscription(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		conn := socketTo(t, serveClock(t))
		say(t, conn, `{"type":"connection_init"}`)
		hear(t, conn, `{"type":"connection_ack"}`)
		say(t, conn, `{"type":"subscribe","id":"a","payload":{"query":"subscription { tick }"}}`)
		hear(t, conn, "{\"type\":\"next\",\"id\":\"a\",\"payload\":{\"data\":{\n\"tick\":1}}}")
		say(t, conn, `{"type":"complete","id":"a"}`)
		say(t, conn, `{"type":"subscribe","id":"a","payload":{"query":"subscription { tick(panic: 2) }"}}`)
		hear(t, conn, "{\"type\":\"next\",\"id\":\"a\",\"payload\":{\"data\":{\n\"tick\":1}}}")
		hear(t, conn, `{"type":"next","id":"a","payload":{"errors":[{"message":"Internal error.","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}}`)
		hear(t, conn, `{"type":"complete","id":"a"}`)
		if err := conn.Close(websocket.StatusNormalClosure, ""); err != nil {
			t.Error(err)
		}
	})
}

// TestSocketFindsOutThatTheClientIsGone has a client that does not read.
func TestSocketFindsOutThatTheClientIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		conn := socketTo(t, serveClock(t))
		say(t, conn, `{"type":"connection_init"}`)
		hear(t, conn, `{"type":"connection_ack"}`)
		say(t, conn, `{"type":"subscribe","id":"a","payload":{"query":"subscription { tick }"}}`)
		<-time.After(keepAlive + writeWait + time.Second)
		if err := conn.Write(t.Context(), websocket.MessageText, []byte(`{"type":"pong"}`)); err == nil {
			t.Error("the connection is still open")
		}
		_ = conn.CloseNow() // it is closed
	})
}

// byDoor admits every operation through a door.
func byDoor(door *admission.Door) func(context.Context) (*admission.Slot, time.Duration) {
	return func(ctx context.Context) (*admission.Slot, time.Duration) { return door.Enter(ctx, "caller") }
}

func newDoor() *admission.Door {
	return admission.New(admission.Options{InFlight: 100, Queue: 100, Wait: time.Minute})
}

// TestEventsOfASubscriptionEndWithTheServer checks that the stream ends without
// the event that would keep the client from reconnecting.
func TestEventsOfASubscriptionEndWithTheServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		closing := make(chan struct{})
		door := newDoor()
		client := serveClockUntil(t, closing, byDoor(door))
		subscription := openEvents(t, client, `subscription { tick }`)
		query := openEvents(t, client, `{ slow }`)
		synctest.Wait()
		if inside := door.State().Inside; inside != 1 {
			t.Errorf("%d are inside, want the query", inside)
		}
		close(closing)
		if text, err := io.ReadAll(subscription); err != nil || string(text) != ":\n\n" {
			t.Errorf("got %s %v", text, err)
		}
		if text, err := io.ReadAll(query); err != nil || !strings.HasSuffix(string(text), "event: complete\ndata:\n\n") {
			t.Errorf("got %s %v", text, err)
		}
		if state := door.State(); state != (admission.State{}) {
			t.Errorf("state %+v", state)
		}
	})
}

// TestSocketLeavesWithTheServer checks that a socket closes after its query,
// does not wait for its subscription and starts nothing more.
func TestSocketLeavesWithTheServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		closing := make(chan struct{})
		door := newDoor()
		conn := socketTo(t, serveClockUntil(t, closing, byDoor(door)))
		say(t, conn, `{"type":"connection_init"}`)
		hear(t, conn, `{"type":"connection_ack"}`)
		say(t, conn, `{"type":"subscribe","id":"a","payload":{"query":"subscription { tick }"}}`)
		say(t, conn, `{"type":"subscribe","id":"b","payload":{"query":"{ slow }"}}`)
		synctest.Wait()
		if inside := door.State().Inside; inside != 1 {
			t.Errorf("%d are inside, want the query", inside)
		}
		close(closing)
		synctest.Wait()
		say(t, conn, `{"type":"subscribe","id":"c","payload":{"query":"{ __typename }"}}`)
		hear(t, conn, `{"type":"next","id":"b","payload":{"errors":[{"message":"Too late.","extensions":{"code":"UPSTREAM_TIMEOUT"}}]}}`)
		hear(t, conn, `{"type":"complete","id":"b"}`)
		if _, got, err := conn.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusGoingAway {
			t.Errorf("got %s %v", got, err)
		}
		synctest.Wait()
		if state := door.State(); state != (admission.State{}) {
			t.Errorf("state %+v", state)
		}
	})
}

// TestSocketThatFloodsIsClosed sends what a client may send at once, and too much.
func TestSocketThatFloodsIsClosed(t *testing.T) {
	t.Parallel()
	for name, flood := range map[string]func(conn *websocket.Conn, i int) error{
		"messages": func(conn *websocket.Conn, _ int) error {
			return conn.Write(context.Background(), websocket.MessageText, []byte(`{"type":"pong"}`))
		},
		"completions": func(conn *websocket.Conn, i int) error {
			return conn.Write(context.Background(), websocket.MessageText, fmt.Appendf(nil, `{"type":"complete","id":"%d"}`, i))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				conn := socketTo(t, serveClock(t))
				say(t, conn, `{"type":"connection_init"}`)
				hear(t, conn, `{"type":"connection_ack"}`)
				for i := range socketFramesBurst - 1 {
					if err := flood(conn, i); err != nil {
						t.Fatalf("message %d: %v", i, err)
					}
				}
				for range 3 { // and then as many as the rate allows
					<-time.After(time.Second)
					for i := range socketFrames {
						if err := flood(conn, i); err != nil {
							t.Fatal(err)
						}
					}
				}
				_ = flood(conn, 0)
				if _, got, err := conn.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
					t.Errorf("got %s %v", got, err)
				}
			})
		})
	}
}

// TestSocketsOperationsAreBounded starts operations one after the other.
func TestSocketsOperationsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		conn := socketTo(t, serveClock(t))
		say(t, conn, `{"type":"connection_init"}`)
		hear(t, conn, `{"type":"connection_ack"}`)
		answers := func(operations int) (answered int) {
			t.Helper()
			for range operations {
				say(t, conn, `{"type":"subscribe","id":"a","payload":{"query":"{ nope }"}}`)
				_, got, err := conn.Read(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if !strings.Contains(string(got), `"code":"OVERLOADED"`) {
					answered++
				}
			}
			return answered
		}
		if n := answers(socketOperationsBurst + 50); n != socketOperationsBurst {
			t.Errorf("%d answered at once", n)
		}
		<-time.After(time.Second)
		if n := answers(socketOperations + 10); n != socketOperations {
			t.Errorf("%d answered in the next second", n)
		}
		_ = conn.CloseNow()
	})
}

// TestFramesWithoutContentAreBounded sends fragments of a message that stays empty.
func TestFramesWithoutContentAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		conn := socketTo(t, serveClock(t))
		say(t, conn, `{"type":"connection_init"}`)
		hear(t, conn, `{"type":"connection_ack"}`)
		w, err := conn.Writer(t.Context(), websocket.MessageText)
		if err != nil {
			t.Fatal(err)
		}
		const buffered = 2 * (4 << 10) / 6 // frames on their way, of a header and a mask each
		frames := 0
		for ; err == nil && frames <= socketPartsBurst+buffered; frames++ {
			_, err = w.Write(nil)
		}
		if err == nil {
			t.Errorf("%d frames are read", frames)
		}
	})
}
