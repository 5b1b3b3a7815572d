package graph_test

import (
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"reflect"
	"testing"
)

// part is one part of a deferred response, in either format.
type part struct {
	Data        any
	Errors      []any
	Pending     []place
	Incremental []struct {
		place
		Data   any
		Errors []any
	}
	Completed []struct {
		ID     string
		Errors []any
	}
	HasNext *bool
}

type place struct {
	ID   string
	Path []any
}

// merge reads a deferred response to its end and merges its parts. It checks
// that nothing arrives that was not announced or has no parent yet.
func (s service) merge(t *testing.T, accept, document string) (merged any, errs []any) {
	t.Helper()
	response := s.ask(t, http.MethodPost, accept, document)
	defer func() { _ = response.Body.Close() }()
	mediaType, parameters, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	if mediaType == "application/json" { // nothing could be deferred
		var whole part
		if err := json.NewDecoder(response.Body).Decode(&whole); err != nil {
			t.Fatal(err)
		}
		return whole.Data, whole.Errors
	}
	m := merger{t: t, pending: map[string][]any{}}
	more := true
	for reader := multipart.NewReader(response.Body, parameters["boundary"]); ; {
		body, err := reader.NextPart()
		if err == io.EOF {
			break
		}
		var p part
		if err != nil || json.NewDecoder(body).Decode(&p) != nil || p.HasNext == nil || !more {
			t.Fatal("not a part:", err)
		}
		more = *p.HasNext
		m.add(p)
	}
	if more || len(m.pending) > 0 {
		t.Errorf("the response ended with more to come: %v", m.pending)
	}
	return m.data, m.errs
}

// merger merges the parts of a deferred response.
type merger struct {
	t       *testing.T
	pending map[string][]any // paths by id
	data    any
	errs    []any
}

func (m *merger) add(p part) {
	m.t.Helper()
	if p.Data != nil {
		m.data = p.Data
	}
	m.errs = append(m.errs, p.Errors...)
	for _, announced := range p.Pending {
		m.pending[announced.ID] = announced.Path
	}
	for _, piece := range p.Incremental {
		path, known := m.pending[piece.ID]
		if piece.ID == "" {
			path = piece.Path
		} else if !known {
			m.t.Fatalf("piece %s was not announced", piece.ID)
		}
		m.errs = append(m.errs, piece.Errors...)
		for _, failed := range piece.Errors {
			at, _ := failed.(map[string]any)["path"].([]any)
			if len(at) <= len(path) || !reflect.DeepEqual(at[:len(path)], path) || !holds(piece.Data, at[len(path):]) {
				m.t.Errorf("the error at %v is with the piece %v at %v", at, piece.Data, path)
			}
		}
		if piece.Data != nil {
			add(m.t, m.data, path, piece.Data)
		}
	}
	for _, done := range p.Completed {
		if _, known := m.pending[done.ID]; !known {
			m.t.Errorf("piece %s is completed but not pending", done.ID)
		}
		delete(m.pending, done.ID)
		m.errs = append(m.errs, done.Errors...)
	}
}

// holds reports whether an object has the fields of a path, as far as it has values.
func holds(value any, path []any) bool {
	if len(path) == 0 {
		return true
	}
	switch step := path[0].(type) {
	case string:
		if object, isObject := value.(map[string]any); isObject {
			below, has := object[step]
			return has && holds(below, path[1:])
		}
	case float64:
		if items, isList := value.([]any); isList && int(step) < len(items) {
			return holds(items[int(step)], path[1:])
		}
	}
	return true
}

func add(t *testing.T, to any, path []any, piece any) {
	t.Helper()
	for _, step := range path {
		switch step := step.(type) {
		case string:
			to = to.(map[string]any)[step]
		case float64:
			to = to.([]any)[int(step)]
		}
	}
	object, ok := to.(map[string]any)
	if !ok {
		t.Fatalf("no object at %v", path)
	}
	for key, value := range piece.(map[string]any) {
		if known, taken := object[key]; taken && !reflect.DeepEqual(known, value) {
			t.Errorf("%v has %q already", path, key)
		}
		object[key] = value
	}
}
