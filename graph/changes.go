package graph

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"leadgraph/graph/generated"
	"leadgraph/graph/live"
	"leadgraph/graph/pagination"
	"leadgraph/graph/transport"
	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/changes"
	"leadgraph/lead/flight"
	"leadgraph/lead/lookup"
)

// viewOf returns the log of the caller through a filter. places are where the selection
// has changes.
func (op *operation) viewOf(ctx context.Context, log *changes.Log, filter *lead.Filter, places ...string) live.View {
	selects := func(name string) bool {
		for _, place := range places {
			if graphql.FieldRequested(ctx, place+name) {
				return true
			}
		}
		return false
	}
	return live.View{
		Log: log, Filter: filter, Seal: op.options.Cursors, Caller: op.caller, Visible: op.visible, Personal: op.seesPII, Shared: op.streams,
		Wants: live.Wants{
			Cursor:  selects(".cursor") || selects(".node.cursor"),
			Edge:    selects(".edge") || selects(".node.edge"),
			Changed: selects(".changed") || selects(".node.changed"),
		},
	}
}

// allowedFilter returns the filter as it applies to the caller: without the right to see
// personal data, its matches must not reveal any.
func (op *operation) allowedFilter(filter *lead.Filter) (*lead.Filter, error) {
	if err := catalogue.Validate(filter); err != nil || op.seesPII {
		return filter, err
	}
	return catalogue.Open(filter), nil
}

// watch starts a subscription to the changes of leads.
func (op *operation) watch(ctx context.Context, filter *lead.Filter, after *string, onGap generated.GapPolicy) (<-chan *generated.LeadChangeBatch, error) {
	filter, err := op.allowedFilter(filter)
	if err != nil {
		return nil, err
	}
	log, leave, err := op.options.Changes.Listen(ctx)
	if err != nil {
		return nil, err
	}
	stream := &live.Stream{
		View: op.viewOf(ctx, log, filter, "changes"), Reset: onGap == generated.GapPolicyReset,
		Identify: transport.Identify,
		May:      func(ctx context.Context) error { _, err := op.options.Changes.Log(ctx); return err },
	}
	if op.options.Expires != nil {
		stream.Expires = op.options.Expires(ctx)
	}
	if last := transport.LastEventID(ctx); last != "" { // newer than the first variables, which clients send again
		after = &last
	}
	if err := op.start(ctx, stream, after); err != nil {
		leave()
		return nil, err
	}
	out := make(chan *generated.LeadChangeBatch)
	go func() {
		defer leave()
		defer close(out)
		_, err := flight.Guard(func() (struct{}, error) { return struct{}{}, stream.Run(ctx, out) })
		op.end(ctx, err)
	}()
	return out, nil
}

// start finds where a stream begins. The log needs leads to compare later ones with.
func (op *operation) start(ctx context.Context, stream *live.Stream, after *string) error {
	if _, read := stream.Log.End(); read.IsZero() {
		ctx, cancel := context.WithTimeout(ctx, op.options.Timeout)
		defer cancel()
		snapshot, err := waiting(ctx, func() (*catalogue.Snapshot, error) {
			snapshot, state, err := op.options.Catalogue.Snapshot(ctx, op.freshness)
			op.spendOnAll(snapshot, state, err)
			return snapshot, err
		})
		if err != nil {
			return err
		}
		placeOf(ctx, stream.Log, snapshot)
	}
	if after == nil || *after == "" { // clients send "" for no position
		stream.After, _ = stream.Log.End()
		return nil
	}
	var err error
	stream.After, err = waiting(ctx, func() (changes.Position, error) { return stream.Open(ctx, *after) })
	if stream.Gap = stream.Reset && errors.Is(err, changes.ErrExpired); stream.Gap {
		return nil
	}
	return err
}

// placeOf returns the position of a snapshot. A log that does not have it yet takes it over,
// for which it may wait for what replicas share.
func placeOf(ctx context.Context, log *changes.Log, s *catalogue.Snapshot) changes.Position {
	at, _ := waiting(ctx, func() (changes.Position, error) { return log.Of(s), nil })
	return at
}

// end notes why a subscription has ended before its client left.
func (op *operation) end(ctx context.Context, err error) {
	op.mu.Lock()
	defer op.mu.Unlock()
	if ctx.Err() == nil {
		op.ended = err
	}
}

// lastWords returns the response that ends a subscription with an error, once; nil if there
// is none.
func (op *operation) lastWords(ctx context.Context, present graphql.ErrorPresenterFunc) *graphql.Response {
	op.mu.Lock()
	err := op.ended
	op.ended = nil
	op.mu.Unlock()
	if err == nil {
		return nil
	}
	shown := present(ctx, err)
	return &graphql.Response{Errors: append(graphql.GetErrors(ctx), shown)}
}

// changesAfter returns a page of the log. The catalogue is as fresh as for other lists.
func (op *operation) changesAfter(ctx context.Context, after string, first *int, filter *lead.Filter) (*generated.LeadChangeConnection, error) {
	filter, err := op.allowedFilter(filter)
	if err != nil {
		return nil, err
	}
	window, err := pagination.Check(pagination.Args{First: first}, pagination.List{}, op.options.Pages)
	if err != nil {
		return nil, err
	}
	all, err := waiting(ctx, op.snapshot)
	if err != nil {
		return nil, err
	}
	log, err := op.options.Changes.Log(ctx)
	if err != nil {
		return nil, err
	}
	placeOf(ctx, log, all.Snapshot) // an empty log begins with it
	view := op.viewOf(ctx, log, filter, "nodes", "edges")
	view.Wants.Cursor = view.Wants.Cursor || graphql.FieldRequested(ctx, "pageInfo.startCursor")
	at, err := waiting(ctx, func() (changes.Position, error) { return view.Open(ctx, after) })
	if err != nil {
		return nil, err
	}
	batch, err := log.Read(at, filter, window.Size)
	if err != nil {
		return nil, err
	}
	return view.Page(after, batch), nil
}

// revisionOf returns the name of a snapshot's revision in the caller's log.
func (op *operation) revisionOf(ctx context.Context, s *catalogue.Snapshot) (*string, error) {
	log, err := op.options.Changes.Log(ctx)
	if err != nil {
		return nil, err
	}
	return live.Name(placeOf(ctx, log, s)), nil
}

// changeCursor returns the position from which to watch a page of a snapshot. unlike are
// leads that the page has left out because of newer versions.
func (op *operation) changeCursor(ctx context.Context, q leadsQuery, s *catalogue.Snapshot, rows []*lead.Lead, unlike []string) (string, error) {
	log, err := op.options.Changes.Log(ctx)
	if err != nil {
		return "", err
	}
	var imprint lead.Imprint
	for _, row := range rows {
		newest := op.truth.Newest(row, q.filter)
		if newest != row && (newest == nil || !imprint.Equal(newest, row, op.truth.Parts())) {
			unlike = append(unlike, row.ID)
		}
	}
	at := placeOf(ctx, log, s)
	log.Unsettle(unlike)
	view := op.viewOf(ctx, log, q.filter)
	return view.Cursor(at, s.AsOf()), nil
}

// ofRevision says what an answer depends on that comes from the catalogue alone.
type ofRevision struct {
	timed    bool // it tells when the leads were read
	personal bool // it shows personal data, or what a filter by personal data finds
}

// revisionOnly reports whether a query may be answered from the catalogue alone, and by
// nothing but the revision and when that was read.
func (op *operation) revisionOnly(request *graphql.OperationContext) (of ofRevision, only bool) {
	for _, field := range rootFields(op.schema, request) {
		switch field.Name {
		case "leads", "leadStats", "__typename":
		default:
			return of, false
		}
	}
	only = op.alone && !op.options.ExposeCost
	seen := map[string]bool{}
	var walk func(ast.SelectionSet)
	walk = func(set ast.SelectionSet) {
		for _, selected := range set {
			switch selected := selected.(type) {
			case *ast.Field:
				switch selected.Definition.Type.Name() {
				case "ChangeCursor":
					only = false
				case "Cursor", "Freshness":
					of.timed = true
				}
				of.timed = of.timed || selected.Name == "asOf" || selected.Name == "revision"
				of.personal = of.personal || selected.Definition.Directives.ForName("pii") != nil || selected.Arguments.ForName("filter") != nil
				walk(selected.SelectionSet)
			case *ast.InlineFragment:
				walk(selected.SelectionSet)
			case *ast.FragmentSpread:
				if !seen[selected.Name] {
					seen[selected.Name] = true
					walk(request.Doc.Fragments.ForName(selected.Name).SelectionSet)
				}
			}
		}
	}
	walk(request.Operation.SelectionSet)
	return of, only
}

// state names all that an answer from a snapshot depends on besides the request.
func (op *operation) state(all allLeads, of ofRevision) string {
	o := op.options
	state := fmt.Sprint(all.Name(), all.Unreadable(), op.seesPII, o.MaskPII, o.Version, o.Pages, " ", op.caller)
	if of.timed {
		state += fmt.Sprint(" ", all.AsOf().UnixNano(), all.age)
	}
	return state
}

// tellState tells the transport what the answer has shown, if that was one revision and
// nothing else.
func (op *operation) tellState(ctx context.Context, request *graphql.OperationContext, response *graphql.Response) {
	if !transport.Validated(ctx) || len(response.Errors) > 0 || len(response.Extensions) > 0 || op.whole != nil {
		return
	}
	of, only := op.revisionOnly(request)
	if !only || op.shown.Load() == nil || !op.truth.Simple() {
		return
	}
	op.mu.Lock()
	plan, tenants := op.spent.Plan, op.tenants
	op.mu.Unlock()
	if tenants || !slices.Equal(plan, []string{lookup.PlanCatalogue}) { // a page or a lookup was read
		return
	}
	if all, err := op.snapshot(); err == nil {
		transport.Shows(ctx, op.state(all, of), of.personal && op.seesPII)
	}
}

// presentState is transport.Options.State. It reads all leads if a query would.
func presentState(o *Options, schema *ast.Schema) func(context.Context, *graphql.OperationContext) (string, bool) {
	return func(ctx context.Context, request *graphql.OperationContext) (string, bool) {
		ctx = graphql.WithOperationContext(ctx, request)
		op := operationOf(withOperation(ctx, schema, o, nil))
		of, only := op.revisionOnly(request)
		if !only {
			return "", false
		}
		all, err := waiting(ctx, op.snapshot)
		if err != nil || op.stale || !op.truth.Simple() {
			return "", false
		}
		return op.state(all, of), of.personal && op.seesPII
	}
}
