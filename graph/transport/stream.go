package transport

import (
	"context"
	"net/http"
	"sync"
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
	ctx = x.begin(ctx, x.came)
	op, errs := x.create(ctx, x.exec, params)
	if errs != nil {
		s := x.newStream(ctx, events)
		s.open()
		s.send(s.encode(x.exec.DispatchError(graphql.WithOperationContext(ctx, op), errs), ""))
		s.write(s.complete)
		x.done(ctx, nil, http.StatusOK, s.errors, s.size)
		return
	}
	if retryAfter := x.reserve(ctx, x.weigh(op)); retryAfter > 0 {
		x.refuseOverloaded(ctx, retryAfter)
		return
	}
	x.answerStream(ctx, op, events)
}

// answerSubscription runs a subscription of a client that prefers answers in one piece
// to events. ctx is that of begin.
func (x exchange) answerSubscription(ctx context.Context, op *graphql.OperationContext) {
	if x.client.stream == nil {
		response := x.exec.DispatchError(ctx, needsStream())
		x.done(ctx, nil, http.StatusBadRequest, response.Errors, x.writeResponse(ctx, http.StatusBadRequest, response))
		return
	}
	x.answerStream(ctx, op, x.client.stream)
}

// answerStream runs an operation and writes its responses as they come.
func (x exchange) answerStream(ctx context.Context, op *graphql.OperationContext, format *framing) {
	leave := x.hold(ctx, op)
	if leave == nil {
		x.refuseOverloaded(ctx, socketRetry)
		return
	}
	defer leave()
	resumed := &resumption{lastEventID: op.Headers.Get("Last-Event-ID")}
	running, stop := x.withBudget(context.WithValue(ctx, resumptionKey{}, resumed), op)
	defer stop()
	s := x.newStream(ctx, format)
	s.broken = stop
	next, _ := run(running, x.exec, op)
	if op.Operation.Operation == ast.Subscription {
		x.slot.Release() // a subscription mostly waits
		s.closing = x.Closing
	}
	s.open()
	s.follow(func() *part {
		if response := next(); response != nil {
			return s.encode(response, resumed.id(response))
		}
		return nil
	})
	s.write(s.complete)
	x.done(ctx, op.Operation, http.StatusOK, s.errors, s.size)
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

// stream writes responses one after the other.
type stream struct {
	*framing
	w       http.ResponseWriter
	control *http.ResponseController
	sending func(size int) (end func())
	closing <-chan struct{} // when closed, the stream ends before it is complete
	left    bool            // the stream ended early; the client gets nothing more
	broken  func()          // ends the operation
	size    int             // bytes
	errors  gqlerror.List   // of the last response
}

func (x exchange) newStream(ctx context.Context, format *framing) *stream {
	return &stream{
		framing: format, w: x.w, control: http.NewResponseController(x.w), broken: func() {},
		sending: func(size int) func() { return x.sending(ctx, size) },
	}
}

// open sends the response header at once.
func (s *stream) open() {
	s.w.Header().Set("Content-Type", s.contentType)
	s.w.Header().Set("X-Accel-Buffering", "no") // tells proxies not to buffer
	s.write(s.opening)
}

// part is an encoded response.
type part struct {
	text   string
	errors gqlerror.List
}

// encode encodes a response before the next one is asked for: the executor of a
// subscription writes that to the memory of this one.
func (f *framing) encode(response *graphql.Response, id string) *part {
	return &part{f.frame(encode(response), id, response.Data == nil), response.Errors}
}

// follow writes the responses until there are no more. It reads all of them, so
// that nothing is still running when it returns.
func (s *stream) follow(next func() *part) {
	parts := make(chan *part)
	go func() {
		defer close(parts)
		for response := next(); response != nil; response = next() {
			parts <- response
		}
	}()
	idle := time.NewTicker(keepAlive)
	defer idle.Stop()
	for {
		select {
		case response, more := <-parts:
			if !more {
				return
			}
			s.send(response)
			idle.Reset(keepAlive)
		case <-idle.C:
			s.write(s.heartbeat)
		case <-s.closing:
			s.closing = nil
			s.leave()
		}
	}
}

// leave ends the stream instead of completing it, so that the client comes back.
func (s *stream) leave() {
	s.extend() // for the end of the body
	s.left = true
	s.broken()
}

// extend replaces the write deadline. That of the server is for a whole response.
func (s *stream) extend() {
	_ = s.control.SetWriteDeadline(time.Now().Add(writeWait)) // our server always supports deadlines
}

func (s *stream) send(response *part) {
	s.errors = response.errors
	s.write(response.text)
}

// write sends text at once.
func (s *stream) write(text string) {
	if s.left { // after the end of a complete stream the client would not reconnect
		return
	}
	defer s.sending(len(text))()
	s.extend()
	size, err := s.w.Write([]byte(text))
	if err == nil {
		err = s.control.Flush()
	}
	if err != nil {
		s.broken()
	}
	s.size += size
}

// resumption is what lets a stream continue where an earlier one has ended.
type resumption struct {
	lastEventID string

	mu  sync.Mutex
	ids []string // of responses that have not been sent yet
}

type resumptionKey struct{}

// LastEventID returns the id of the last event that a client has received, by its
// header Last-Event-ID, or "". Over a WebSocket there is none.
func LastEventID(ctx context.Context) string {
	if r, ok := ctx.Value(resumptionKey{}).(*resumption); ok {
		return r.lastEventID
	}
	return ""
}

// Identify gives an id to the next response of a subscription that has data and no id yet.
// Call it for every response with data, before the executor gets the data. It is safe for
// concurrent use. The id must not contain line breaks.
func Identify(ctx context.Context, id string) {
	if r, ok := ctx.Value(resumptionKey{}).(*resumption); ok {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.ids = append(r.ids, id)
	}
}

// id returns the id of a response, or "". Data that became null got an id, but a client
// must not continue after them.
func (r *resumption) id(response *graphql.Response) (id string) {
	if response.Data == nil {
		return ""
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.ids) > 0 {
		id, r.ids = r.ids[0], r.ids[1:]
	}
	if isNull(response.Data) {
		return ""
	}
	return id
}
