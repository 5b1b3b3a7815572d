package graph

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"golang.org/x/sync/semaphore"

	"leadgraph/graph/documents"
	"leadgraph/graph/export"
	"leadgraph/graph/federation"
	"leadgraph/graph/generated"
	"leadgraph/graph/limits"
	"leadgraph/graph/live"
	"leadgraph/graph/pagination"
	"leadgraph/graph/persisted"
	"leadgraph/graph/projection"
	"leadgraph/graph/transport"
	"leadgraph/internal/admission"
	"leadgraph/lead/recent"
)

// Options configures a handler. Every field is required unless its comment
// names a default.
type Options struct {
	// Leads reads pages of leads.
	Leads PageReader
	// Lookups reads the leads of tenants.
	Lookups Lookups
	// Catalogue holds all leads.
	Catalogue Catalogue
	// Changes holds the log of what changes in the catalogue.
	Changes Changes
	// Recent returns the memory that the caller's lookups and catalogue write to, so
	// that all operations show the newest version of a lead. If it is nil, only the
	// pages that this handler reads are remembered.
	Recent func(context.Context) *recent.Memory
	// Cursors seals the cursors that clients get.
	Cursors *pagination.Seal
	// Caller returns the identity of a context's caller. A cursor is valid only
	// for the caller who got it.
	Caller func(context.Context) string
	// CallersToken says that the platform is called with the caller's own
	// token. If the platform refuses a token, the error then blames the
	// caller's token.
	CallersToken bool
	// Expires returns when the caller of a context stops being authenticated,
	// which closes a WebSocket. Zero, or a nil function, means never.
	Expires func(context.Context) time.Time
	// SeesPII reports whether the caller of a context may read personal data,
	// the fields marked @pii. Other callers get null and an error or, with
	// MaskPII, a mask.
	SeesPII func(context.Context) bool
	MaskPII bool
	// Online says who may use checkOnline. The zero value allows it to nobody.
	Online Online
	// Pages holds the default and the maximum of first and last.
	Pages pagination.Sizes
	// MaxPageSize returns the largest page, in rows, that Leads can read. It may
	// change.
	MaxPageSize func() int
	// CatalogueOnly takes every page of leads from the catalogue, for a
	// platform with unreliable pages.
	CatalogueOnly bool
	// Version is that of the program. Answers of another one are not the same.
	Version string
	// ExposeCost reports the cost of each operation in extensions.cost.
	ExposeCost bool
	// MaxBody is the maximum size of a POST body in bytes.
	MaxBody int64
	// Documents are the documents that requests may name instead of sending
	// them.
	Documents persisted.Documents
	// Limits bounds a document and its variables. Zeros mean the defaults.
	Limits limits.Document
	// Budget bounds the cost of an operation. Zeros mean the defaults.
	Budget limits.Budget
	// Timeout bounds a whole operation.
	Timeout time.Duration
	// MaxBatch is the maximum number of operations in an array, which run one
	// after the other. 0 refuses arrays.
	MaxBatch int
	// InitConnection decides by the payload of connection_init whether a
	// WebSocket may be used. It returns the context of all operations of the
	// socket, which holds the caller. It has 3 s, and clients do not see its
	// errors. If it is nil, every WebSocket may be used.
	InitConnection func(ctx context.Context, payload map[string]any) (context.Context, error)
	// CheckOrigin decides whether a page of the request's Origin may open a
	// WebSocket. If it is nil, only pages of the same host may.
	CheckOrigin func(*http.Request) bool
	// Admit gives an operation a slot before the operation is parsed. It may wait.
	// If the slot is nil, the operation is refused and the client is told to try
	// again after retryAfter, which is positive. If Admit is nil, every operation
	// is admitted. An array takes one slot. A WebSocket takes one for each
	// operation and none for itself. A subscription holds its slot only while it
	// starts. An operation gives its token back while it waits.
	Admit func(ctx context.Context) (slot *admission.Slot, retryAfter time.Duration)
	// Connect is called when a WebSocket or another subscription is opened, and for a
	// WebSocket again when InitConnection has found its caller. It returns nil if the
	// caller has too many, and otherwise a function to be called at the end. If Connect is nil, there is no
	// bound.
	Connect func(ctx context.Context) (leave func())
	// Sending is called before a part of an answer is written, with its size in
	// bytes, and end when it was written. If it is nil, nothing is counted.
	Sending func(ctx context.Context, size int) (end func())
	// Closing is closed when the server shuts down. WebSockets then end after
	// their running queries; subscriptions end at once, so that clients start
	// them again on another server. If it is nil, they keep running.
	Closing <-chan struct{}
	// Introspection lets clients read the schema.
	Introspection bool
	// Federation makes the server a subgraph of Apollo Federation 2, with these scopes in
	// its schema. If it is nil, the schema has nothing of that.
	Federation *federation.Scopes
	// Textbook uses the generated executor alone, without the compiled
	// projection. The responses have the same bytes but take longer.
	Textbook bool
	// Logger gets one line for each operation and one for each failure, but
	// never variables, documents or rows. The context of a line identifies its
	// request.
	Logger *slog.Logger
	// RequestID returns the request id of a context, which errors show.
	RequestID func(context.Context) string
	// Begin is called when a request for an operation arrives and returns the
	// context of the operation. Done is called with that context once the
	// operation was answered. Field is called before a root field is resolved,
	// with the field's name in the schema; it returns the context for the field
	// and a function that is called afterwards with the code of the field's
	// error, or "". Each may be nil and must return quickly.
	Begin func(ctx context.Context, came time.Time) context.Context
	Done  func(context.Context, transport.Operation)
	Field func(ctx context.Context, name string) (context.Context, func(code string))
	// Now returns the current time; time.Now if nil.
	Now func() time.Time
}

// Handler serves GraphQL over HTTP and WebSocket.
type Handler struct {
	*executor.Executor
	schema    *ast.Schema
	transport transport.Transport
	projector *projection.Projector // nil with Options.Textbook
}

// ServeHTTP implements http.Handler. Unlike gqlgen's server it does not copy the request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer h.answerPanic(w, r)
	h.transport.Do(w, r, h.Executor)
}

// answerPanic must be deferred. It keeps net/http from logging the value of a panic.
func (h *Handler) answerPanic(w http.ResponseWriter, r *http.Request) {
	if value := recover(); value != nil {
		shown, _ := errors.AsType[*gqlerror.Error](h.PresentRecoveredError(r.Context(), value))
		body, _ := json.Marshal(&graphql.Response{Errors: gqlerror.List{shown}}) // it is our own
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = w.Write(body) // fails only if the client has left
	}
}

// Export returns the handler of exports; see package export.
func (h *Handler) Export() http.Handler {
	form := export.Form(h.schema)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer h.answerPanic(w, r)
		h.transport.ServeRows(w, r, h.Executor, form)
	})
}

// ProjectionStats reports how many fields were rendered by compiled plans.
func (h *Handler) ProjectionStats() projection.Stats {
	if h.projector == nil {
		return projection.Stats{}
	}
	return h.projector.Stats()
}

// NewHandler returns a handler that serves the schema over HTTP at any path. It
// fails only if the projection does not match the schema, which is a build error.
func NewHandler(o Options) (*Handler, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Recent == nil {
		memory := recent.New()
		o.Recent = func(context.Context) *recent.Memory { return memory }
	}
	schema, resolver := generated.NewExecutableSchema(generated.Config{}).Schema(), &Resolver{}
	if o.Federation == nil {
		schema = federation.Without(schema)
	} else {
		resolver.sdl = federation.SDL(schema, *o.Federation)
	}
	executable := generated.NewExecutableSchema(generated.Config{Schema: schema, Resolvers: resolver})
	errs := presenter{logger: o.Logger, requestID: o.RequestID, callersToken: o.CallersToken}
	h := &Handler{Executor: executor.New(executable), schema: schema}
	projector, err := projection.New(schema)
	if err != nil {
		return nil, err
	}
	if !o.Textbook {
		h.projector = projector
	}
	rates := limits.Rates{DefaultPage: o.Pages.Default, MaxPage: o.Pages.Max}
	cache := h.checkRequests(o, schema, rates)
	h.transport = transport.New(transport.Options{
		Schema: schema, Documents: &o.Documents, MaxBody: o.MaxBody, MaxBatch: o.MaxBatch, Timeout: o.Timeout,
		Logger: o.Logger, Begin: o.Begin, Done: o.Done, Recover: errs.recover,
		InitConnection: o.InitConnection, Expires: o.Expires, CheckOrigin: o.CheckOrigin, Closing: o.Closing,
		Admit: o.Admit, Weigh: weigh, State: presentState(&o, schema), Sending: o.Sending, Connect: o.Connect,
		Shortcut: newShortcut(&o, schema, h.projector, cache, rates, errs),
	})
	h.SetErrorPresenter(errs.present)
	h.SetRecoverFunc(errs.recover)
	h.intercept(&o, schema, projector, errs)
	return h, nil
}

// intercept installs what happens around operations, their fields and their responses.
func (h *Handler) intercept(o *Options, schema *ast.Schema, exports *projection.Projector, errs presenter) {
	h.AroundFields(computeRootFields(schema))
	if o.Field != nil {
		h.AroundFields(watchRootFields(schema, o.Field, errs.codeOf))
	}
	h.AroundFields(supplyExports(schema, exports))
	if h.projector != nil {
		h.AroundFields(renderWhileReading(schema, h.projector))
		h.AroundFields(h.projector.Middleware)
	}
	h.AroundRootFields(seatRootFields)
	all := &common{semaphore.NewWeighted(rowsInFlight), live.NewShared()}
	h.AroundOperations(func(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
		return next(withOperation(ctx, schema, o, all))
	})
	h.AroundResponses(func(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
		response := next(ctx)
		op, begun := ctx.Value(operationKey{}).(*operation)
		if begun && response == nil {
			return op.lastWords(ctx, errs.present)
		}
		if begun {
			request := graphql.GetOperationContext(ctx)
			// Each failed lookup keeps its error: null without an error means that the
			// tenant has no lead.
			response.Errors = append(response.Errors, op.withheld(request)...)
			op.extend(response, planned(request))
			op.tellState(ctx, request, response)
		}
		return response
	})
}

// checkRequests installs everything that can refuse an operation before it
// runs, and returns the cache of those documents that passed.
func (h *Handler) checkRequests(o Options, schema *ast.Schema, rates limits.Rates) documents.Cache {
	cache := documents.New()
	h.SetQueryCache(cache)
	h.SetDisableSuggestion(!o.Introspection)
	h.SetDefaultRulesFn(limits.Rules(maxErrors, o.Introspection))
	h.Use(inputCheck{schema: schema})
	h.Use(limitCheck{schema: schema, passed: cache, limits: o.Limits, budget: o.Budget, rates: rates})
	h.Use(newOnlineCheck(schema, o.Online, o.Now))
	h.Use(transport.InlineDefer{}) // after the checks that need to see @defer
	if o.Introspection {
		h.Use(extension.Introspection{})
	} else {
		h.Use(hiddenSchema{schema})
	}
	return cache
}
