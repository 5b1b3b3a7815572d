package transport

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// TestPieceWithoutDataIsJSON has an operation that ended before it began, so that its
// response has no data at all.
func TestPieceWithoutDataIsJSON(t *testing.T) {
	t.Parallel()
	for _, format := range []*partFormat{partsByPath, partsByID} {
		w := httptest.NewRecorder()
		out := parts{format: format, w: w, control: http.NewResponseController(w), sending: func(int) func() { return func() {} }}
		failed := late{&piece{path: ast.Path{}, keys: []string{"a"}}, &graphql.Response{Errors: gqlerror.List{{Message: "Too late."}}}}
		out.first(&graphql.Response{Data: []byte(`{}`)}, []*piece{failed.piece})
		failed.fill(shape{{key: "a", labels: []string{""}}})
		out.next([]*piece{failed.piece}, false)
		bodies := 0
		for line := range strings.Lines(w.Body.String()) {
			if strings.HasPrefix(line, "{") {
				bodies++
				if !json.Valid([]byte(line)) {
					t.Errorf("%s: %s", format.parameter, line)
				}
			}
		}
		if bodies != 2 || !strings.Contains(w.Body.String(), "Too late.") {
			t.Errorf("%s: %s", format.parameter, w.Body)
		}
	}
}
