package transport

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// TestLargeAnswersAreTheSame sends responses with large data, which is not copied, and
// without, with and without errors and extensions.
func TestLargeAnswersAreTheSame(t *testing.T) {
	t.Parallel()
	for _, data := range []string{"", "null", `{"a":"` + strings.Repeat("x", worthSplitting) + `"}`} {
		for _, errs := range []gqlerror.List{nil, {{Message: "why"}}} {
			for _, extensions := range []map[string]any{nil, {"cost": 1}} {
				response := &graphql.Response{Errors: errs, Extensions: extensions}
				want := map[string]any{}
				if data != "" {
					response.Data, want["data"] = json.RawMessage(data), json.RawMessage(data)
				}
				if errs != nil {
					want["errors"] = errs
				}
				if extensions != nil {
					want["extensions"] = extensions
				}
				answer := httptest.NewRecorder()
				x := exchange{w: answer, client: client{single: typeJSON}}
				size := x.writeResponse(t.Context(), 200, response)
				whole := encode(response)
				if answer.Body.String() != string(whole) || size != len(whole) || !sameJSON(t, whole, want) {
					t.Errorf("%d bytes: %.100s", size, answer.Body)
				}
			}
		}
	}
}

func sameJSON(t *testing.T, text []byte, want map[string]any) bool {
	t.Helper()
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	wanted, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	return string(again) == string(wanted)
}
