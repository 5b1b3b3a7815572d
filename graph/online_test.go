package graph_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"leadgraph/graph"
	"leadgraph/internal/apptest"
)

// onlineLookups returns a document that looks up n tenants with checkOnline.
func onlineLookups(n int) string {
	var fields strings.Builder
	for i := range n {
		_, _ = fmt.Fprintf(&fields, `a%d: lead(tenantId: "%08x-0000-4000-8000-000000000000", checkOnline: true) { id } `, i, i)
	}
	return "{ " + fields.String() + "}"
}

// checkOnline makes the platform write. It must be refused before any call unless
// the server allows it, the caller may write, the method is not GET, and the
// operation does not ask for it too often.
func TestCheckOnlineIsRefusedBeforeAnyCall(t *testing.T) {
	t.Parallel()
	allowed := graph.Online{Allowed: true, PerOperation: 2, PerSecond: 2}
	const literal = `{ lead(tenantId: "` + noTenant + `", checkOnline: true) { id } }`
	tests := map[string]struct {
		rules    graph.Online
		document string
		get      bool
		code     string
	}{
		"the server does not allow it": {graph.Online{}, literal, false, "FORBIDDEN"},
		"not even beside other fields": {graph.Online{}, `{ __typename lead(tenantId: "` + noTenant + `") { id } b: lead(tenantId: "` + seedTenant + `", checkOnline: true) { id } }`, false, "FORBIDDEN"},
		"nor in a fragment":            {graph.Online{}, `{ ...F } fragment F on Query { ... on Query { lead(tenantId: "` + noTenant + `", checkOnline: true) { id } } }`, false, "FORBIDDEN"},
		"nor deferred":                 {graph.Online{}, `{ __typename ... @defer { lead(tenantId: "` + noTenant + `", checkOnline: true) { id } } }`, false, "FORBIDDEN"},
		"nor by a default":             {graph.Online{}, `query($c: Boolean! = true) { lead(tenantId: "` + noTenant + `", checkOnline: $c) { id } }`, false, "FORBIDDEN"},
		"the caller may not write":     {graph.Online{Allowed: true, PerOperation: 2, PerSecond: 2, May: func(context.Context) bool { return false }}, literal, false, "FORBIDDEN"},
		"by GET":                       {allowed, literal, true, "BAD_USER_INPUT"},
		"too many in one operation":    {allowed, onlineLookups(3), false, "QUERY_TOO_COMPLEX"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t, serviceOptions{graph: func(o *graph.Options) { o.Online = test.rules }})
			var got apptest.Answer
			if test.get {
				request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"?query="+url.QueryEscape(test.document), nil)
				if err != nil {
					t.Fatal(err)
				}
				if got, err = apptest.Do(http.DefaultClient, request); err != nil {
					t.Fatal(err)
				}
			} else {
				got = s.query(t, test.document)
			}
			if !slices.Equal(got.Codes(), []string{test.code}) || len(got.Data) > 0 && string(got.Data) != "null" {
				t.Errorf("%d %s", got.Status, got.Body)
			}
			if calls := s.platform.Calls(); calls.ByTenant+calls.Pages > 0 {
				t.Errorf("calls %+v", calls)
			}
		})
	}
}

func TestCheckOnlineIsNotAskedForByFalse(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{graph: func(o *graph.Options) { o.Online = graph.Online{} }})
	for _, document := range []string{
		`{ lead(tenantId: "` + seedTenant + `", checkOnline: false) { id } }`,
		`{ lead(tenantId: "` + seedTenant + `") { id } }`,
		`{ lead(tenantId: "` + seedTenant + `") { id } b: lead(tenantId: "` + noTenant + `", checkOnline: true) @skip(if: true) { id } }`,
	} {
		if got := s.query(t, document); len(got.Errors) > 0 {
			t.Errorf("%s: %s", document, got.Body)
		}
	}
}

// All callers together get a number of such lookups per second.
func TestCheckOnlineIsBoundedPerSecond(t *testing.T) {
	t.Parallel()
	began := time.Now()
	var passed atomic.Int64
	s := newService(t, serviceOptions{graph: func(o *graph.Options) {
		o.Online = graph.Online{Allowed: true, PerOperation: 2, PerSecond: 4}
		o.Now = func() time.Time { return began.Add(time.Duration(passed.Load())) }
	}})
	ask := func() apptest.Answer { return s.query(t, onlineLookups(2)) }
	for range 2 {
		if got := ask(); len(got.Errors) > 0 {
			t.Fatal(got.Body)
		}
	}
	refused := ask()
	if !slices.Equal(refused.Codes(), []string{"UPSTREAM_RATE_LIMITED"}) || refused.Errors[0].Extensions["retryAfterMs"] != 500.0 {
		t.Errorf("%d %s", refused.Status, refused.Body)
	}
	passed.Store(int64(500 * time.Millisecond))
	if got := ask(); len(got.Errors) > 0 {
		t.Error(got.Body)
	}
	if calls := s.platform.Calls(); calls.CheckOnline != 6 {
		t.Errorf("%d calls with checkOnline, want 6", calls.CheckOnline)
	}
}
