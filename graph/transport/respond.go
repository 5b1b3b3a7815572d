package transport

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"leadgraph/internal/accept"
)

// The media types of a response. The media type of GraphQL over HTTP has
// statuses that tell a client that a request failed as a whole. JSON is for
// clients that know nothing else; a refused document is still a 200 for them.
const (
	typeGraphQL = "application/graphql-response+json"
	typeJSON    = "application/json"
	typeEvents  = "text/event-stream"
	typeParts   = "multipart/mixed"
)

// client describes the responses that a client accepts.
type client struct {
	single string      // media type of a response in one piece
	parts  *partFormat // format of a deferred response; nil for one piece
	events bool        // the client prefers a stream of events
	stream *framing    // for subscriptions; nil if the client accepts none
}

// negotiate reads the Accept headers. Events are for clients that prefer them;
// urql offers them for every request. A deferred response is sent in parts if
// the client names a format and does not prefer one piece. Whether a response
// is deferred depends on the document, as does whether it is a stream.
func negotiate(headers []string) (client, *refusal) {
	switch header := strings.TrimSpace(strings.Join(headers, ",")); header {
	case "", typeJSON, "*/*":
		return client{single: typeJSON}, nil
	case typeGraphQL:
		return client{single: typeGraphQL}, nil
	}
	ranges := accept.Parse(headers)
	best, _ := accept.Choose(ranges, typeJSON, typeGraphQL, typeEvents)
	single, weight := accept.Choose(ranges, typeJSON, typeGraphQL)
	c := client{single: single, parts: chooseParts(ranges, weight), events: best == typeEvents, stream: chooseStream(ranges)}
	if single == "" {
		c.single = typeJSON // for refusals, and for responses without deferred fields
	}
	if best == "" && c.parts == nil && c.stream == nil {
		return c, &refusal{http.StatusNotAcceptable, "Accept must allow application/graphql-response+json or application/json."}
	}
	return c, nil
}

// chooseParts returns the format of the range with the greatest weight, if that
// is at least the given weight. A wildcard names no format.
func chooseParts(ranges []accept.Range, weight float64) *partFormat {
	var best *partFormat
	for _, r := range ranges {
		if r.MediaType != typeParts || r.Weight == 0 || r.Weight < weight || best != nil && r.Weight == weight {
			continue
		}
		if format := partFormatOf(r.Parameters); format != nil {
			best, weight = format, r.Weight
		}
	}
	return best
}

// jsonObject is a JSON object under construction. The caller appends the
// closing brace.
type jsonObject []byte

// raw adds a member whose value is already JSON.
func (o jsonObject) raw(name string, value []byte) jsonObject {
	if len(o) > 1 {
		o = append(o, ',')
	}
	o = append(o, '"')
	o = append(o, name...)
	o = append(o, '"', ':')
	return append(o, value...)
}

// with adds a member if present is true.
func (o jsonObject) with(name string, value any, present bool) jsonObject {
	if !present {
		return o
	}
	text, err := json.Marshal(value)
	if err != nil { // only our own values get here
		panic(err)
	}
	return o.raw(name, text)
}

// head begins a response, up to its data.
func (o jsonObject) head(response *graphql.Response) jsonObject {
	o = append(o, '{')
	o = o.with("errors", response.Errors, len(response.Errors) > 0)
	if response.Data != nil {
		o = o.raw("data", nil)
	}
	return o
}

// tail ends a response, after its data.
func (o jsonObject) tail(response *graphql.Response) jsonObject {
	return append(o.with("extensions", response.Extensions, len(response.Extensions) > 0), '}')
}

// encode encodes a response. The data is already JSON and is copied.
func encode(response *graphql.Response) []byte {
	o := make(jsonObject, 0, len(response.Data)+512).head(response)
	return append(o, response.Data...).tail(response)
}

// worthSplitting is the size of data that is not copied for the sake of a single write, in
// bytes.
const worthSplitting = 4 << 10

// writeResponse sends a response in one piece and returns its size in bytes.
func (x exchange) writeResponse(ctx context.Context, status int, response *graphql.Response) int {
	if len(response.Data) < worthSplitting {
		return x.writeJSON(ctx, status, encode(response))
	}
	head := jsonObject(nil).head(response)
	whole := head.tail(response) // without the data: what it adds comes after the data
	return x.writeJSON(ctx, status, head, response.Data, whole[len(head):])
}

// writeJSON sends the pieces of a body and returns its size in bytes. The operation's
// memory is given back before: the response counts for itself.
func (x exchange) writeJSON(ctx context.Context, status int, pieces ...[]byte) (size int) {
	for _, piece := range pieces {
		size += len(piece)
	}
	x.slot.Unload()
	defer x.sending(ctx, size)()
	x.w.Header().Set("Content-Type", x.client.single+"; charset=utf-8")
	x.w.Header().Set("Content-Length", strconv.Itoa(size)) // or net/http sends it in chunks
	x.w.WriteHeader(status)
	sent := 0
	for _, piece := range pieces {
		n, err := x.w.Write(piece)
		if sent += n; err != nil {
			break // a client that disconnected cannot get an error
		}
	}
	return sent
}

// validator makes the entity tags of the answers to one request. They consist of two hashes:
// of the request, and of the leads that the answer shows. By the first, a tag is known to be
// one of this request before anything is read.
type validator struct {
	request string
	shown   string // see Shows
	private bool   // the answer shows personal data
}

type validatorKey struct{}

// Validated reports whether the answer to a query may get an entity tag.
func Validated(ctx context.Context) bool {
	_, may := ctx.Value(validatorKey{}).(*validator)
	return may
}

// Shows names all that the answer to a query depends on besides the request. private says
// that browsers must not keep the answer.
func Shows(ctx context.Context, state string, private bool) {
	if v, may := ctx.Value(validatorKey{}).(*validator); may {
		v.shown, v.private = state, private
	}
}

func newValidator(params *operationParams, mediaType string) *validator {
	request, err := json.Marshal([]any{params.Query, params.OperationName, params.Variables, mediaType})
	if err != nil { // it has come as JSON
		return nil
	}
	return &validator{request: tagPart(request)}
}

func tagPart(text []byte) string {
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// tag is weak: compressed answers have the same.
func (v *validator) tag(state string) string {
	return `W/"` + v.request + "." + tagPart([]byte(state)) + `"`
}

// holds reports whether a client has the answer with a tag; with "", any answer to this
// request.
func (v *validator) holds(held []string, tag string) bool {
	for text := range strings.SplitSeq(strings.Join(held, ","), ",") {
		opaque := strings.TrimPrefix(strings.TrimSpace(text), "W/")
		if opaque == strings.TrimPrefix(tag, "W/") || tag == "" && strings.HasPrefix(opaque, `"`+v.request+".") {
			return true
		}
	}
	return false
}

// answerQuery answers a query in one piece, or says that the client has the answer.
func (x exchange) answerQuery(ctx context.Context, op *graphql.OperationContext, params *operationParams) {
	var v *validator
	if x.safe && x.State != nil && op.Operation.Operation == ast.Query {
		v = newValidator(params, x.client.single)
	}
	if v == nil {
		next, _ := run(ctx, x.exec, op)
		x.answerWhole(ctx, op.Operation, next())
		return
	}
	ctx = context.WithValue(ctx, validatorKey{}, v)
	if v.holds(x.held, "") {
		state, private := x.State(ctx, op)
		v.private = private
		if tag := v.tag(state); state != "" && v.holds(x.held, tag) {
			v.describe(x.w.Header(), tag)
			x.w.WriteHeader(http.StatusNotModified)
			x.done(ctx, op.Operation, http.StatusNotModified, nil, 0)
			return
		}
	}
	next, _ := run(ctx, x.exec, op)
	response := next()
	if v.shown != "" && len(response.Errors) == 0 {
		v.describe(x.w.Header(), v.tag(v.shown))
	}
	x.answerWhole(ctx, op.Operation, response)
}

// describe sets the headers of an answer that can be validated. Browsers do not keep
// personal data on their disks.
func (v *validator) describe(h http.Header, tag string) {
	h.Set("ETag", tag)
	h.Add("Vary", "Accept, Authorization")
	if !v.private {
		h.Set("Cache-Control", "private, no-cache")
	}
}
