package graph_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"leadgraph/graph"
	"leadgraph/internal/apptest"
)

// watcher is one of several subscribers that watch the same lead in a way of its own.
type watcher struct {
	caller, fields string
	variables      values
	// wants and never are in what it gets, and not.
	wants, never []string
}

// Whatever subscribers share, each sees a change by its own fields, arguments, rights, filter
// and cursors.
func TestSubscribersWatchTogether(t *testing.T) {
	t.Parallel()
	named := func(name string) func(context.Context) string {
		return func(ctx context.Context) string {
			if !graphql.HasOperationContext(ctx) {
				return ""
			}
			return graphql.GetOperationContext(ctx).Headers.Get(name)
		}
	}
	s := newService(t, serviceOptions{interval: often, graph: func(o *graph.Options) {
		o.Caller = named("Caller")
		o.SeesPII = func(ctx context.Context) bool { return strings.HasPrefix(named("Caller")(ctx), "trusted") }
	}})
	const mail, bare = "dana@example.com", "lead { id contacts { email } civicAddresses(country: $country) { id } }"
	everyone := []watcher{
		{caller: "trusted", fields: bare, wants: []string{mail, "in US", "in FR"}},
		{caller: "trusted", fields: bare, variables: values{"country": "US"}, wants: []string{mail, "in US"}, never: []string{"in FR"}},
		{caller: "trusted too", fields: bare, variables: values{"country": "FR"}, wants: []string{mail, "in FR"}, never: []string{"in US"}},
		{caller: "trusted", fields: "removedId " + bare, wants: []string{mail, `"removedId":null`}},
		{caller: "stranger", fields: bare, wants: []string{"FORBIDDEN", "in US", "in FR"}, never: []string{mail}},
		{caller: "trusted", fields: "kind " + bare, wants: []string{`"UPDATED"`, mail}},
		{
			caller: "trusted", fields: "kind " + bare, variables: values{"filter": values{"status": "SUSPENDED"}},
			wants: []string{`"ENTERED"`, mail},
		},
		{caller: "trusted", fields: "kind cursor " + bare, wants: []string{mail}},
		{caller: "trusted too", fields: "kind cursor " + bare, wants: []string{mail}},
	}
	streams := make([]stream, 2*len(everyone)) // each of them twice
	for i := range streams {
		w := everyone[i/2]
		document := `subscription($country: CountryCode, $filter: LeadFilter) { leadChanges(filter: $filter) { changes { ` + w.fields + ` } } }`
		streams[i] = s.subscribe(t, document, w.variables, "Caller", w.caller)
		streams[i].answer()
	}
	id := s.idOf(t, seedTenant)
	s.platform.Edit(id, values{
		"status": "Suspended", "contacts": []values{{"email": mail}},
		"civicAddresses": []values{{"id": "in US", "country": "US"}, {"id": "in FR", "country": "FR"}},
	})
	cursors := map[string]string{} // by caller
	for i, stream := range streams {
		w := everyone[i/2]
		a := stream.answer()
		for _, want := range append(w.wants, id) {
			if !strings.Contains(a.Body, want) {
				t.Errorf("%+v lacks %s: %s", w, want, a.Body)
			}
		}
		for _, never := range w.never {
			if strings.Contains(a.Body, never) {
				t.Errorf("%+v has %s: %s", w, never, a.Body)
			}
		}
		if strings.Contains(w.fields, "cursor") {
			cursors[w.caller] = data[struct{ LeadChanges batch }](t, a).LeadChanges.Changes[0].Cursor
		}
	}
	// A cursor is valid for the caller who got it, and for nobody else.
	for caller, cursor := range cursors {
		for other := range cursors {
			query := fmt.Sprintf(`{ leadChanges(after: %q) { nodes { kind } } }`, cursor)
			a := s.post(t, apptest.Body(query, nil), "Caller", other)
			if refused := len(a.Errors) > 0; refused != (caller != other) {
				t.Errorf("%s uses the cursor of %s: %s", other, caller, a.Body)
			}
		}
	}
}
