package apptest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// Answer is an answer to a GraphQL request. Data, Errors and Extensions are decoded
// from a body that is a single JSON object.
type Answer struct {
	Status int         `json:"-"`
	Header http.Header `json:"-"`
	Body   string      `json:"-"`

	Data       json.RawMessage `json:"data"`
	Errors     []Error         `json:"errors"`
	Extensions map[string]any  `json:"extensions"`
}

// Location is a place in a document.
type Location struct{ Line, Column int }

// Error is a GraphQL error.
type Error struct {
	Message    string         `json:"message"`
	Path       []any          `json:"path"`
	Locations  []Location     `json:"locations"`
	Extensions map[string]any `json:"extensions"`
}

// Codes returns the codes of the errors.
func (a Answer) Codes() []string {
	var codes []string
	for _, e := range a.Errors {
		codes = append(codes, fmt.Sprint(e.Extensions["code"]))
	}
	return codes
}

// Body returns the body of a request for a document. Variables may be nil.
func Body(document string, variables any) string {
	body, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	if err != nil {
		panic(fmt.Sprintf("the variables cannot be encoded: %v", err))
	}
	return string(body)
}

// NewRequest returns a POST request with a JSON body and further headers, given as
// alternating names and values.
func NewRequest(ctx context.Context, endpoint, body string, headers ...string) (*http.Request, error) {
	return newRequest(ctx, http.MethodPost, endpoint, body, append([]string{"Content-Type", "application/json"}, headers...)...)
}

func newRequest(ctx context.Context, method, target, body string, headers ...string) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			request.Host = headers[i+1]
			continue
		}
		request.Header.Set(headers[i], headers[i+1])
	}
	return request, nil
}

// Open posts a body and returns the answer as soon as it begins, and what reads it until
// the test ends.
func Open(t testing.TB, endpoint, body string, headers ...string) (Answer, io.Reader) {
	t.Helper()
	request, err := NewRequest(t.Context(), endpoint, body, headers...)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return Answer{Status: response.StatusCode, Header: response.Header}, response.Body
}

// Do sends a request and reads the answer. It returns an error if an answer with a
// JSON media type is not JSON. The status is 0 if there was no answer at all.
func Do(client *http.Client, request *http.Request) (Answer, error) {
	response, err := client.Do(request)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	a := Answer{Status: response.StatusCode, Header: response.Header, Body: string(body)}
	if err != nil {
		return a, err
	}
	if !strings.Contains(a.Header.Get("Content-Type"), "json") {
		return a, nil
	}
	var into any = &a
	if strings.HasPrefix(a.Body, "[") {
		into = new([]Answer) // of a batch
	}
	if err := json.Unmarshal(body, into); err != nil {
		return a, fmt.Errorf("the answer is not JSON: %w\n%s", err, body)
	}
	return a, nil
}

// Post posts a body and returns the answer. See NewRequest for the headers.
func Post(t testing.TB, endpoint, body string, headers ...string) Answer {
	t.Helper()
	return Send(t, http.MethodPost, endpoint, body, append([]string{"Content-Type", "application/json"}, headers...)...)
}

// Send sends a request with no other headers than these, and returns the answer.
func Send(t testing.TB, method, target, body string, headers ...string) Answer {
	t.Helper()
	request, err := newRequest(t.Context(), method, target, body, headers...)
	if err != nil {
		t.Fatal(err)
	}
	a, err := Do(http.DefaultClient, request)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Query posts a document without variables and returns the answer.
func Query(t testing.TB, endpoint, document string, headers ...string) Answer {
	t.Helper()
	return Post(t, endpoint, Body(document, nil), headers...)
}
