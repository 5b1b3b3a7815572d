package graph_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"leadgraph/graph"
	"leadgraph/lead/catalogue"
	"leadgraph/upstream/sandbox"
)

// deferring is a document with every kind of deferred fragment.
var deferring = fmt.Sprintf(`query Q($yes: Boolean = true) {
	lead(tenantId: %q) {
		id
		... @defer(label: "details") { status contactDetails { companyName ... @defer { companySize } } }
		... @defer(label: "again") { status }
		... @defer(if: false) { isDirectLead }
		... @defer(if: $yes) { comments ... on Node { id } }
	}
	...Late @defer(label: "late")
}
fragment Late on Query { other: lead(tenantId: %q) { id ... @defer(label: "inner") { status } } }`, seedTenant, fullTenant)

func TestDeferredPartsAreGolden(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		accept string
		bodies []string
	}{
		{byPath, []string{
			`{"data":{"lead":{"id":"da68eafc-d3c6-4d3b-9a10-c48b26c6086b","isDirectLead":true}},"hasNext":true}`,
			`{"incremental":[{"data":{"status":"ACTIVE","contactDetails":{"companyName":"SIPTest"}},"path":["lead"],"label":"details"},` +
				`{"data":{"companySize":null},"path":["lead","contactDetails"]},` +
				`{"data":{},"path":["lead"],"label":"again"},` +
				`{"data":{"comments":[]},"path":["lead"]}],"hasNext":true}`,
			`{"incremental":[{"data":{"other":{"id":"1c0b7a52-6a0e-4f1d-9a55-0d2f6f3b8e01"}},"path":[],"label":"late"},` +
				`{"data":{"status":"ACTIVE"},"path":["other"],"label":"inner"}],"hasNext":false}`,
		}},
		{byID, []string{
			`{"data":{"lead":{"id":"da68eafc-d3c6-4d3b-9a10-c48b26c6086b","isDirectLead":true}},` +
				`"pending":[{"id":"0","path":[],"label":"late"},{"id":"1","path":["lead"],"label":"details"},{"id":"2","path":["lead"],"label":"again"},{"id":"3","path":["lead"]}],"hasNext":true}`,
			`{"pending":[{"id":"4","path":["lead","contactDetails"]}],` +
				`"incremental":[{"id":"1","data":{"status":"ACTIVE","contactDetails":{"companyName":"SIPTest"}}},{"id":"4","data":{"companySize":null}},{"id":"3","data":{"comments":[]}}],` +
				`"completed":[{"id":"1"},{"id":"4"},{"id":"2"},{"id":"3"}],"hasNext":true}`,
			`{"pending":[{"id":"5","path":["other"],"label":"inner"}],` +
				`"incremental":[{"id":"0","data":{"other":{"id":"1c0b7a52-6a0e-4f1d-9a55-0d2f6f3b8e01"}}},{"id":"5","data":{"status":"ACTIVE"}}],` +
				`"completed":[{"id":"0"},{"id":"5"}],"hasNext":false}`,
		}},
	} {
		t.Run(test.accept, func(t *testing.T) {
			t.Parallel()
			s := newService(t, serviceOptions{})
			const head = "---\r\nContent-Type: application/json; charset=utf-8\r\n\r\n"
			want := head + strings.Join(test.bodies, "\r\n"+head) + "\r\n-----\r\n"
			if diff := cmp.Diff(want, s.text(t, test.accept, deferring)); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			s.wantCalls(t, 2, 0)
		})
	}
}

// TestDeferredPartsMakeTheInlineAnswer merges the parts as clients do.
func TestDeferredPartsMakeTheInlineAnswer(t *testing.T) {
	t.Parallel()
	documents := map[string]string{
		"all kinds":  deferring,
		"list":       `{ leads(first: 5) { ... @defer { totalCount } nodes { id ... @defer { ...F } civicAddresses { id ... @defer(label: "x") { locations { id } } } } } } fragment F on Lead { civicAddresses { formatted } comments }`,
		"interface":  fmt.Sprintf(`{ node(id: "da68eafc-d3c6-4d3b-9a10-c48b26c6086b") { id ... on Lead @defer { status } } lead(tenantId: %q) { __typename ... @defer { __typename status } } }`, twinTenant),
		"all":        `{ ... @defer(label: "a") { leadStats { total } } ... @defer(label: "b") { leads(first: 2) { nodes { id } } leadStats { total direct } } }`,
		"no lead":    fmt.Sprintf(`{ lead(tenantId: %q) { id ... @defer { status } } ... @defer { __typename } }`, noTenant),
		"lists":      fmt.Sprintf(`{ leadsByTenantIds(tenantIds: [%q, %q, %q]) { id ... @defer { status } } }`, seedTenant, noTenant, twinTenant),
		"same field": `{ leads(first: 1) { nodes { id } } ... @defer { leads(first: 1) { nodes { status } asOf: __typename } } }`,
	}
	for _, textbook := range []bool{false, true} {
		s := newService(t, serviceOptions{graph: func(o *graph.Options) { o.Textbook = textbook }})
		for name, document := range documents {
			for _, accept := range []string{byPath, byID} {
				t.Run(fmt.Sprint(name, accept, textbook), func(t *testing.T) {
					t.Parallel()
					want := s.query(t, document)
					whole := data[any](t, want)
					merged, errs := s.merge(t, accept, document)
					if diff := cmp.Diff(whole, merged); diff != "" || len(errs) > 0 {
						t.Errorf("data (-inline +parts):\n%s\nerrors: %v", diff, errs)
					}
				})
			}
		}
	}
}

// TestAnyDeferredPartsMakeTheInlineAnswer uses random documents, with a tenant that
// cannot be read, and callers that may read personal data or not. The errors are the same
// too, and arrive with the piece they belong to.
func TestAnyDeferredPartsMakeTheInlineAnswer(t *testing.T) {
	t.Parallel()
	var services []service
	for _, sees := range []bool{true, false} {
		s := newService(t, serviceOptions{graph: func(o *graph.Options) {
			o.Now = func() time.Time { return time.Date(2025, 1, 2, 12, 0, 0, 0, time.UTC) } // cursors hold the time of reading
			o.SeesPII = func(context.Context) bool { return sees }
		}})
		s.platform.Inject(sandbox.Fault{Kind: "tenant:" + seedTenant, Times: -1, Status: http.StatusBadRequest})
		services = append(services, s)
	}
	fields := map[string][]string{
		"Query": {
			fmt.Sprintf("bad: lead(tenantId: %q) Lead", seedTenant), fmt.Sprintf("worse: leadsByTenantIds(tenantIds: [%q, %q]) Lead", seedTenant, twinTenant),
			fmt.Sprintf("lead(tenantId: %q) Lead", fullTenant), fmt.Sprintf("none: lead(tenantId: %q) Lead", noTenant),
			"leads(first: 3) LeadConnection", fmt.Sprintf("leadsByTenantIds(tenantIds: [%q, %q]) Lead", twinTenant, noTenant),
		},
		"LeadConnection": {"nodes Lead", "edges LeadEdge", "totalCount"},
		"LeadEdge":       {"cursor", "node Lead"},
		"Lead":           {"id", "status", "comments", "contactDetails ContactDetails", "contacts ContactDetails", "civicAddresses CivicAddress", "channelId"},
		"ContactDetails": {"fullName", "companyName", "companySizeRange CompanySizeRange"},
		"CivicAddress":   {"id", "formatted", "locations Location"},
		"Location":       {"id", "isDefault"}, "CompanySizeRange": {"min", "max"},
	}
	var labels, left int // what the limits still allow
	failed := 0          // answers with errors
	var selection func(t *rapid.T, of string, fragments int) string
	selection = func(t *rapid.T, of string, fragments int) string {
		var text strings.Builder
		for range rapid.IntRange(1, 2).Draw(t, "members") {
			if left--; left < 0 {
				_, _ = text.WriteString("__typename ")
				continue
			}
			if fragment := rapid.SampledFrom([]string{"", "...", "... @defer", "... @defer(label: %q)", "... @defer(if: false, label: %q)"}).Draw(t, "fragment"); fragment != "" && fragments < 3 {
				if strings.Contains(fragment, "%q") {
					labels++
					fragment = fmt.Sprintf(fragment, fmt.Sprint("l", labels))
				}
				_, _ = fmt.Fprintf(&text, "%s { %s} ", fragment, selection(t, of, fragments+1))
				continue
			}
			field := rapid.SampledFrom(fields[of]).Draw(t, "field")
			if space := strings.LastIndex(field, " "); space >= 0 {
				field = fmt.Sprintf("%s { %s}", field[:space], selection(t, field[space+1:], 0))
			}
			_, _ = text.WriteString(field + " ")
		}
		return text.String()
	}
	rapid.Check(t, func(r *rapid.T) {
		left = 40
		document := "{ " + selection(r, "Query", 0) + "}"
		s := rapid.SampledFrom(services).Draw(r, "service")
		a := s.query(t, document)
		var whole any
		if err := json.Unmarshal(a.Data, &whole); err != nil {
			r.Fatal(a.Body)
		}
		for _, accept := range []string{byPath, byID} {
			merged, errs := s.merge(t, accept, document)
			text, _ := json.Marshal(map[string]any{"errors": errs}) // was decoded from JSON
			if len(errs) > 0 {
				failed++
			}
			if diff := cmp.Diff(whole, merged); diff != "" {
				r.Fatalf("%s\ndata (-inline +parts):\n%s", document, diff)
			}
			const most = 10 // errors about personal data in one answer
			if inline := placesOf(t, a.Body); len(inline) < most && !slices.Equal(inline, placesOf(t, string(text))) {
				r.Fatalf("%s\nplaces %q, in parts %q", document, inline, placesOf(t, string(text)))
			}
		}
	})
	if failed == 0 {
		t.Error("nothing failed")
	}
}

// TestDeferredPieceOfAStaleCatalogueIsMarked checks that only the piece that
// used the catalogue is marked.
func TestDeferredPieceOfAStaleCatalogueIsMarked(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{catalogue: catalogue.Options{TTL: 1, StaleIfError: time.Hour}})
	data[any](t, s.query(t, `{ leadStats { total } }`))
	s.platform.Inject(sandbox.Fault{Kind: sandbox.KindPage, Times: -1, Status: 503})
	got := s.text(t, byPath, fmt.Sprintf(`{ __typename ... @defer(label: "a") { leadStats { total } } ... @defer(label: "b") { lead(tenantId: %q) { id } } }`, seedTenant))
	if !strings.Contains(got, `{"data":{"leadStats":{"total":200}},"path":[],"label":"a","extensions":{"stale":true}}`) || strings.Count(got, "stale") != 1 {
		t.Errorf("answer %s", got)
	}
}

func TestDeferredFailureComesWithItsPiece(t *testing.T) {
	t.Parallel()
	document := fmt.Sprintf(`{ lead(tenantId: %q) { id } ... @defer(label: "x") { bad: lead(tenantId: %q) { id } } ... @defer(label: "y") { list: leadsByTenantIds(tenantIds: [%q]) { id } } }`, seedTenant, fullTenant, twinTenant)
	for accept, want := range map[string][]string{
		byPath: {`{"data":{"bad":null},"path":[],"label":"x","errors":[{"message"`, `"path":["bad"]`},
		byID:   {`{"id":"0","data":{"bad":null},"errors":[{"message"`, `"path":["bad"]`, `"completed":[{"id":"0"}]`},
	} {
		t.Run(accept, func(t *testing.T) {
			t.Parallel()
			s := newService(t, serviceOptions{})
			s.platform.Inject(sandbox.Fault{Kind: "tenant:" + fullTenant, Status: 500})
			got := s.text(t, accept, document)
			for _, text := range append(want, `"code":"UPSTREAM_UNAVAILABLE"`, `"requestId":"request-1"`) {
				if !strings.Contains(got, text) {
					t.Errorf("no %s in\n%s", text, got)
				}
			}
			if !strings.Contains(s.log.String(), `"codes":["UPSTREAM_UNAVAILABLE"]`) {
				t.Errorf("the log does not tell: %s", s.log)
			}
		})
	}
}
