package graph

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/vektah/gqlparser/v2/ast"
	"golang.org/x/sync/semaphore"

	"leadgraph/graph/generated"
	"leadgraph/graph/limits"
	"leadgraph/graph/pagination"
	"leadgraph/graph/persisted"
	"leadgraph/graph/projection"
	"leadgraph/graph/transport"
)

// Options say what a handler serves and within which bounds. All are required
// unless a default is named.
type Options struct {
	// Leads is where pages are read.
	Leads PageReader
	// Lookups is where tenants are looked up.
	Lookups Lookups
	// Catalogue is where all leads are held.
	Catalogue Catalogue
	// Cursors seals the cursors that clients get.
	Cursors *pagination.Seal
	// Caller names whom the request of a context is from; cursors are good only
	// for the caller who got them.
	Caller func(context.Context) string
	// CallersToken says that the platform is asked with the callers' own tokens, so
	// that it is theirs when it refuses one.
	CallersToken bool
	// Expires tells when the caller of a context is no longer authenticated, which
	// closes a WebSocket; zero, or a nil function, means never.
	Expires func(context.Context) time.Time
	// SeesPII tells whether the caller of a context may read personal data, the
	// fields marked @pii. Who may not gets null and an error, or, with MaskPII, a
	// mask.
	SeesPII func(context.Context) bool
	MaskPII bool
	// Pages bounds first and last.
	Pages pagination.Sizes
	// MaxPageSize is the largest page, in rows, that the reader answers.
	MaxPageSize int
	// CatalogueOnly cuts every page of leads out of the catalogue, for a platform
	// whose pages cannot be relied on.
	CatalogueOnly bool
	// ExposeCost answers what each operation took in extensions.cost.
	ExposeCost bool
	// MaxBody bounds a POST body in bytes.
	MaxBody int64
	// Documents are what requests may name in the place of a text.
	Documents persisted.Documents
	// Limits bound a document and its variables; zero values stand for defaults.
	Limits limits.Document
	// Budget bounds what an operation may cost the platform; likewise.
	Budget limits.Budget
	// Timeout bounds the whole operation.
	Timeout time.Duration
	// MaxBatch bounds the operations in an array, which run one after the other;
	// 0 refuses arrays.
	MaxBatch int
	// InitConnection decides, by the payload of connection_init, whether a
	// WebSocket may be used, and as whom: the context that it makes of the
	// request's is that of all operations. All may if it is nil. It has 3 s, and
	// its errors are not shown.
	InitConnection func(ctx context.Context, payload map[string]any) (context.Context, error)
	// CheckOrigin decides whether a page of the request's Origin may open a
	// WebSocket; if it is nil, only one of the same host may.
	CheckOrigin func(*http.Request) bool
	// Admit gives an operation its share of the server before it is looked at, and
	// may wait for that; release gives the share back. If release is nil the
	// operation is refused, and the client told after how long to try again. All
	// are admitted if Admit is nil. An array shares one, a WebSocket needs one for
	// each operation but none for itself, and a subscription only to begin.
	Admit func(ctx context.Context) (release func(), retryAfter time.Duration)
	// Closing is closed when the server ends. WebSockets then end after their
	// running queries, and subscriptions at once, so that clients begin them anew
	// elsewhere. They go on if it is nil.
	Closing <-chan struct{}
	// Introspection lets clients read the schema.
	Introspection bool
	// Textbook answers by the generated executor alone, without the compiled
	// projection: the same bytes, slower.
	Textbook bool
	// Logger takes one line an operation and one a failure; never variables,
	// documents or rows. Which request a line belongs to is in its context.
	Logger *slog.Logger
	// RequestID names the request of a context for errors.
	RequestID func(context.Context) string
	// Begin is called when a request for an operation came, and makes the context
	// of the operation, with which Done is called once it was answered. Field is
	// called before a root field is resolved, with its name in the schema, and makes
	// the context for that; what it returns is called afterwards with the code of
	// the error, if any. Each may be nil and must return soon.
	Begin func(ctx context.Context, came time.Time) context.Context
	Done  func(context.Context, transport.Operation)
	Field func(ctx context.Context, name string) (context.Context, func(code string))
	// Now is the clock; time.Now if nil.
	Now func() time.Time
}

// Handler serves GraphQL over HTTP and WebSocket.
type Handler struct {
	*handler.Server
	projector *projection.Projector // nil with Options.Textbook
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
	executable := generated.NewExecutableSchema(generated.Config{Resolvers: &Resolver{}})
	schema := executable.Schema()
	errs := presenter{logger: o.Logger, requestID: o.RequestID, callersToken: o.CallersToken}
	h := &Handler{Server: handler.New(executable)}
	h.AddTransport(transport.New(transport.Options{
		Schema: schema, Documents: &o.Documents, MaxBody: o.MaxBody, MaxBatch: o.MaxBatch, Timeout: o.Timeout,
		Logger: o.Logger, Begin: o.Begin, Done: o.Done, Recover: errs.recover,
		InitConnection: o.InitConnection, Expires: o.Expires, CheckOrigin: o.CheckOrigin, Admit: o.Admit, Closing: o.Closing,
	}))
	h.SetErrorPresenter(errs.present)
	h.SetRecoverFunc(errs.recover)
	h.checkRequests(o, schema)
	if o.Field != nil {
		h.AroundFields(watchRootFields(schema, o.Field, errs.codeOf))
	}
	if !o.Textbook {
		var err error
		if h.projector, err = projection.New(schema); err != nil {
			return nil, err
		}
		h.AroundFields(renderWhileReading(schema, h.projector))
		h.AroundFields(h.projector.Middleware)
	}
	inFlight := semaphore.NewWeighted(rowsInFlight)
	h.AroundOperations(func(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
		return next(withOperation(ctx, schema, o, inFlight))
	})
	h.AroundResponses(func(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
		response := next(ctx)
		if op, begun := ctx.Value(operationKey{}).(*operation); begun && response != nil {
			op.extend(graphql.GetOperationContext(ctx), response)
		}
		return response
	})
	return h, nil
}

// checkRequests installs everything that can refuse an operation before it runs.
func (h *Handler) checkRequests(o Options, schema *ast.Schema) {
	documents := newDocumentCache()
	h.SetQueryCache(documents)
	h.SetDisableSuggestion(!o.Introspection)
	h.SetValidationRulesFn(limits.Rules(maxErrors, o.Introspection))
	h.Use(inputCheck{schema: schema})
	h.Use(limitCheck{
		schema: schema, passed: documents, limits: o.Limits, budget: o.Budget,
		rates: limits.Rates{DefaultPage: o.Pages.Default, MaxPage: o.Pages.Max},
	})
	h.Use(transport.InlineDefer{}) // after the checks that need to see @defer
	if o.Introspection {
		h.Use(extension.Introspection{})
	} else {
		h.Use(hiddenSchema{schema})
	}
}
