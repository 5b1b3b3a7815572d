package graph

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2/ast"

	"leadgraph/graph/generated"
	"leadgraph/graph/loader"
	"leadgraph/graph/pagination"
	"leadgraph/graph/scalar"
)

// Options say what a handler serves and within which bounds. All are required
// unless a default is named.
type Options struct {
	// Leads is where leads are read.
	Leads Reader
	// Pages bounds first and last.
	Pages pagination.Limits
	// MaxPageSize is the largest page, in rows, that the reader answers.
	MaxPageSize int
	// FanOut is how many lookups of one operation run at a time.
	FanOut int
	// MaxBody bounds a POST body in bytes.
	MaxBody int64
	// MaxTokens bounds the tokens of a document.
	MaxTokens int
	// Budget bounds the whole operation.
	Budget time.Duration
	// Introspection lets clients read the schema.
	Introspection bool
	// Log takes one line an operation and one a failure; never variables,
	// documents or rows.
	Log *slog.Logger
	// RequestID names the request of a context for errors and logs.
	RequestID func(context.Context) string
	// Now is the clock; time.Now if nil.
	Now func() time.Time
}

// queryCache is the number of parsed documents kept: far above what the
// front-ends of one operator send, at a few KiB each.
const queryCache = 1000

// NewHandler serves the schema over HTTP at any path.
func NewHandler(o Options) http.Handler {
	if o.Now == nil {
		o.Now = time.Now
	}
	schema := generated.NewExecutableSchema(generated.Config{Resolvers: &Resolver{o}})
	errs := presenter{log: o.Log, requestID: o.RequestID}
	server := handler.New(schema)
	server.AddTransport(transport{maxBody: o.MaxBody, budget: o.Budget, log: o.Log, requestID: o.RequestID})
	server.SetQueryCache(lru.New[*ast.QueryDocument](queryCache))
	server.SetParserTokenLimit(o.MaxTokens)
	server.SetDisableSuggestion(!o.Introspection)
	server.SetErrorPresenter(errs.present)
	server.SetRecoverFunc(errs.recover)
	server.Use(inlineDefer{})
	server.Use(inputCheck{schema: schema.Schema()})
	if o.Introspection {
		server.Use(extension.Introspection{})
	} else {
		server.Use(hiddenSchema{})
	}
	server.AroundOperations(func(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
		keys := tenantKeys(graphql.GetOperationContext(ctx))
		return next(loader.With(ctx, loader.New(ctx, o.Leads, keys, o.FanOut)))
	})
	return server
}

// tenantKeys counts the distinct tenants that an operation looks up. Root
// fields and their arguments are known before anything runs, so the batch of
// lookups needs no timer to know that it is complete.
func tenantKeys(op *graphql.OperationContext) int {
	keys := map[loader.Key]struct{}{}
	add := func(tenant any, checkOnline bool) {
		if id, err := scalar.UnmarshalUUID(tenant); err == nil {
			keys[loader.Key{TenantID: id, CheckOnline: checkOnline}] = struct{}{}
		}
	}
	for _, field := range graphql.CollectFields(op, op.Operation.SelectionSet, []string{"Query"}) {
		arguments := field.ArgumentMap(op.Variables)
		switch field.Name {
		case "lead":
			checkOnline, _ := arguments["checkOnline"].(bool)
			add(arguments["tenantId"], checkOnline)
		case "leadsByTenantIds":
			ids, isList := arguments["tenantIds"].([]any)
			if !isList { // a single value stands for a list of one
				ids = []any{arguments["tenantIds"]}
			}
			for _, id := range ids {
				add(id, false)
			}
		}
	}
	return len(keys)
}
