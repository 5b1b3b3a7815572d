package graph_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"leadgraph/internal/apptest"
)

// TestEmptyParametersCountAsAbsent is needed because builders of URLs write them.
func TestEmptyParametersCountAsAbsent(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	for _, rest := range []string{
		"variables=", "extensions=", "operationName=", "documentId=", "variables=&operationName=&extensions=&documentId=", "variables", "variables=null", "variables={}", "extensions=null",
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"?query={__typename}&"+rest, nil)
		if err != nil {
			t.Fatal(err)
		}
		a, err := apptest.Do(http.DefaultClient, request)
		if err != nil || a.Status != http.StatusOK || string(a.Data) != `{"__typename":"Query"}` {
			t.Errorf("%s: status %d, %s, %v", rest, a.Status, a.Body, err)
		}
	}
	for _, body := range []string{
		`{"query":"{ __typename }","variables":null,"extensions":null,"operationName":null,"documentId":null}`,
		`{"query":"{ __typename }","variables":{},"extensions":{},"operationName":"","documentId":""}`,
	} {
		if a := s.post(t, body); string(a.Data) != `{"__typename":"Query"}` {
			t.Errorf("%s: %s", body, a.Body)
		}
	}
}

// TestMembersMatchExactly is needed because encoding/json ignores case.
func TestMembersMatchExactly(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	for _, body := range []string{`{"Query":"{ __typename }"}`, `{"QUERY":"{ __typename }"}`, `{"query":null,"Query":"{ __typename }"}`, `{"\u017fuery":"{ __typename }"}`} {
		if a := s.post(t, body); len(a.Errors) != 1 || !strings.HasPrefix(a.Errors[0].Message, "query: ") {
			t.Errorf("%s: %s", body, a.Body)
		}
	}
	const document = `"query":"query A($x: Boolean = true) { a: __typename @include(if: $x) b: __typename } query B { c: __typename }"`
	for body, want := range map[string]string{
		`{` + document + `,"operationName":"A","operationname":"B"}`:                                        `{"a":"Query","b":"Query"}`,
		`{` + document + `,"operationName":"A","Variables":{"x":false}}`:                                    `{"a":"Query","b":"Query"}`,
		`{` + document + `,"operationName":"A","variables":{"X":false}}`:                                    `{"a":"Query","b":"Query"}`,
		`{` + document + `,"operationName":"A","variables":{"x":false},"VARIABLES":{"x":true}}`:             `{"b":"Query"}`,
		`{` + document + `,"operationName":"B","Extensions":{"persistedQuery":1},"DocumentId":"x","a":[1]}`: `{"c":"Query"}`,
	} {
		if a := s.post(t, body); string(a.Data) != want {
			t.Errorf("%s: %s, want %s", body, a.Body, want)
		}
	}
	if a := s.post(t, `{"query":"{ __typename }","variables":[]}`); a.Status != http.StatusBadRequest || !strings.HasPrefix(a.Errors[0].Message, "variables: ") {
		t.Errorf("a list of variables: %s", a.Body)
	}
}

func TestMembersOfMessagesMatchExactly(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	conn := apptest.OpenSocket(t, s.url)
	if err := conn.Write(t.Context(), websocket.MessageText, []byte(`{"Type":"ping"}`)); err != nil {
		t.Fatal(err)
	}
	if _, text, err := conn.Read(t.Context()); websocket.CloseStatus(err) != 4400 {
		t.Errorf("%s, %v", text, err)
	}
}
