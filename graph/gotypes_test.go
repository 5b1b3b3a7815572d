package graph_test

import (
	"net/http"
	"net/url"
	"regexp"
	"testing"

	"leadgraph/internal/apptest"
)

// goTypes matches what Go's encoders and formatters write about types.
var goTypes = regexp.MustCompile(`interface ?\{|map\[|struct ?\{|\bfloat64\b|\bint64\b|\buint\d*\b|\[\](string|byte|interface|any|uint8)|\bjson:|json\.|strconv|reflect\.|unmarshal|\*[a-z]+\.[A-Z]|<nil>|%!`)

// TestNoErrorNamesATypeOfGo sends values of every wrong type in every place.
func TestNoErrorNamesATypeOfGo(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	values := []string{`null`, `true`, `7`, `-7.5e300`, `"text"`, `[]`, `[[1]]`, `{}`, `{"a":{"b":[null]}}`, `"\ud800"`, `1e999`}
	var bodies []string
	for _, value := range values {
		bodies = append(bodies, value)
		for _, member := range []string{"query", "operationName", "variables", "extensions", "documentId"} {
			bodies = append(bodies, `{"query":"{ __typename }","`+member+`":`+value+`}`)
		}
		bodies = append(bodies, `{"query":"{ __typename }","extensions":{"persistedQuery":`+value+`}}`,
			`{"query":"{ __typename }","extensions":{"persistedQuery":{"version":`+value+`,"sha256Hash":`+value+`}}}`)
		for declared, use := range map[string]string{
			"UUID!": "lead(tenantId: $v) { id }", "[UUID!]!": "leadsByTenantIds(tenantIds: $v) { id }", "Int": "leads(first: $v) { totalCount }",
			"Cursor": "leads(after: $v) { totalCount }", "LeadFilter": "leads(filter: $v) { totalCount }", "LeadOrder": "leads(orderBy: $v) { totalCount }",
			"ID!": "node(id: $v) { id }", "[ID!]!": "nodes(ids: $v) { id }", "Boolean!": "__typename @skip(if: $v)",
		} {
			bodies = append(bodies, `{"query":"query($v: `+declared+`) { `+use+` }","variables":{"v":`+value+`}}`)
		}
	}
	for _, body := range bodies {
		for _, e := range s.post(t, body).Errors {
			if found := goTypes.FindString(e.Message); found != "" {
				t.Errorf("%s: %q in %s", body, found, e.Message)
			}
		}
	}
	for _, value := range values {
		for _, member := range []string{"variables", "extensions"} {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"?query={__typename}&"+member+"="+url.QueryEscape(value), nil)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := apptest.Do(http.DefaultClient, request)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range answer.Errors {
				if found := goTypes.FindString(e.Message); found != "" {
					t.Errorf("%s=%s: %q in %s", member, value, found, e.Message)
				}
			}
		}
	}
}
