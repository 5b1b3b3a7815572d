package transport

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
	case http.MethodPost:
		asked, refused = t.fromBody(w, r)
	default:
		w.Header().Set("Allow", "GET, POST")
		refused = &refusal{http.StatusMethodNotAllowed, "The method must be POST or GET."}
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
	mediaType, options, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := strings.ToLower(options["charset"])
	if err != nil || mediaType != typeJSON || charset != "" && charset != "utf-8" {
		return request{}, &refusal{http.StatusUnsupportedMediaType, "Content-Type must be application/json in UTF-8."}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, t.MaxBody))
	switch {
	case isTooLarge(err):
		return request{}, &refusal{http.StatusRequestEntityTooLarge, "The request body is too large."}
	case err != nil:
		return request{}, malformed(err)
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

func decodeParams(text []byte) (*operationParams, error) {
	params := &operationParams{}
	return params, decodeMembers(text, []member{
		{"query", &params.Query},
		{"operationName", &params.OperationName},
		{"variables", &params.Variables},
		{"extensions", &params.Extensions},
		{"documentId", &params.DocumentID},
	})
}

// member is a member of a JSON object and a pointer to its value.
type member struct {
	name string
	into any
}

// wrongType is the name of a member whose value has the wrong type.
type wrongType string

// Error returns one sentence.
func (name wrongType) Error() string { return string(name) + ": has the wrong type." }

// decodeMembers decodes the members of one JSON object. Their names must match
// exactly, while encoding/json takes "Query" for "query". Other members are
// ignored.
func decodeMembers(text []byte, members []member) error {
	var given map[string]json.RawMessage
	if err := decode(text, &given); err != nil {
		return err
	}
	for _, m := range members {
		if value, present := given[m.name]; present && decode(value, m.into) != nil {
			return wrongType(m.name)
		}
	}
	return nil
}

// decode decodes exactly one JSON value. Numbers stay text, so that large ones
// keep their digits until their type is known.
func decode(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
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
