package graph

import (
	"context"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"golang.org/x/sync/errgroup"

	"leadgraph/graph/generated"
	"leadgraph/graph/pagination"
	"leadgraph/lead"
)

// window answers a page of all leads in the platform's own order, with the
// fewest reads that hold it.
func (r *Resolver) window(ctx context.Context, first *int, after *string, last *int, before *string) (*generated.LeadConnection, error) {
	args := pagination.Args{First: first, Last: last}
	var err error
	if args.After, err = parseCursor("after", after); err != nil {
		return nil, err
	}
	if args.Before, err = parseCursor("before", before); err != nil {
		return nil, err
	}
	window, err := pagination.Check(args, pagination.List{Kind: pagination.KindUpstream}, r.options.Pages)
	if err != nil {
		return nil, err
	}
	asOf := r.options.Now().Truncate(time.Millisecond) // before the read: the leads are at least this fresh
	source := pagination.Source[*lead.Lead]{
		MaxSize: r.options.MaxPageSize,
		Hash:    anchor,
		Fetch: func(pages []pagination.Page) ([][]*lead.Lead, error) {
			return r.fetchPages(ctx, pages)
		},
	}
	result, err := source.Read(window, graphql.FieldRequested(ctx, "pageInfo.hasNextPage"))
	if err != nil {
		return nil, err
	}
	return connection(ctx, result, asOf), nil
}

func anchor(l *lead.Lead) uint64 { return pagination.AnchorHash(l.ID) }

func parseCursor(argument string, text *string) (*pagination.Cursor, error) {
	if text == nil {
		return nil, nil
	}
	cursor, err := pagination.ParseCursor(*text)
	if err != nil {
		return nil, &pagination.ArgumentError{Argument: argument, Reason: err.Error()}
	}
	return &cursor, nil
}

// fetchPages reads the pages of one plan, two of them at the same time.
func (r *Resolver) fetchPages(ctx context.Context, pages []pagination.Page) ([][]*lead.Lead, error) {
	rows := make([][]*lead.Lead, len(pages))
	reads, ctx := errgroup.WithContext(ctx)
	for i, page := range pages {
		reads.Go(func() (err error) {
			rows[i], err = r.options.Leads.LeadsPage(ctx, page.Number, page.Size)
			return err
		})
	}
	return rows, reads.Wait()
}

// connection shows a window as Relay wants it. Edges and their cursors are made
// only when they are selected.
func connection(ctx context.Context, result pagination.Result[*lead.Lead], asOf time.Time) *generated.LeadConnection {
	c := &generated.LeadConnection{
		Nodes: result.Rows,
		AsOf:  asOf,
		PageInfo: &generated.PageInfo{
			HasNextPage:     result.HasNextPage,
			HasPreviousPage: result.HasPreviousPage,
			StartCursor:     cursorText(result.StartCursor()),
			EndCursor:       cursorText(result.EndCursor()),
		},
	}
	if graphql.FieldRequested(ctx, "edges") {
		c.Edges = make([]*generated.LeadEdge, len(result.Rows))
		for i, row := range result.Rows {
			c.Edges[i] = &generated.LeadEdge{Cursor: result.Cursor(i).String(), Node: row}
		}
	}
	return c
}

func cursorText(c *pagination.Cursor) *string {
	if c == nil {
		return nil
	}
	text := c.String()
	return &text
}
