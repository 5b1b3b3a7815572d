package transport

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"leadgraph/internal/errcode"
)

const (
	socketProtocol = "graphql-transport-ws"
	// initWait is how long a client may take to send connection_init and the
	// program to accept it.
	initWait = 3 * time.Second
	// maxSocketOperations run at a time on one connection: more than a page has
	// subscriptions, few enough for one client.
	maxSocketOperations = 20
)

// The codes with which the protocol closes a connection.
const (
	closeBadMessage   = 4400
	closeUnauthorized = 4401
	closeForbidden    = 4403
	closeProtocol     = 4406
	closeInitTimeout  = 4408
	closeSameID       = 4409
	closeSecondInit   = 4429
)

// message is one of the protocol graphql-transport-ws.
type message struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// socket serves the operations of one WebSocket.
type socket struct {
	endpoint
	exec    graphql.GraphExecutor
	conn    *websocket.Conn
	header  http.Header
	stop    context.CancelFunc // ends all that runs for the connection
	slots   chan struct{}      // one taken by each running operation
	running sync.WaitGroup

	mu      sync.Mutex
	active  map[string]context.CancelFunc // by the client's id
	leaving bool                          // begins nothing more
	queries sync.WaitGroup                // of those in active, that end by themselves
}

// serveSocket speaks graphql-transport-ws until the connection ends, which ends
// its operations. gqlgen's own transport does not bound the operations of a
// connection, waits for ever for a client that does not read, and closes with
// codes that are not the protocol's.
func (t endpoint) serveSocket(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	options := &websocket.AcceptOptions{Subprotocols: []string{socketProtocol}}
	if t.CheckOrigin != nil {
		if !t.CheckOrigin(r) {
			http.Error(w, "The origin is not allowed.", http.StatusForbidden)
			return
		}
		options.InsecureSkipVerify = true // it has just been verified
	}
	conn, err := websocket.Accept(w, r, options)
	if err != nil {
		return // the client has been told
	}
	ctx, stop := context.WithCancel(r.Context())
	s := &socket{
		endpoint: t, exec: exec, conn: conn, header: r.Header, stop: stop,
		slots: make(chan struct{}, maxSocketOperations), active: map[string]context.CancelFunc{},
	}
	defer s.running.Wait()
	defer s.drop()
	if conn.Subprotocol() != socketProtocol {
		s.close(closeProtocol, "Subprotocol not acceptable")
		return
	}
	conn.SetReadLimit(t.MaxBody)
	s.running.Go(func() { s.ping(ctx) })
	s.running.Go(func() { s.leave(ctx) })
	s.serve(r.Context(), ctx)
}

// close ends the connection with a code, after all that runs for it.
func (s *socket) close(code websocket.StatusCode, reason string) {
	s.stop()
	_ = s.conn.Close(code, reason) // a client that left cannot be told so
}

// drop ends the connection, if it has not ended, without a word.
func (s *socket) drop() {
	s.stop()
	_ = s.conn.CloseNow()
}

// serve handles messages until the connection ends. A read on the context of the
// operations would end the connection before its code could be sent.
func (s *socket) serve(connection, ctx context.Context) {
	inTime := s.closeAfter(initWait, closeInitTimeout, "Connection initialisation timeout")
	defer inTime()
	leave := func() {}
	defer func() { leave() }()
	initialised := false
	for {
		_, text, err := s.conn.Read(connection)
		if err != nil {
			return
		}
		var m message
		if decode(text, &m) != nil {
			m.Type = ""
		}
		switch {
		case m.Type == "connection_init" && initialised:
			s.close(closeSecondInit, "Too many initialisation requests")
			return
		case m.Type == "connection_init":
			if ctx, initialised = s.initialise(ctx, m.Payload); !initialised {
				return
			}
			inTime()
			leave = s.closeAtExpiry(ctx)
			s.send("connection_ack", "", nil)
		case m.Type == "subscribe" && !initialised:
			s.close(closeUnauthorized, "Unauthorized")
			return
		case m.Type == "subscribe":
			if !s.subscribe(ctx, m) {
				return
			}
		case m.Type == "complete":
			s.complete(m.ID)
		case m.Type == "ping":
			s.send("pong", "", nil)
		case m.Type == "pong":
		default:
			s.close(closeBadMessage, "Invalid message")
			return
		}
	}
}

// closeAfter closes the connection with a code unless it is called off before.
func (s *socket) closeAfter(wait time.Duration, code websocket.StatusCode, reason string) (callOff func()) {
	s.running.Add(1)
	timer := time.AfterFunc(wait, func() {
		defer s.running.Done()
		s.close(code, reason)
	})
	return func() {
		if timer.Stop() {
			s.running.Done()
		}
	}
}

// closeAtExpiry closes the connection when the token ends that it was opened
// with. The code lets clients try again, with a new one.
func (s *socket) closeAtExpiry(ctx context.Context) (callOff func()) {
	if s.Expires == nil || s.Expires(ctx).IsZero() {
		return func() {}
	}
	return s.closeAfter(time.Until(s.Expires(ctx)), closeForbidden, "Access token expired")
}

// initialise asks the program whether the client may go on, and as whom.
func (s *socket) initialise(ctx context.Context, text json.RawMessage) (context.Context, bool) {
	var payload map[string]any
	if text != nil && decode(text, &payload) != nil {
		s.close(closeBadMessage, "Invalid message")
		return ctx, false
	}
	if s.InitConnection == nil {
		return ctx, true
	}
	accepted, err := s.InitConnection(ctx, payload)
	if err != nil {
		s.Logger.InfoContext(ctx, "refused", "status", closeForbidden, "code", errcode.Forbidden)
		s.close(closeForbidden, "Forbidden")
		return ctx, false
	}
	return accepted, true
}

// subscribe begins an operation. It is false when it closed the connection.
func (s *socket) subscribe(ctx context.Context, m message) bool {
	params, err := decodeParams(m.Payload)
	if err != nil || m.ID == "" {
		s.close(closeBadMessage, "Invalid message")
		return false
	}
	params.Headers = s.header
	ctx, err = s.add(ctx, m.ID)
	switch {
	case errors.Is(err, errLeaving):
		return true // the client asks the next server when the connection closes
	case err != nil:
		s.close(closeSameID, "Subscriber already exists")
		return false
	}
	ctx = s.begin(ctx, time.Now())
	select {
	case s.slots <- struct{}{}:
		s.running.Go(func() {
			defer func() { <-s.slots }()
			s.operate(ctx, m.ID, params)
		})
	default:
		s.fail(ctx, m.ID, refuse(ctx, s.exec, "The connection has too many operations."))
		s.queries.Done()
	}
	return true
}

// operate runs an operation in one of the slots.
func (s *socket) operate(ctx context.Context, id string, params *operationParams) {
	ended := sync.OnceFunc(s.queries.Done)
	defer ended()
	defer func() { // no longer the request's goroutine, where it would end only that
		if value := recover(); value != nil {
			s.fail(ctx, id, s.exec.DispatchError(ctx, gqlerror.List{gqlerror.WrapPath(nil, s.Recover(ctx, value))}))
		}
	}()
	ctx = graphql.StartOperationTrace(ctx) // each has its own, not that of the connection
	release, retryAfter := s.enter(ctx)
	if release == nil {
		s.fail(ctx, id, overloaded(ctx, s.exec, retryAfter))
		return
	}
	defer release()
	op, errs := s.create(ctx, s.exec, params)
	if errs != nil {
		s.fail(ctx, id, s.exec.DispatchError(graphql.WithOperationContext(ctx, op), errs))
		return
	}
	bounded, cancel := s.withBudget(ctx, op)
	defer cancel()
	next, _ := run(bounded, s.exec, op)
	if op.Operation.Operation == ast.Subscription {
		release() // it waits for most of its life
		ended()
	}
	size := 0
	for response := next(); response != nil && ctx.Err() == nil; response = next() {
		errs = response.Errors
		size += s.send("next", id, encode(response))
	}
	if s.forget(ctx, id) {
		s.send("complete", id, nil)
	}
	s.done(ctx, op.Operation, http.StatusOK, errs, size)
}

// fail ends an operation that was not executed.
func (s *socket) fail(ctx context.Context, id string, response *graphql.Response) {
	size := 0
	if s.forget(ctx, id) {
		text, err := json.Marshal(response.Errors)
		if err != nil { // only our own values get here
			panic(err)
		}
		size = s.send("error", id, text)
	}
	s.done(ctx, nil, http.StatusOK, response.Errors, size)
}

var (
	errSameID  = errors.New("the id is in use")
	errLeaving = errors.New("the server ends")
)

// add gives an operation its context and counts it among the queries.
func (s *socket) add(ctx context.Context, id string) (context.Context, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leaving {
		return ctx, errLeaving
	}
	if _, taken := s.active[id]; taken {
		return ctx, errSameID
	}
	s.queries.Add(1)
	ctx, s.active[id] = context.WithCancel(ctx)
	return ctx, nil
}

// leave closes the connection when the server ends, after the running queries.
// Subscriptions get no complete, which would tell the client not to begin them
// anew.
func (s *socket) leave(ctx context.Context) {
	select {
	case <-ctx.Done():
		return
	case <-s.Closing:
	}
	s.mu.Lock()
	s.leaving = true
	s.mu.Unlock()
	s.queries.Wait()
	s.close(websocket.StatusGoingAway, "The server ends")
}

// forget ends an operation. It is false if the client ended it, who may use its
// id again and must not hear of it any more.
func (s *socket) forget(ctx context.Context, id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		return false
	}
	s.active[id]()
	delete(s.active, id)
	return true
}

// complete ends an operation for the client.
func (s *socket) complete(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cancel, running := s.active[id]; running {
		cancel()
		delete(s.active, id)
	}
}

// send writes a message and returns its size in bytes. A client that does not
// take it loses the connection.
func (s *socket) send(kind, id string, payload []byte) int {
	text := jsonObject{'{'}.with("type", kind, true).with("id", id, id != "")
	if payload != nil {
		text = text.raw("payload", payload)
	}
	text = append(text, '}')
	ctx, cancel := context.WithTimeout(context.Background(), writeWait) // the operation's end must not cut a message
	defer cancel()
	if s.conn.Write(ctx, websocket.MessageText, text) != nil {
		s.drop()
		return 0
	}
	return len(text)
}

// ping finds out about clients that are gone.
func (s *socket) ping(ctx context.Context) {
	ticker := time.NewTicker(keepAlive)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeWait)
		err := s.conn.Ping(wait)
		cancel()
		if err != nil {
			s.drop()
			return
		}
	}
}
