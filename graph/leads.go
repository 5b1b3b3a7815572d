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
	filter *lead.Filter
	order  lead.Order
	args   pagination.Args
	// The selections that cost something. count is the response name of the
	// count, or empty.
	count       string
	next, edges bool
	parts       lead.Parts
}

func (op *operation) newLeadsQuery(ctx context.Context, args pagination.Args, after, before *string, filter *lead.Filter, order *lead.Order) (leadsQuery, error) {
	q := leadsQuery{
		filter: filter,
		args:   args,
		next:   graphql.FieldRequested(ctx, "pageInfo.hasNextPage"),
		edges:  graphql.FieldRequested(ctx, "edges"),
		parts:  selectedParts(graphql.GetOperationContext(ctx), graphql.GetFieldContext(ctx).Field.Selections),
	}
	for _, field := range graphql.CollectFieldsCtx(ctx, []string{"LeadConnection"}) {
		if field.Name == "totalCount" {
			q.count = field.Alias
		}
	}
	if order != nil {
		q.order = *order
	}
	if err := catalogue.Validate(filter); err != nil {
		return q, err
	}
	if err := op.checkSearch(filter); err != nil {
		return q, err
	}
	var err error
	if q.args.After, err = op.openCursor("after", after); err != nil {
		return q, err
	}
	q.args.Before, err = op.openCursor("before", before)
	return q, err
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
	if q.order.Field == lead.OrderAsRead && catalogue.Empty(q.filter) {
		return pagination.List{Kind: pagination.KindUpstream}
	}
	return pagination.List{Kind: pagination.KindCatalogue, Fingerprint: catalogue.Fingerprint(q.filter, q.order)}
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
	if tenants, ok := catalogue.TenantsOnly(q.filter); ok {
		return op.ofTenants(ctx, q, window, tenants)
	}
	needed := list.Kind == pagination.KindCatalogue || window.FromEnd() || op.options.CatalogueOnly
	if needed || q.count != "" {
		snapshot, err := op.snapshotSince(ctx, window.Since())
		if err == nil {
			return op.cut(q, window, snapshot), nil
		}
		if needed {
			return nil, err
		}
		// The page itself can still be read; only the count is missing.
		graphql.AddError(graphql.WithPathContext(ctx, graphql.NewPathWithField(q.count)), err)
	}
	asOf := later(op.options.Now(), window.Since()) // taken before the read, so the leads are at least this fresh
	result, err := readWindow(ctx, op, window, q.next, rowFuncs[*lead.Lead]{anchor, isHole}, func(ctx context.Context, page pagination.Page) ([]*lead.Lead, error) {
		return op.options.Leads.LeadsPage(ctx, page.Number, page.Size, q.parts)
	})
	if errors.Is(err, pagination.ErrNeedsWhole) {
		snapshot, err := op.snapshotSince(ctx, window.Since())
		if err != nil {
			return nil, err
		}
		return op.cut(q, window, snapshot), nil
	}
	if err != nil {
		return nil, err
	}
	return op.show(q, result, asOf), nil
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
	ctx context.Context, op *operation, window pagination.Window, next bool,
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
		reads, ctx := errgroup.WithContext(ctx)
		reads.SetLimit(pagesInFlight)
		for i, page := range pages {
			reads.Go(func() (err error) {
				defer func() { // a panic here would end the process and print data of leads
					if value := recover(); value != nil {
						err = graphql.GetOperationContext(ctx).Recover(ctx, value)
					}
				}()
				weight := int64(min(page.Size, rowsInFlight))
				if err := op.inFlight.Acquire(ctx, weight); err != nil {
					return err
				}
				defer op.inFlight.Release(weight)
				rows[i], err = read(ctx, page)
				op.spend(lookup.Report{UpstreamCalls: 1, Rows: len(rows[i]), Plan: planWindow})
				return err
			})
		}
		return rows, crowded(ctx, reads.Wait())
	}
	result, err := source.Read(window, next)
	if err == nil && result.AllHoles {
		return result, &lead.SourceError{Kind: lead.FailureBadResponse, Err: errNoneReadable} // this is not a platform without leads
	}
	return result, err
}

var errNoneReadable = errors.New("none of the platform's rows could be read")

// cut takes the page from a snapshot.
func (op *operation) cut(q leadsQuery, window pagination.Window, snapshot *catalogue.Snapshot) *generated.LeadConnection {
	view := snapshot.Select(q.filter, q.order)
	total := view.Total()
	c := op.show(q, pagination.Cut(window, view), later(snapshot.AsOf(), window.Since()))
	c.TotalCount, c.Unreadable = &total, snapshot.Unreadable()
	return c
}

// show returns a page as a Relay connection. It makes edges and their cursors
// only if they are selected.
func (op *operation) show(q leadsQuery, result pagination.Result[*lead.Lead], asOf time.Time) *generated.LeadConnection {
	result.AsOf = asOf
	c := &generated.LeadConnection{
		Nodes:    op.visibleAll(result.Rows),
		AsOf:     asOf.Truncate(time.Millisecond),
		PageInfo: pageInfo(op, result),

		Unreadable: result.Unreadable,
	}
	if q.edges {
		c.Edges = make([]*generated.LeadEdge, len(result.Rows))
		for i, row := range c.Nodes {
			c.Edges[i] = &generated.LeadEdge{Cursor: op.options.Cursors.Text(result.Cursor(i), op.caller), Node: row}
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
