package graph

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/elnormous/contenttype"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// transport is the one way in: GraphQL over HTTP by POST and GET, answered in
// one piece. gqlgen's own POST reads bodies without a limit, repeats a malformed
// body in its error and encodes the finished answer a second time.
type transport struct {
	maxBody int64         // bytes of a POST body
	budget  time.Duration // for the whole operation
	log     *slog.Logger
	// requestID names the request of a context.
	requestID func(context.Context) string
}

var _ graphql.Transport = transport{}

// Supports implements graphql.Transport: what is not supported gets its own
// status and a GraphQL error from Do.
func (transport) Supports(*http.Request) bool { return true }

// The two media types of an answer. The first is GraphQL over HTTP's own: its
// statuses tell a client that a request failed as a whole. The second is for
// clients that know only JSON; a refused document is still a 200 for them.
var (
	typeGraphQL = contenttype.NewMediaType("application/graphql-response+json")
	typeJSON    = contenttype.NewMediaType("application/json")
)

// refusal ends a request before it became an operation.
type refusal struct {
	status  int
	message string
}

// Do implements graphql.Transport.
func (t transport) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	start := time.Now()
	mediaType, _, err := contenttype.GetAcceptableMediaType(r, []contenttype.MediaType{typeJSON, typeGraphQL})
	var refused *refusal
	if err != nil {
		mediaType, refused = typeJSON, &refusal{http.StatusNotAcceptable,
			"Accept must allow application/graphql-response+json or application/json."}
	}
	ctx, cancel := context.WithTimeout(r.Context(), t.budget)
	defer cancel()
	params := &graphql.RawParams{}
	if refused == nil {
		params, refused = t.params(w, r)
	}
	var status int
	var response *graphql.Response
	if refused != nil {
		status, response = refused.status, exec.DispatchError(ctx, gqlerror.List{{
			Message: refused.message, Extensions: map[string]any{"code": codeBadUserInput},
		}})
	} else {
		status, response = execute(ctx, exec, params, mediaType)
	}
	size := writeResponse(w, status, mediaType, response)
	t.log.InfoContext(ctx, "operation", "name", params.OperationName, "requestId", t.requestID(ctx), "status", status,
		"codes", codes(response.Errors), "bytes", size, "durationMs", float64(time.Since(start).Microseconds())/1000)
}

// execute runs one operation. The name of the operation is put into params, so
// that a log names it only when the document really has it.
func execute(ctx context.Context, exec graphql.GraphExecutor, params *graphql.RawParams, accepted contenttype.MediaType) (int, *graphql.Response) {
	operation, errs := exec.CreateOperationContext(ctx, params)
	params.OperationName = ""
	if errs != nil {
		status := http.StatusOK
		if accepted.Equal(typeGraphQL) || errs[0].Extensions["code"] == codeBadUserInput {
			status = http.StatusBadRequest
		}
		return status, exec.DispatchError(graphql.WithOperationContext(ctx, operation), errs)
	}
	params.OperationName = operation.Operation.Name
	next, ctx := exec.DispatchOperation(ctx, operation)
	response := next(ctx)
	if response == nil { // gqlgen ends a stream so when the context ended
		response = exec.DispatchError(ctx, gqlerror.List{gqlerror.WrapPath(nil, context.Cause(ctx))})
	}
	return http.StatusOK, response
}

// params reads the request's parameters. No message repeats what was sent.
func (t transport) params(w http.ResponseWriter, r *http.Request) (*graphql.RawParams, *refusal) {
	params := &graphql.RawParams{Headers: r.Header}
	switch r.Method {
	case http.MethodGet:
		if refused := fromQuery(r, params); refused != nil {
			return params, refused
		}
	case http.MethodPost:
		if refused := t.fromBody(w, r, params); refused != nil {
			return params, refused
		}
	default:
		w.Header().Set("Allow", "GET, POST")
		return params, &refusal{http.StatusMethodNotAllowed, "The method must be POST or GET."}
	}
	if params.Query == "" {
		return params, &refusal{http.StatusBadRequest, "query: must be a GraphQL document."}
	}
	return params, nil
}

func fromQuery(r *http.Request, params *graphql.RawParams) *refusal {
	query := r.URL.Query()
	params.Query, params.OperationName = query.Get("query"), query.Get("operationName")
	if decode(strings.NewReader(query.Get("variables")), &params.Variables) != nil && query.Has("variables") {
		return &refusal{http.StatusBadRequest, "variables: must be a JSON object."}
	}
	if decode(strings.NewReader(query.Get("extensions")), &params.Extensions) != nil && query.Has("extensions") {
		return &refusal{http.StatusBadRequest, "extensions: must be a JSON object."}
	}
	return nil
}

func (t transport) fromBody(w http.ResponseWriter, r *http.Request, params *graphql.RawParams) *refusal {
	mediaType, options, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := strings.ToLower(options["charset"])
	if err != nil || mediaType != "application/json" || charset != "" && charset != "utf-8" {
		return &refusal{http.StatusUnsupportedMediaType, "Content-Type must be application/json in UTF-8."}
	}
	err = decode(http.MaxBytesReader(w, r.Body, t.maxBody), params)
	var wrongType *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case isTooLarge(err):
		return &refusal{http.StatusRequestEntityTooLarge, "The request body is too large."}
	case errors.As(err, &wrongType) && wrongType.Field != "":
		name, _, _ := strings.Cut(wrongType.Field, ".")
		return &refusal{http.StatusBadRequest, name + ": has the wrong type."}
	default:
		return &refusal{http.StatusBadRequest, "The request body must be one JSON object with a query."}
	}
}

func isTooLarge(err error) bool {
	_, ok := errors.AsType[*http.MaxBytesError](err)
	return ok
}

// decode reads exactly one JSON value. Numbers stay texts, so that large ones
// keep their digits until their type is known.
func decode(r io.Reader, into any) error {
	decoder := json.NewDecoder(r)
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = errors.New("more than one JSON value")
		}
		return err
	}
	return nil
}

// writeResponse sends the answer and returns its size in bytes. The data is
// already JSON and goes out as it is.
func writeResponse(w http.ResponseWriter, status int, mediaType contenttype.MediaType, response *graphql.Response) int {
	body := make([]byte, 0, len(response.Data)+512)
	body = append(body, '{')
	body = appendMember(body, "errors", response.Errors, len(response.Errors) > 0)
	if response.Data != nil {
		body = append(separated(body), `"data":`...)
		body = append(body, response.Data...)
	}
	body = appendMember(body, "extensions", response.Extensions, len(response.Extensions) > 0)
	body = append(body, '}')
	w.Header().Set("Content-Type", mediaType.String()+"; charset=utf-8")
	w.WriteHeader(status)
	size, _ := w.Write(body) // a client that left cannot be told so
	return size
}

func appendMember(body []byte, name string, value any, present bool) []byte {
	if !present {
		return body
	}
	text, err := json.Marshal(value)
	if err != nil { // only our own values get here
		panic(err)
	}
	body = append(separated(body), '"')
	body = append(body, name...)
	body = append(body, '"', ':')
	return append(body, text...)
}

func separated(body []byte) []byte {
	if len(body) > 1 {
		body = append(body, ',')
	}
	return body
}

// codes lists the codes of the errors for the log, each once.
func codes(errs gqlerror.List) []string {
	var list []string
	seen := map[string]bool{}
	for _, err := range errs {
		if code, ok := err.Extensions["code"].(string); ok && !seen[code] {
			seen[code] = true
			list = append(list, code)
		}
	}
	return list
}
