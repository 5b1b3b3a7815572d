package transport

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/99designs/gqlgen/graphql"
)

// request is what a client sends: one operation, or several in an array.
type request struct {
	operations []*operationParams
	batch      bool
}

// operationParams are the parameters of one operation.
type operationParams struct {
	graphql.RawParams
	// DocumentID names the document instead of sending its text.
	DocumentID string
}

// read reads the parameters of a request. Its messages do not repeat anything
// that was sent.
func (t endpoint) read(w http.ResponseWriter, r *http.Request) (request, *refusal) {
	var asked request
	var refused *refusal
	switch r.Method {
	case http.MethodGet:
		asked, refused = fromQuery(r)
	case http.MethodPost, methodQuery:
		asked, refused = t.fromBody(w, r)
	default:
		w.Header().Set("Allow", "GET, POST, "+methodQuery)
		refused = &refusal{http.StatusMethodNotAllowed, "The method must be POST, QUERY or GET."}
	}
	for _, params := range asked.operations {
		params.Headers = r.Header
	}
	return asked, refused
}

func fromQuery(r *http.Request) (request, *refusal) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil { // a filter must not vanish because a semicolon was not escaped
		return request{}, &refusal{http.StatusBadRequest, "The query string of the URL is malformed; percent-encode its values."}
	}
	params := &operationParams{DocumentID: query.Get("documentId")}
	params.Query, params.OperationName = query.Get("query"), query.Get("operationName")
	// Builders of URLs write a parameter without a value for one that is absent.
	if query.Get("variables") != "" && decode([]byte(query.Get("variables")), &params.Variables) != nil {
		return request{}, &refusal{http.StatusBadRequest, "variables: must be a JSON object."}
	}
	if query.Get("extensions") != "" && decode([]byte(query.Get("extensions")), &params.Extensions) != nil {
		return request{}, &refusal{http.StatusBadRequest, "extensions: must be a JSON object."}
	}
	return request{operations: []*operationParams{params}}, nil
}

func (t endpoint) fromBody(w http.ResponseWriter, r *http.Request) (request, *refusal) {
	body, refused := t.readJSON(w, r)
	if refused != nil {
		return request{}, refused
	}
	if t.MaxBatch > 0 && bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("[")) {
		return t.fromArray(body)
	}
	params, err := decodeParams(body)
	if err != nil {
		return request{}, malformed(err)
	}
	return request{operations: []*operationParams{params}}, nil
}

// readJSON reads a body of JSON.
func (t endpoint) readJSON(w http.ResponseWriter, r *http.Request) ([]byte, *refusal) {
	if !isJSON(r.Header.Get("Content-Type")) {
		return nil, &refusal{http.StatusUnsupportedMediaType, "Content-Type must be application/json in UTF-8."}
	}
	body, err := readBody(w, r, t.MaxBody)
	switch {
	case isTooLarge(err):
		return nil, &refusal{http.StatusRequestEntityTooLarge, "The request body is too large."}
	case err != nil:
		return nil, malformed(err)
	}
	return body, nil
}

// isJSON reports whether the Content-Type is that of JSON in UTF-8.
func isJSON(header string) bool {
	if header == typeJSON {
		return true
	}
	mediaType, options, err := mime.ParseMediaType(header)
	charset := strings.ToLower(options["charset"])
	return err == nil && mediaType == typeJSON && (charset == "" || charset == "utf-8")
}

// readBody reads a body. At first it takes no more memory than most requests need,
// because a client can announce a body and never send it.
func readBody(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	const usual = 2 << 10
	var body bytes.Buffer
	body.Grow(int(min(max(r.ContentLength, 0), usual)) + bytes.MinRead)
	_, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, most))
	return body.Bytes(), err
}

// fromArray counts the operations before it decodes them.
func (t endpoint) fromArray(body []byte) (request, *refusal) {
	var texts []json.RawMessage
	if err := decode(body, &texts); err != nil {
		return request{}, malformed(err)
	}
	if len(texts) == 0 || len(texts) > t.MaxBatch {
		return request{}, &refusal{http.StatusBadRequest,
			fmt.Sprintf("The request body must contain 1 to %d operations, but contains %d.", t.MaxBatch, len(texts))}
	}
	asked := request{batch: true}
	for _, text := range texts {
		params, err := decodeParams(text)
		if err != nil {
			return request{}, malformed(err)
		}
		asked.operations = append(asked.operations, params)
	}
	return asked, nil
}

func malformed(err error) *refusal {
	if name, ok := errors.AsType[wrongType](err); ok {
		return &refusal{http.StatusBadRequest, name.Error()}
	}
	return &refusal{http.StatusBadRequest, "The request body must be one JSON object with a query."}
}

func isTooLarge(err error) bool {
	_, ok := errors.AsType[*http.MaxBytesError](err)
	return ok
}
