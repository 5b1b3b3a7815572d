// Package transport serves GraphQL over HTTP: in one piece, in parts (@defer), as
// server-sent events and over WebSocket. It knows nothing of leads.
package transport

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"leadgraph/graph/persisted"
	"leadgraph/internal/admission"
	"leadgraph/internal/errcode"
)

// Options configures a transport. Optional functions may be nil.
type Options struct {
	Schema    *ast.Schema
	Documents *persisted.Documents
	// MaxBody is the maximum size of a POST body or a WebSocket message in
	// bytes.
	MaxBody int64
	// MaxBatch is the maximum number of operations in an array; 0 refuses
	// arrays.
	MaxBatch int
	// Timeout bounds an operation, unless it is a subscription.
	Timeout time.Duration
	// Logger gets one line for each operation.
	Logger *slog.Logger
	// Begin is called when a request for an operation arrives and returns the
	// context of the operation. Done is called with that context once the
	// operation was answered. Both are optional.
	Begin func(ctx context.Context, came time.Time) context.Context
	Done  func(context.Context, Operation)
	// Recover turns the value of a panic into the error that the client gets.
	Recover func(context.Context, any) error
	// InitConnection authenticates a WebSocket by the payload of
	// connection_init. It returns the context of all operations of the socket.
	// Optional.
	InitConnection func(ctx context.Context, payload map[string]any) (context.Context, error)
	// Expires returns when the caller of a context stops being authenticated,
	// which closes a WebSocket; zero means never. Optional.
	Expires func(context.Context) time.Time
	// CheckOrigin decides whether a page of the request's Origin may open a
	// WebSocket. By default only a page of the same host may.
	CheckOrigin func(*http.Request) bool
	// Admit gives an operation a slot; see graph.Options.
	Admit func(ctx context.Context) (slot *admission.Slot, retryAfter time.Duration)
	// Shortcut answers some of the operations that have a single answer. Optional.
	Shortcut Shortcut
	// Weigh returns the weight of an operation's planned cost, for its slot.
	Weigh func(*graphql.OperationContext) int
	// State names the leads that a query would show now, if it is one whose answers name
	// them by Shows, and says whether it would show personal data. It returns "" if it would
	// show other leads, too. Optional.
	State func(context.Context, *graphql.OperationContext) (state string, private bool)
	// Connect counts a WebSocket or a subscription to the caller of ctx until leave is called; see
	// graph.Options.
	Connect func(ctx context.Context) (leave func())
	// Sending counts an answer of this size until end is called; see graph.Options.
	Sending func(ctx context.Context, size int) (end func())
	// Closing is closed when the server shuts down. Optional.
	Closing <-chan struct{}
}

// endpoint serves GraphQL over HTTP with POST and GET, answered in one piece,
// in parts or as events, and over WebSocket. Do and negotiate choose between
// them. gqlgen's own transports read bodies without a limit, repeat a malformed
// body in errors, encode a finished response a second time, and wait without a
// limit for a client that does not read.
type endpoint struct {
	Options
	watcher
}

// Transport answers requests for operations.
type Transport interface {
	graphql.Transport
	// ServeRows answers a request in a form of its own.
	ServeRows(http.ResponseWriter, *http.Request, graphql.GraphExecutor, Form)
}

// New returns a transport.
func New(o Options) Transport {
	return endpoint{Options: o, watcher: newWatcher(o)}
}

// Supports implements graphql.Transport. It accepts every request, so that Do
// answers unsupported ones with a status and a GraphQL error.
func (endpoint) Supports(*http.Request) bool { return true }

// refusal is the response to a request that did not become an operation.
type refusal struct {
	status  int
	message string
}

func badRequest(message string) *gqlerror.Error {
	return &gqlerror.Error{Message: message, Extensions: map[string]any{"code": errcode.BadUserInput}}
}

// exchange is a request that is being answered.
type exchange struct {
	endpoint
	client client
	exec   graphql.GraphExecutor
	w      http.ResponseWriter
	came   time.Time       // when the request arrived
	safe   bool            // by GET or QUERY
	held   []string        // If-None-Match
	slot   *admission.Slot // nil if there are no bounds
}

// Do implements graphql.Transport.
func (t endpoint) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	if strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		t.serveSocket(w, r, exec)
		return
	}
	x := exchange{endpoint: t, exec: exec, w: w, came: time.Now(), held: r.Header.Values("If-None-Match")}
	var asked request
	var refused *refusal
	if x.client, refused = negotiate(r.Header.Values("Accept")); refused == nil {
		asked, refused = t.read(w, r)
	}
	ctx := r.Context()
	if r.Method != http.MethodPost {
		w.Header().Set("Accept-Query", typeJSON)
		x.safe = true
		ctx = context.WithValue(ctx, safeKey{}, true)
	}
	if refused == nil { // a slow body does not hold a slot
		var retryAfter time.Duration
		if ctx, x.slot, retryAfter = t.enter(ctx); retryAfter > 0 {
			x.answerOverloaded(ctx, retryAfter)
			return
		}
		defer x.slot.Release()
	}
	switch {
	case refused != nil:
		x.refuse(ctx, refused)
	case asked.batch:
		x.answerBatch(ctx, asked.operations)
	case x.client.events:
		x.answerEvents(ctx, asked.operations[0])
	default:
		x.answer(ctx, asked.operations[0])
	}
}

// methodQuery is the method of RFC 10008: a POST that changes nothing.
const methodQuery = "QUERY"

type safeKey struct{}

// Safe reports whether the operation of a context was requested by GET or QUERY, so that it
// must change nothing. WebSockets do not count.
func Safe(ctx context.Context) bool {
	safe, _ := ctx.Value(safeKey{}).(bool)
	return safe
}

func (x exchange) refuse(ctx context.Context, refused *refusal) {
	x.answerRefused(ctx, refused.status, refuse(ctx, x.exec, refused.message))
}

func (x exchange) answerRefused(ctx context.Context, status int, response *graphql.Response) {
	ctx = x.begin(ctx, x.came)
	x.done(ctx, nil, status, response.Errors, x.writeResponse(ctx, status, response))
}

func refuse(ctx context.Context, exec graphql.GraphExecutor, message string) *graphql.Response {
	return exec.DispatchError(ctx, gqlerror.List{badRequest(message)})
}

// answer runs one operation and answers it in one piece, or in parts if it has
// deferred fields and the client accepts parts, or in a stream if it is a subscription.
func (x exchange) answer(ctx context.Context, params *operationParams) {
	unbounded := x.begin(ctx, x.came)
	ctx, cancel := context.WithTimeout(unbounded, x.Timeout)
	defer cancel()
	known := x.resolve(ctx, params)
	if x.shorten(ctx, params, known) {
		return
	}
	var deferred deferral
	if x.client.parts != nil {
		ctx = context.WithValue(ctx, deferralKey{}, &deferred)
	}
	op, errs := x.createKnown(ctx, x.exec, params, known)
	if errs == nil {
		if retryAfter := x.reserve(ctx, x.weigh(op)); retryAfter > 0 {
			x.refuseOverloaded(ctx, retryAfter)
			return
		}
	}
	switch {
	case errs != nil:
		response := x.exec.DispatchError(graphql.WithOperationContext(ctx, op), errs)
		status := http.StatusOK
		if x.client.single == typeGraphQL || errs[0].Extensions["code"] == errcode.BadUserInput {
			status = http.StatusBadRequest
		}
		x.done(ctx, nil, status, response.Errors, x.writeResponse(ctx, status, response))
	case op.Operation.Operation == ast.Subscription:
		x.answerSubscription(unbounded, op)
	case deferred.operation != nil:
		x.answerDeferred(ctx, op, deferred)
	default:
		x.answerQuery(ctx, op, params)
	}
}

func (x exchange) answerWhole(ctx context.Context, operation *ast.OperationDefinition, response *graphql.Response) {
	x.done(ctx, operation, http.StatusOK, response.Errors, x.writeResponse(ctx, http.StatusOK, response))
}

// answerBatch runs the operations of an array one after the other, so that an
// array gets no more of the server at a time than a single operation does. They
// share one timeout.
func (x exchange) answerBatch(ctx context.Context, batch []*operationParams) {
	ctx, cancel := context.WithTimeout(ctx, x.Timeout)
	defer cancel()
	body := []byte{'['}
	for i, params := range batch {
		ctx := x.begin(ctx, time.Now())
		operation, response := x.execute(ctx, x.exec, params)
		if i > 0 {
			body = append(body, ',')
		}
		size := len(body)
		body = append(body, encode(response)...)
		x.done(ctx, operation, http.StatusOK, response.Errors, len(body)-size)
	}
	x.writeJSON(ctx, http.StatusOK, append(body, ']'))
}

// execute runs an operation with a single response. The returned operation is
// nil if it was refused.
func (t endpoint) execute(ctx context.Context, exec graphql.GraphExecutor, params *operationParams) (*ast.OperationDefinition, *graphql.Response) {
	op, errs := t.create(ctx, exec, params)
	if errs == nil && op.Operation.Operation == ast.Subscription {
		errs = needsStream()
	}
	if errs != nil {
		return nil, exec.DispatchError(graphql.WithOperationContext(ctx, op), errs)
	}
	if retryAfter := t.reserve(ctx, t.weigh(op)); retryAfter > 0 {
		return nil, overloaded(ctx, exec, retryAfter)
	}
	next, _ := run(ctx, exec, op)
	return op.Operation, next()
}

// needsStream refuses a subscription where there is only one response.
func needsStream() gqlerror.List {
	return gqlerror.List{{
		Message:    "A subscription needs a stream: use a WebSocket, or send Accept: text/event-stream or Accept: " + payloads.mediaType + ".",
		Extensions: map[string]any{"code": errcode.BadUserInput},
	}}
}

// resolved is what came of the name of a document.
type resolved struct {
	register persisted.Registration
	err      *gqlerror.Error
}

// resolve replaces the name of a document by the document. It is called once for each
// request.
func (t endpoint) resolve(ctx context.Context, params *operationParams) (known resolved) {
	known.register, known.err = t.Documents.Resolve(ctx, &params.RawParams, params.DocumentID)
	if known.err == nil && params.Query == "" {
		known.err = errcode.BadInput("query", "must be a GraphQL document.", nil)
	}
	return known
}

// create creates an operation from a request, for all transports.
func (t endpoint) create(ctx context.Context, exec graphql.GraphExecutor, params *operationParams) (*graphql.OperationContext, gqlerror.List) {
	return t.createKnown(ctx, exec, params, t.resolve(ctx, params))
}

// createKnown is create for a document that has been resolved.
func (t endpoint) createKnown(ctx context.Context, exec graphql.GraphExecutor, params *operationParams, known resolved) (*graphql.OperationContext, gqlerror.List) {
	if known.err != nil {
		return &graphql.OperationContext{}, gqlerror.List{known.err}
	}
	op, errs := exec.CreateOperationContext(graphql.StartOperationTrace(ctx), &params.RawParams)
	if errs == nil {
		t.Documents.Register(ctx, known.register)
	}
	return op, separate(errs)
}

// separate replaces an error that wraps a list with the errors of the list: a check of
// an operation can return only one error.
func separate(errs gqlerror.List) gqlerror.List {
	if len(errs) == 1 {
		if list, ok := errors.AsType[gqlerror.List](errs[0].Err); ok {
			return list
		}
	}
	return errs
}

// run starts an operation. Each call of next returns a response, and nil after
// the last. A query has one response and a subscription any number; the first
// is never nil. The returned context is the operation's own.
func run(ctx context.Context, exec graphql.GraphExecutor, op *graphql.OperationContext) (next func() *graphql.Response, inner context.Context) {
	responses, ctx := exec.DispatchOperation(ctx, op)
	begun, ended := false, false
	return func() (response *graphql.Response) {
		if ended {
			return nil
		}
		fail := func(cause error) {
			ended = true
			response = exec.DispatchError(ctx, gqlerror.List{gqlerror.WrapPath(nil, cause)})
		}
		defer func() { // most callers run in their own goroutine, where a panic would end the process
			if value := recover(); value != nil {
				fail(op.Recover(ctx, value))
			}
		}()
		response = responses(ctx)
		if response == nil && !begun { // gqlgen returns no response if the context has ended
			fail(context.Cause(ctx))
		}
		begun, ended = true, ended || response == nil
		return response
	}, ctx
}

// withBudget adds the timeout to an operation's context, unless it is a
// subscription, which has no end of its own.
func (t endpoint) withBudget(ctx context.Context, op *graphql.OperationContext) (context.Context, context.CancelFunc) {
	if op.Operation.Operation == ast.Subscription {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, t.Timeout)
}
