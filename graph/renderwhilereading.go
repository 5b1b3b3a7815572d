package graph

import (
	"context"
	"errors"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"leadgraph/graph/pagination"
	"leadgraph/graph/projection"
	"leadgraph/lead"
)

// renderWhileReading answers the field leads, if it is a page of the platform's
// own order, without holding its leads: each is rendered as soon as it is read.
// The resolver answers everything else.
func renderWhileReading(schema *ast.Schema, projector *projection.Projector) graphql.FieldMiddleware {
	return func(ctx context.Context, next graphql.Resolver) (any, error) {
		field := graphql.GetFieldContext(ctx)
		if field.Object != schema.Query.Name || field.Field.Name != "leads" {
			return next(ctx)
		}
		filter, _ := field.Args["filter"].(*lead.Filter)
		orders, _ := field.Args["orderBy"].([]*lead.Order)
		op := operationOf(ctx)
		if filter != nil || len(orders) > 0 || op.options.CatalogueOnly || !op.alone {
			return next(ctx) // leads that others show must be compared; do not parse the query twice
		}
		q, err := op.windowOf(ctx, field.Args)
		if err != nil {
			return nil, err
		}
		window, err := pagination.Check(q.args, q.list(), op.options.Pages)
		if err != nil {
			return nil, err
		}
		if window.FromEnd() || q.count != "" || q.watch {
			return next(ctx)
		}
		rows := projector.Rows(ctx)
		if rows == nil {
			return next(ctx)
		}
		patient, cancel := op.patience(ctx, window)
		answer, err := op.rendered(patient, q, window, rows)
		cancel()
		if errors.Is(err, projection.ErrUnplanned) || errors.Is(err, pagination.ErrNeedsWhole) {
			return next(ctx)
		}
		if err == nil {
			return answer, nil
		}
		page, err := op.instead(ctx, q, window, err)
		if err != nil {
			return nil, err
		}
		return page, nil
	}
}

// windowOf returns the query of a page without filter and order, from the
// arguments that the generated executor coerced.
func (op *operation) windowOf(ctx context.Context, args map[string]any) (leadsQuery, error) {
	first, _ := args["first"].(*int)
	last, _ := args["last"].(*int)
	after, _ := args["after"].(*string)
	before, _ := args["before"].(*string)
	return op.newLeadsQuery(ctx, pagination.Args{First: first, Last: last}, after, before, nil, nil)
}

func (op *operation) rendered(ctx context.Context, q leadsQuery, window pagination.Window, rows *projection.Rows) (graphql.Marshaler, error) {
	asOf := later(op.options.Now(), window.Since()) // before the read: the leads are at least this fresh
	of := rowFuncs[projection.Row]{projection.Row.Anchor, projection.Row.IsHole}
	result, err := readWindow(ctx, op, window, q.wants, of, func(ctx context.Context, page pagination.Page) ([]projection.Row, error) {
		leads := rows.Page(page.Size)
		begun, noted := op.options.Now(), op.truth.Memory().Page(q.parts)
		defer noted.Done()
		err := op.options.Leads.EachLead(ctx, page.Number, page.Size, q.parts, leads.Reset,
			func(l *lead.Lead) error {
				if l == nil {
					leads.AddHole()
					return nil
				}
				l.AsOf = begun
				noted.Read(l)
				return leads.Add(op.visible(l))
			})
		return leads.Rows(), err
	})
	if err != nil {
		return nil, err
	}
	result.AsOf = asOf
	cursor := func(i int) string { return op.options.Cursors.Text(result.Cursor(i), op.caller) }
	return rows.Connection(result.Rows, cursor, projection.About{
		Info: pageInfo(op, result), Unreadable: result.Unreadable, AsOf: asOf.Truncate(time.Millisecond), Age: lead.AgeFresh,
	})
}
