package transport

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

const (
	// keepAlive is below the 30 to 60 seconds without data after which proxies
	// close a connection.
	keepAlive = 12 * time.Second
	// writeWait is how long a write may block before the client is considered
	// gone.
	writeWait = 10 * time.Second
)

// answerEvents runs one operation and answers it with server-sent events, in
// the distinct connections mode of the graphql-sse protocol: errors found
// before the execution are sent as an event too.
func (x exchange) answerEvents(ctx context.Context, params *operationParams) {
	ctx, cancel := context.WithCancel(x.begin(ctx, x.came))
	defer cancel()
	sending := func(size int) func() { return x.sending(ctx, size) }
	events := &events{w: x.w, control: http.NewResponseController(x.w), sending: sending, broken: cancel}
	op, errs := x.create(ctx, x.exec, params)
	var operation *ast.OperationDefinition
	if errs == nil {
		if retryAfter := x.reserve(ctx, x.weigh(op)); retryAfter > 0 {
			x.refuseOverloaded(ctx, retryAfter)
			return
		}
		leave := x.hold(ctx, op)
		if leave == nil {
			x.refuseOverloaded(ctx, socketRetry)
			return
		}
		defer leave()
	}
	if errs != nil {
		events.open()
		events.send(newEvent(x.exec.DispatchError(graphql.WithOperationContext(ctx, op), errs)))
	} else {
		operation = op.Operation
		running, stop := x.withBudget(ctx, op)
		defer stop()
		next, _ := run(running, x.exec, op)
		if op.Operation.Operation == ast.Subscription {
			x.slot.Release() // a subscription mostly waits
			events.closing = x.Closing
		}
		events.open()
		events.follow(next)
	}
	events.write("event: complete\ndata:\n\n") // EventSource ignores an event without data
	x.done(ctx, operation, http.StatusOK, events.errors, events.size)
}

// hold counts a subscription like a WebSocket of its caller, because it lasts as long. It
// is refused if leave is nil.
func (x exchange) hold(ctx context.Context, op *graphql.OperationContext) (leave func()) {
	if op.Operation.Operation != ast.Subscription {
		return func() {}
	}
	if leave = x.connect(ctx); leave == nil {
		x.floods.Add()
	}
	return leave
}

// events writes a stream of events.
type events struct {
	w       http.ResponseWriter
	control *http.ResponseController
	sending func(size int) (end func())
	closing <-chan struct{}    // when closed, the stream ends before it is complete
	left    bool               // the stream ended early; the client gets nothing more
	broken  context.CancelFunc // ends the operation
	size    int                // bytes
	errors  gqlerror.List      // of the last response
}

func (e *events) open() {
	e.w.Header().Set("Content-Type", typeEvents+"; charset=utf-8")
	e.w.Header().Set("X-Accel-Buffering", "no") // tells proxies not to buffer events
	e.write(":\n\n")                            // sends the response header at once
}

// follow writes the responses until there are no more. It reads all of them, so
// that nothing is still running when it returns.
func (e *events) follow(next func() *graphql.Response) {
	responses := make(chan event)
	go func() {
		defer close(responses)
		for response := next(); response != nil; response = next() {
			responses <- newEvent(response)
		}
	}()
	idle := time.NewTicker(keepAlive)
	defer idle.Stop()
	for {
		select {
		case response, more := <-responses:
			if !more {
				return
			}
			e.send(response)
			idle.Reset(keepAlive)
		case <-idle.C:
			e.write(":\n\n")
		case <-e.closing:
			e.closing, e.left = nil, true
			e.broken()
		}
	}
}

// event is an encoded response. The executor of a subscription writes the next response to
// the memory of this one, so it must be encoded before the next is asked for.
type event struct {
	text   []byte
	errors gqlerror.List
}

// newEvent encodes a response on one line, because a line break ends the data. In JSON,
// line breaks can only be white space, and values that the platform sent may contain some.
func newEvent(response *graphql.Response) event {
	return event{errors: response.Errors, text: bytes.Map(func(r rune) rune {
		if r == '\n' || r == '\r' {
			return ' '
		}
		return r
	}, encode(response))}
}

// send writes an event.
func (e *events) send(next event) {
	e.errors = next.errors
	e.write("event: next\ndata: " + string(next.text) + "\n\n")
}

// write sends text at once. Its deadline replaces the server's write deadline,
// which is for a whole response.
func (e *events) write(text string) {
	if e.left { // after a complete event the client would not reconnect
		return
	}
	defer e.sending(len(text))()
	_ = e.control.SetWriteDeadline(time.Now().Add(writeWait)) // our server always supports deadlines
	size, err := e.w.Write([]byte(text))
	if err == nil {
		err = e.control.Flush()
	}
	if err != nil {
		e.broken()
	}
	e.size += size
}
