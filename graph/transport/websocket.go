package transport

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/coder/websocket"

	"leadgraph/internal/errcode"
)

const (
	socketProtocol = "graphql-transport-ws"
	// initWait bounds the time until connection_init has arrived and
	// InitConnection has accepted it.
	initWait = 3 * time.Second
	// socketRetry is when a client that has too many connections may try again.
	socketRetry = 2 * time.Second
	// maxSocketOperations is the maximum number of concurrent operations on one
	// connection: more than a page has subscriptions, few enough for one
	// client.
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

// message is a message of the protocol graphql-transport-ws.
type message struct {
	ID, Type string
	Payload  json.RawMessage
}

// socket serves the operations of one WebSocket.
type socket struct {
	endpoint
	exec    graphql.GraphExecutor
	conn    *websocket.Conn
	header  http.Header
	stop    context.CancelFunc // ends everything that runs for the connection
	slots   chan struct{}      // one is taken by each running operation
	limits  socketLimits
	flooded atomic.Bool // the client has sent too much
	running sync.WaitGroup

	// moveTo counts the connection to the caller of a context instead. It returns
	// false if that caller has too many.
	moveTo func(context.Context) bool

	mu      sync.Mutex
	active  map[string]context.CancelFunc // by the client's id
	leaving bool                          // no more operations are started
	queries sync.WaitGroup                // operations in active that end by themselves
}

// serveSocket speaks graphql-transport-ws until the connection ends, which ends
// its operations. gqlgen's own transport does not limit the operations of a
// connection, waits forever for a client that does not read, and closes with
// codes that the protocol does not define.
func (t endpoint) serveSocket(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	options := &websocket.AcceptOptions{Subprotocols: []string{socketProtocol}}
	if t.CheckOrigin != nil {
		if !t.CheckOrigin(r) {
			http.Error(w, "The origin is not allowed.", http.StatusForbidden)
			return
		}
		options.InsecureSkipVerify = true // CheckOrigin has just verified it
	}
	leave := t.connect(r.Context())
	if leave == nil {
		t.floods.Add()
		w.Header().Set("Retry-After", strconv.Itoa(int(socketRetry.Seconds())))
		http.Error(w, "There are too many connections.", http.StatusServiceUnavailable)
		return
	}
	defer func() { leave() }()
	var s *socket
	options.OnPingReceived = func(ctx context.Context, payload []byte) bool { return s.pinged(ctx, payload) }
	conn, err := websocket.Accept(hijacker{w, t.MaxBody}, r, options)
	if err != nil {
		return // Accept has sent the error to the client
	}
	ctx, stop := context.WithCancel(r.Context())
	s = &socket{
		endpoint: t, exec: exec, conn: conn, header: r.Header, stop: stop, limits: newSocketLimits(),
		slots: make(chan struct{}, maxSocketOperations), active: map[string]context.CancelFunc{},
		moveTo: func(ctx context.Context) bool {
			left := leave
			if leave = t.connect(ctx); leave == nil {
				leave = left
				return false
			}
			left()
			return true
		},
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

// close ends everything that runs for the connection, then closes it with a
// code.
func (s *socket) close(code websocket.StatusCode, reason string) {
	s.stop()
	_ = s.conn.Close(code, reason) // a client that disconnected cannot get an error
}

// drop closes the connection, if it is still open, without a code.
func (s *socket) drop() {
	s.stop()
	_ = s.conn.CloseNow()
}

// serve handles messages until the connection ends. It does not read with the
// context of the operations, because that would end the connection before its
// code could be sent.
func (s *socket) serve(connection, ctx context.Context) {
	inTime := s.closeAfter(initWait, closeInitTimeout, "Connection initialisation timeout")
	defer inTime()
	leave := func() {}
	defer func() { leave() }()
	initialised := false
	for {
		_, text, err := s.conn.Read(connection)
		if err != nil {
			s.ended(err)
			return
		}
		if !s.limits.frames.Allow() {
			s.closeFlooded()
			return
		}
		var m message
		if decodeMembers(text, []member{{"id", &m.ID}, {"type", &m.Type}, {"payload", &m.Payload}}) != nil {
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
			s.send(ctx, "connection_ack", "", nil)
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
			s.send(ctx, "pong", "", nil)
		case m.Type == "pong":
		default:
			s.close(closeBadMessage, "Invalid message")
			return
		}
	}
}

// ended notes why a connection can no longer be read.
func (s *socket) ended(err error) {
	if errors.Is(err, errFlood) {
		s.floods.Add()
	}
}

// closeAfter closes the connection with a code after a while, unless callOff is
// called before.
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

// closeAtExpiry closes the connection when the token expires with which it was
// opened. The code lets clients try again with a new token.
func (s *socket) closeAtExpiry(ctx context.Context) (callOff func()) {
	if s.Expires == nil || s.Expires(ctx).IsZero() {
		return func() {}
	}
	return s.closeAfter(time.Until(s.Expires(ctx)), closeForbidden, "Access token expired")
}

// initialise calls InitConnection, which decides whether the connection may be
// used and returns the context of its caller.
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
	if !s.moveTo(accepted) {
		s.floods.Add()
		s.close(websocket.StatusTryAgainLater, "Too many connections")
		return ctx, false
	}
	return accepted, true
}

// leave closes the connection when the server shuts down, after the running
// queries. It sends no complete for subscriptions, because clients would not
// start them again.
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
	s.close(websocket.StatusGoingAway, "The server is shutting down")
}

// send writes a message and returns its size in bytes. If the client does not
// take it, the connection is dropped.
func (s *socket) send(of context.Context, kind, id string, payload []byte) int {
	text := jsonObject{'{'}.with("type", kind, true).with("id", id, id != "")
	if payload != nil {
		text = text.raw("payload", payload)
	}
	text = append(text, '}')
	defer s.sending(of, len(text))()
	ctx, cancel := context.WithTimeout(context.Background(), writeWait) // the end of the operation must not cut a message
	defer cancel()
	if s.conn.Write(ctx, websocket.MessageText, text) != nil {
		s.drop()
		return 0
	}
	return len(text)
}

// ping detects clients that are gone.
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
