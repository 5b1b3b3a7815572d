package graph_test

import (
	"context"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"

	"leadgraph/graph"
	"leadgraph/internal/apptest"
)

// get asks by GET. Headers are alternating names and values.
func (s service) get(t *testing.T, document string, headers ...string) apptest.Answer {
	t.Helper()
	return apptest.Send(t, http.MethodGet, s.url+"?"+url.Values{"query": {document}}.Encode(), "", headers...)
}

// An entity tag is one of all that an answer depends on: a client that has it never keeps an
// answer that has become another.
func TestATagIsGoneWhenTheAnswerIsAnother(t *testing.T) {
	t.Parallel()
	var sees atomic.Bool
	sees.Store(true)
	s := newService(t, serviceOptions{graph: func(o *graph.Options) {
		o.SeesPII, o.MaskPII = func(context.Context) bool { return sees.Load() }, true
	}})
	const list = `{ leads(first: 1000, orderBy: {field: CONSENTED_ON}) { nodes { id contactDetails { fullName } } } }`
	const dated = `{ leads(first: 1, orderBy: {field: CONSENTED_ON}) { nodes { id } asOf } }`
	tag, datedTag := s.get(t, list).Header.Get("ETag"), s.get(t, dated).Header.Get("ETag")
	want := func(what string, a apptest.Answer, status int, tagged bool) {
		t.Helper()
		if a.Status != status || (a.Header.Get("ETag") != "") != tagged {
			t.Errorf("%s: %d %v", what, a.Status, a.Header)
		}
	}
	want("the same", s.get(t, list, "If-None-Match", tag), http.StatusNotModified, true)
	want("read again", s.get(t, list, "If-None-Match", tag, "Cache-Control", "no-cache"), http.StatusNotModified, true)
	want("read again, with a time", s.get(t, dated, "If-None-Match", datedTag), http.StatusOK, true)
	sees.Store(false)
	want("other scopes", s.get(t, list, "If-None-Match", tag), http.StatusOK, true)
	sees.Store(true)

	tenant := s.platform.Tenants()[0]
	s.platform.Edit(s.platform.IDs()[0], map[string]any{"contactDetails": map[string]any{"fullName": "Entirely New"}})
	want("not read yet", s.get(t, list, "If-None-Match", tag), http.StatusNotModified, true)
	data[any](t, s.query(t, `query($id: UUID!) { lead(tenantId: $id) { id } }`, "id", tenant))
	want("a lookup has seen a newer lead", s.get(t, list, "If-None-Match", tag), http.StatusOK, false)
	newest := s.get(t, list, "If-None-Match", tag, "Cache-Control", "no-cache")
	want("a newer catalogue", newest, http.StatusOK, true)
	if newest.Header.Get("ETag") == tag {
		t.Error("another answer has the same tag")
	}
}

// Answers that tell what they cost, or that the platform fails, depend on more than leads.
func TestAnswersWithExtensionsHaveNoTag(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{graph: func(o *graph.Options) { o.ExposeCost = true }})
	if a := s.get(t, `{ leadStats { total } }`); a.Status != http.StatusOK || a.Header.Get("ETag") != "" {
		t.Errorf("%d %v", a.Status, a.Header)
	}
}
