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
	// keepAlive is shorter than the 30 to 60 seconds without a byte after which
	// proxies give a connection up.
	keepAlive = 12 * time.Second
	// writeWait is how long a client may not read before it is given up.
	writeWait = 10 * time.Second
)

// answerEvents runs one operation and answers it as server-sent events, in the
// distinct connections mode of the graphql-sse protocol: errors that are found
// before the execution come as an event too.
func (x exchange) answerEvents(ctx context.Context, params *operationParams) {
	ctx, cancel := context.WithCancel(x.begin(ctx, x.came))
	defer cancel()
	events := &events{w: x.w, control: http.NewResponseController(x.w), broken: cancel}
	op, errs := x.create(ctx, x.exec, params)
	var operation *ast.OperationDefinition
	if errs != nil {
		events.open()
		events.next(x.exec.DispatchError(graphql.WithOperationContext(ctx, op), errs))
	} else {
		operation = op.Operation
		running, stop := x.withBudget(ctx, op)
		defer stop()
		next, _ := run(running, x.exec, op)
		if op.Operation.Operation == ast.Subscription {
			x.release() // it waits for most of its life
			events.closing = x.Closing
		}
		events.open()
		events.follow(next)
	}
	events.write("event: complete\ndata:\n\n") // EventSource ignores an event without data
	x.done(ctx, operation, http.StatusOK, events.errors, events.size)
}

// events writes a stream of events.
type events struct {
	w       http.ResponseWriter
	control *http.ResponseController
	closing <-chan struct{}    // ends the stream before it is complete
	left    bool               // whether it did: the client hears no more
	broken  context.CancelFunc // ends the operation
	size    int                // bytes
	errors  gqlerror.List      // of the last response
}

func (e *events) open() {
	e.w.Header().Set("Content-Type", typeEvents+"; charset=utf-8")
	e.w.Header().Set("X-Accel-Buffering", "no") // a proxy must not hold events back
	e.write(":\n\n")                            // the client has its answer's header at once
}

// follow writes the responses until there are no more. It sees them all, so
// that nothing runs on when it returns.
func (e *events) follow(next func() *graphql.Response) {
	responses := make(chan *graphql.Response)
	go func() {
		defer close(responses)
		for response := next(); response != nil; response = next() {
			responses <- response
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
			e.next(response)
			idle.Reset(keepAlive)
		case <-idle.C:
			e.write(":\n\n")
		case <-e.closing:
			e.closing, e.left = nil, true
			e.broken()
		}
	}
}

// next writes a response. Data lines end at a line break, which in JSON can only
// be white space: a value that the platform sent as it likes may have some.
func (e *events) next(response *graphql.Response) {
	e.errors = response.Errors
	text := bytes.Map(func(r rune) rune {
		if r == '\n' || r == '\r' {
			return ' '
		}
		return r
	}, encode(response))
	e.write("event: next\ndata: " + string(text) + "\n\n")
}

// write sends text at once. The deadline replaces the server's own, which is for
// a whole answer.
func (e *events) write(text string) {
	if e.left { // told that the stream is complete, the client would not connect anew
		return
	}
	_ = e.control.SetWriteDeadline(time.Now().Add(writeWait)) // a server that cannot is not ours
	size, err := e.w.Write([]byte(text))
	if err == nil {
		err = e.control.Flush()
	}
	if err != nil {
		e.broken()
	}
	e.size += size
}
