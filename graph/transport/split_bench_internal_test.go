package transport

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"leadgraph/graph/generated"
)

// BenchmarkDeferredPieces cuts 3,000 deferred pieces out of a response and
// writes them. limits.pieceWeight is based on its result.
func BenchmarkDeferredPieces(b *testing.B) {
	const leads = 1000
	schema := generated.NewExecutableSchema(generated.Config{}).Schema()
	document, errs := gqlparser.LoadQueryWithRules(schema, `{ leads(first: 1000) { nodes { id
		... @defer(label: "a") { contacts { fullName ... @defer(label: "b") { email } } } ... @defer(label: "c") { contactDetails { companyName } } } } }`, nil)
	if errs != nil {
		b.Fatal(errs)
	}
	node := []byte(`{"id":"da68eafc-d3c6-4d3b-9a10-c48b26c6086b","contacts":[{"fullName":"Dana Levi","email":"dana@contoso.example"}],"contactDetails":{"companyName":"Contoso"}}`)
	nodes := bytes.Repeat(append(node, ','), leads)
	data := append(append([]byte(`{"leads":{"nodes":[`), nodes[:len(nodes)-1]...), "]}}"...)
	op := &graphql.OperationContext{Doc: document, Variables: map[string]any{}}
	root := shaper{op, schema}.shape(schema.Query, document.Operations[0].SelectionSet)
	for _, format := range []*partFormat{partsByPath, partsByID} {
		b.Run(format.parameter, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				kept, pieces := root.cut(data, ast.Path{})
				w := httptest.NewRecorder()
				out := parts{format: format, w: w, control: http.NewResponseController(w)}
				out.first(&graphql.Response{Data: kept}, pieces)
				out.next(pieces, false)
				if all := flatten(nil, pieces); len(all) != 3*leads {
					b.Fatal(len(all))
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(3*leads), "ns/piece")
		})
	}
}
