package graph

import (
	"context"
	"errors"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"golang.org/x/sync/errgroup"

	"leadgraph/graph/generated"
	"leadgraph/graph/pagination"
	"leadgraph/internal/admission"
	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/flight"
	"leadgraph/lead/lookup"
)

// rowsInFlight is the maximum number of rows that all operations together read
// in pages at the same time: three of the platform's largest pages. More would
// not be faster, and the memory for their responses is held until they are
// done.
const rowsInFlight = 60_000

// planWindow is the name of reading single pages in extensions.cost.
const planWindow = "window"

// leadsQuery is a query of the field leads.
type leadsQuery struct {
	filter *lead.Filter // see allowedFilter
	orders []lead.Order
	args   pagination.Args
	// The selections that cost something. count is the response name of the
	// count, or empty.
	count string
	// watch says that the position in the log of changes is selected, and name that the
	// name of the revision is.
	watch, name bool
	wants       pagination.Wants
	edges       bool
	parts       lead.Parts
}

func (op *operation) newLeadsQuery(ctx context.Context, args pagination.Args, after, before *string, filter *lead.Filter, orders []*lead.Order) (leadsQuery, error) {
	q := leadsQuery{
		args:  args,
		wants: pagination.Wants{Next: graphql.FieldRequested(ctx, "pageInfo.hasNextPage")},
		edges: graphql.FieldRequested(ctx, "edges"),
		watch: graphql.FieldRequested(ctx, "changeCursor"),
		name:  graphql.FieldRequested(ctx, "revision"),
		parts: selectedParts(graphql.GetOperationContext(ctx), graphql.GetFieldContext(ctx).Field.Selections),
	}
	q.wants.Cursors = graphql.FieldRequested(ctx, "edges.cursor") || graphql.FieldRequested(ctx, "pageInfo.startCursor") || graphql.FieldRequested(ctx, "pageInfo.endCursor")
	for _, field := range graphql.CollectFieldsCtx(ctx, []string{"LeadConnection"}) {
		if field.Name == "totalCount" {
			q.count = field.Alias
		}
	}
	var err error
	if q.orders, err = checkedOrders(orders); err != nil {
		return q, err
	}
	if q.filter, err = op.allowedFilter(filter); err != nil {
		return q, err
	}
	if q.args.After, err = op.openCursor("after", after); err != nil {
		return q, err
	}
	q.args.Before, err = op.openCursor("before", before)
	return q, err
}

// checkedOrders returns the orders of a list, once they are checked.
func checkedOrders(orders []*lead.Order) ([]lead.Order, error) {
	checked := make([]lead.Order, len(orders))
	for i, o := range orders {
		checked[i] = *o
	}
	return checked, catalogue.ValidateOrder(checked)
}

func (op *operation) openCursor(argument string, text *string) (*pagination.Cursor, error) {
	if text == nil || *text == "" { // clients send "" for the first page
		return nil, nil
	}
	cursor, err := op.options.Cursors.Open(*text, op.caller)
	if refused, ok := errors.AsType[*pagination.CursorError](err); ok {
		return nil, pagination.RefuseCursor(argument, refused)
	}
	return &cursor, err
}

// list returns the identity of the list that is paged. All leads in the
// platform's own order are one list, whether a page of it comes from the
// platform or from the catalogue: a client may select the count on one page and
// not on the next.
func (q leadsQuery) list() pagination.List {
	if len(q.orders) == 0 && catalogue.Empty(q.filter) {
		return pagination.List{Kind: pagination.KindUpstream}
	}
	return pagination.List{Kind: pagination.KindCatalogue, Fingerprint: catalogue.Fingerprint(q.filter, q.orders...)}
}

// connection answers the query in the cheapest of three ways. A filter by
// tenant alone looks up the tenants. All leads in the platform's own order are
// read in pages. Everything else is taken from the catalogue.
func (op *operation) connection(ctx context.Context, q leadsQuery) (*generated.LeadConnection, error) {
	list := q.list()
	window, err := pagination.Check(q.args, list, op.options.Pages)
	if err != nil {
		return nil, err
	}
	if tenants, ok := catalogue.TenantsOnly(q.filter); ok && !q.watch {
		q.name = false // the leads may be newer than any revision
		return op.ofTenants(ctx, q, window, tenants)
	}
	needed := list.Kind == pagination.KindCatalogue || window.FromEnd() || op.options.CatalogueOnly || q.watch
	if needed || q.count != "" {
		all, err := waiting(ctx, op.snapshot)
		if err == nil {
			return op.cut(ctx, q, window, all)
		}
		if needed {
			return nil, err
		}
		// The page itself can still be read; only the count is missing.
		graphql.AddError(graphql.WithPathContext(ctx, graphql.NewPathWithField(q.count)), err)
	}
	asOf := later(op.options.Now(), window.Since()) // taken before the read, so the leads are at least this fresh
	patient, cancel := op.patience(ctx, window)
	result, err := readWindow(patient, op, window, q.wants, rowFuncs[*lead.Lead]{anchor, isHole}, op.pageReader(q.parts))
	cancel()
	if errors.Is(err, pagination.ErrNeedsWhole) {
		all, err := waiting(ctx, op.snapshot)
		if err != nil {
			return nil, err
		}
		return op.cut(ctx, q, window, all)
	}
	if err != nil {
		return op.instead(ctx, q, window, err)
	}
	if err := op.meet(ctx); err != nil {
		return nil, err
	}
	return op.show(q, result, asOf, lead.AgeFresh), nil
}

// lastResort returns old leads for a page that cannot be read, or nil: the client limits
// their age, or has already seen newer ones.
func (op *operation) lastResort(ctx context.Context, window pagination.Window) *catalogue.Snapshot {
	if op.freshness.NoCache || op.freshness.MaxAge != nil {
		return nil
	}
	old := op.options.Catalogue.LastResort(ctx)
	if old == nil || old.AsOf().Before(window.Since()) {
		return nil
	}
	return old
}

// patience returns a context for reading a page. If old leads can answer the request, a
// fifth of its time is left for them.
func (op *operation) patience(ctx context.Context, window pagination.Window) (context.Context, context.CancelFunc) {
	if op.lastResort(ctx, window) == nil {
		return ctx, func() {}
	}
	return flight.Patient(ctx)
}

// instead takes a page that could not be read from old leads, or returns the error. It
// does not hide that the platform denied access.
func (op *operation) instead(ctx context.Context, q leadsQuery, window pagination.Window, err error) (*generated.LeadConnection, error) {
	_, failed := errors.AsType[*lead.SourceError](err)
	if ctx.Err() != nil || !failed && !errors.Is(err, context.DeadlineExceeded) || lead.Denied(err) {
		return nil, err
	}
	old := op.lastResort(ctx, window)
	if old == nil {
		return nil, err
	}
	op.options.Logger.WarnContext(ctx, "page failed: old leads are served", "error", err)
	if shown := op.only(old); !shown.AsOf().Before(window.Since()) {
		old = shown
	}
	op.markStale(ctx)
	op.noteAge(lead.AgeStale, old.AsOf())
	op.truth.Catalogue(old)
	return op.cut(ctx, q, window, allLeads{old, lead.AgeStale})
}

// pageReader returns a function that reads pages and notes their leads. If other
// fields show leads, it reads the parts that they show, too.
func (op *operation) pageReader(parts lead.Parts) func(context.Context, pagination.Page) ([]*lead.Lead, error) {
	if !op.alone {
		parts |= op.truth.Parts()
	}
	return func(ctx context.Context, page pagination.Page) ([]*lead.Lead, error) {
		begun := op.options.Now()
		leads, err := op.options.Leads.LeadsPage(ctx, page.Number, page.Size, parts)
		noted := op.truth.Memory().Page(parts)
		defer noted.Done()
		for _, l := range leads {
			if l != nil {
				l.AsOf = begun
				noted.Read(l)
			}
		}
		op.truth.Read(leads)
		return leads, err
	}
}

func anchor(l *lead.Lead) uint64 { return lead.AnchorHash(l.ID) }

func pageCut(err error) bool { return errors.Is(err, lead.ErrPageCut) }

func isHole(l *lead.Lead) bool { return l == nil }

// rowFuncs are the functions of a pagination.Source.
type rowFuncs[T any] struct {
	hash func(T) uint64
	hole func(T) bool
}

// pagesInFlight is the number of pages that are read concurrently for a window.
const pagesInFlight = 4

// readWindow reads a window of the platform's own order in pages.
func readWindow[T any](
	ctx context.Context, op *operation, window pagination.Window, wants pagination.Wants,
	of rowFuncs[T], read func(context.Context, pagination.Page) ([]T, error),
) (pagination.Result[T], error) {
	source := pagination.Source[T]{MaxSize: op.options.MaxPageSize, Cut: pageCut, Hash: of.hash, Hole: of.hole}
	source.Fetch = func(pages []pagination.Page) ([][]T, error) {
		rows := make([][]T, len(pages))
		slot := admission.Of(ctx)
		slot.Away() // what computes while it reads has a token of its own
		defer slot.Back(ctx)
		ctx, done := slot.Calling(ctx)
		defer done()
		one := func(ctx context.Context, i int) (err error) {
			defer func() { // a panic here would end the process and print data of leads
				if value := recover(); value != nil {
					err = graphql.GetOperationContext(ctx).Recover(ctx, value)
				}
			}()
			weight := int64(min(pages[i].Size, rowsInFlight))
			if err := op.inFlight.Acquire(ctx, weight); err != nil {
				return err
			}
			defer op.inFlight.Release(weight)
			rows[i], err = read(ctx, pages[i])
			op.spend(lookup.Report{UpstreamCalls: 1, Rows: len(rows[i]), Plan: planWindow})
			return err
		}
		if len(pages) == 1 { // the usual case: a new goroutine's stack would have to grow first
			return rows, crowded(ctx, one(ctx, 0))
		}
		reads, ctx := errgroup.WithContext(ctx)
		reads.SetLimit(pagesInFlight)
		for i := range pages {
			reads.Go(func() error { return one(ctx, i) })
		}
		return rows, crowded(ctx, reads.Wait())
	}
	result, err := source.Read(window, wants)
	if err == nil && result.AllHoles {
		return result, &lead.SourceError{Kind: lead.FailureBadResponse, Err: errNoneReadable} // this is not a platform without leads
	}
	return result, err
}

var errNoneReadable = errors.New("none of the platform's rows could be read")

// cut takes the page from a snapshot, once the other fields have read their leads. It
// leaves out leads that are gone since, or no longer match. The count is that of the
// snapshot, like all counts.
func (op *operation) cut(ctx context.Context, q leadsQuery, window pagination.Window, all allLeads) (*generated.LeadConnection, error) {
	if err := op.meet(ctx); err != nil {
		return nil, err
	}
	view := all.Select(q.filter, q.orders...)
	total := view.Total()
	unlike := op.truth.Unlike(all.Snapshot, q.filter)
	if len(unlike) > 0 {
		view = view.Without(unlike)
	}
	result := pagination.Cut(window, view)
	c := op.show(q, result, later(all.AsOf(), window.Since()), all.age)
	c.TotalCount, c.Unreadable = &total, all.Unreadable()
	if q.watch {
		var err error
		if c.ChangeCursor, err = op.changeCursor(ctx, q, all.Snapshot, result.Rows, unlike); err != nil {
			return nil, err
		}
	}
	if q.name {
		var err error
		if c.Revision, err = op.revisionOf(ctx, all.Snapshot); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// show returns a page as a Relay connection, with the newest versions of its leads. It
// makes edges and their cursors only if they are selected. Cursors hold the place of
// the version that the page was cut from.
func (op *operation) show(q leadsQuery, result pagination.Result[*lead.Lead], asOf time.Time, age lead.Age) *generated.LeadConnection {
	result.AsOf = asOf
	c := &generated.LeadConnection{
		Nodes:     make([]*lead.Lead, 0, len(result.Rows)),
		AsOf:      asOf.Truncate(time.Millisecond),
		Freshness: age,
		PageInfo:  pageInfo(op, result),

		Unreadable: result.Unreadable,
	}
	for i, row := range result.Rows {
		newest := op.truth.Newest(row, q.filter)
		if newest == nil {
			continue // it was removed or changed while the page was read
		}
		node := op.visible(newest)
		c.Nodes = append(c.Nodes, node)
		if q.edges {
			c.Edges = append(c.Edges, &generated.LeadEdge{Cursor: op.options.Cursors.Text(result.Cursor(i), op.caller), Node: node})
		}
	}
	return c
}

func pageInfo[T any](op *operation, result pagination.Result[T]) *generated.PageInfo {
	return &generated.PageInfo{
		HasNextPage:     result.HasNextPage,
		HasPreviousPage: result.HasPreviousPage,
		StartCursor:     op.sealCursor(result.StartCursor()),
		EndCursor:       op.sealCursor(result.EndCursor()),
	}
}

func (op *operation) sealCursor(c *pagination.Cursor) *string {
	if c == nil {
		return nil
	}
	text := op.options.Cursors.Text(*c, op.caller)
	return &text
}
