package transport

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"leadgraph/internal/accept"
)

// Form is a form of answers that are no responses of GraphQL, for a path of its own. They
// answer a POST with a JSON body.
type Form struct {
	// MediaTypes are those of the answers; the first is the usual one.
	MediaTypes []string
	// Read returns what answers a request with this body, and the parameters of its
	// operation.
	Read func(mediaType string, body []byte) (Rows, *graphql.RawParams, *gqlerror.Error)
	// Status returns the HTTP status for a request that fails with a code.
	Status func(code string) int
}

// Rows answers one request with rows that are written one after the other. Its operation
// passes all checks and is executed, and is expected to leave for Write what it has found.
type Rows interface {
	// Check is called with the errors for which the operation is refused, or with none. It
	// returns the errors to show, which may be others.
	Check(*graphql.OperationContext, gqlerror.List) gqlerror.List
	// Found looks at the response of the operation. It returns the errors with which the
	// request fails, or nil.
	Found(*graphql.Response) gqlerror.List
	// Write writes the answer. It returns the errors that have cut the answer short, and
	// what the log says about it.
	Write(context.Context, *Output) (errs gqlerror.List, log []any)
}

type rowsKey struct{}

// RowsOf returns what answers the request of a context with rows, or nil.
func RowsOf(ctx context.Context) Rows {
	rows, _ := ctx.Value(rowsKey{}).(Rows)
	return rows
}

// Output is where an answer is written to.
type Output struct {
	http.ResponseWriter
	// Closing is closed when the server shuts down; nil if it never does.
	Closing <-chan struct{}

	sending func(size int) (end func())
	size    int
}

// Write implements io.Writer. While the client takes its time, no core is held. The
// connection ends if the client takes nothing for a while.
func (o *Output) Write(p []byte) (int, error) {
	defer o.sending(len(p))()
	n, err := o.ResponseWriter.Write(p)
	o.size += n
	return n, err
}

// ServeRows answers a request in a form of its own.
func (t endpoint) ServeRows(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor, form Form) {
	x := exchange{endpoint: t, exec: exec, w: w, came: time.Now(), client: client{single: typeJSON}}
	ctx := r.Context()
	rows, params, status, wrong := t.readRows(w, r, form)
	if wrong != nil {
		x.answerRefused(ctx, status, exec.DispatchError(ctx, gqlerror.List{wrong}))
		return
	}
	var retryAfter time.Duration
	if ctx, x.slot, retryAfter = t.enter(ctx); retryAfter > 0 {
		x.answerOverloaded(ctx, retryAfter)
		return
	}
	defer x.slot.Release()
	ctx = x.begin(ctx, x.came)
	leave := x.connect(ctx) // it may last as long as a subscription
	if leave == nil {
		x.floods.Add()
		x.refuseOverloaded(ctx, socketRetry)
		return
	}
	defer leave()
	x.answerRows(context.WithValue(ctx, rowsKey{}, rows), rows, params, form)
}

// readRows reads a request. If it is wrong, it returns the status and the error.
func (t endpoint) readRows(w http.ResponseWriter, r *http.Request, form Form) (Rows, *graphql.RawParams, int, *gqlerror.Error) {
	mediaType := form.MediaTypes[0]
	if accepted := r.Header.Values("Accept"); len(accepted) > 0 {
		mediaType, _ = accept.Choose(accept.Parse(accepted), form.MediaTypes...)
	}
	var refused *refusal
	var body []byte
	switch {
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		refused = &refusal{http.StatusMethodNotAllowed, "The method must be POST."}
	case mediaType == "":
		refused = &refusal{http.StatusNotAcceptable, "Accept must allow " + strings.Join(form.MediaTypes, " or ") + "."}
	default:
		body, refused = t.readJSON(w, r)
	}
	if refused != nil {
		return nil, nil, refused.status, badRequest(refused.message)
	}
	rows, params, wrong := form.Read(mediaType, body)
	if wrong != nil {
		return nil, nil, http.StatusBadRequest, wrong
	}
	params.Headers = r.Header
	return rows, params, 0, nil
}

// answerRows runs the operation of a request and writes its rows. Only the operation is
// bounded by the timeout: what it has found is written for as long as the client takes it.
func (x exchange) answerRows(ctx context.Context, rows Rows, params *graphql.RawParams, form Form) {
	bounded, cancel := context.WithTimeout(ctx, x.Timeout)
	defer cancel()
	op, errs := x.create(bounded, x.exec, &operationParams{RawParams: *params})
	if errs = rows.Check(op, errs); errs != nil {
		x.failRows(ctx, nil, x.exec.DispatchError(graphql.WithOperationContext(ctx, op), errs), form)
		return
	}
	if retryAfter := x.reserve(bounded, x.weigh(op)); retryAfter > 0 {
		x.refuseOverloaded(ctx, retryAfter)
		return
	}
	next, _ := run(bounded, x.exec, op)
	response := next()
	if errs = rows.Found(response); errs != nil {
		x.failRows(ctx, op.Operation, &graphql.Response{Errors: errs}, form)
		return
	}
	x.slot.Unload() // what waits for the client counts for itself
	out := &Output{ResponseWriter: x.w, Closing: x.Closing, sending: func(size int) func() { return x.sending(ctx, size) }}
	errs, log := rows.Write(ctx, out)
	x.done(ctx, op.Operation, http.StatusOK, errs, out.size, log...)
}

// failRows answers a request that has failed before its first row.
func (x exchange) failRows(ctx context.Context, operation *ast.OperationDefinition, response *graphql.Response, form Form) {
	status := http.StatusInternalServerError
	if code, ok := response.Errors[0].Extensions["code"].(string); ok {
		status = form.Status(code)
	}
	if wait, ok := response.Errors[0].Extensions["retryAfterMs"].(int64); ok {
		x.setRetryAfter(time.Duration(wait) * time.Millisecond)
	}
	x.done(ctx, operation, status, response.Errors, x.writeResponse(ctx, status, response))
}
