package graph

import (
	"context"
	"errors"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"leadgraph/graph/export"
	"leadgraph/graph/pagination"
	"leadgraph/graph/projection"
	"leadgraph/internal/errcode"
	"leadgraph/lead"
	"leadgraph/lead/catalogue"
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

// supplyExports answers the field leads of an export: it finds the leads and leaves them to
// the export, which renders them once the operation is done. The resolver answers all
// other operations.
func supplyExports(schema *ast.Schema, projector *projection.Projector) graphql.FieldMiddleware {
	return func(ctx context.Context, next graphql.Resolver) (any, error) {
		field := graphql.GetFieldContext(ctx)
		to := export.Of(ctx)
		if to == nil || field.Object != schema.Query.Name || field.Field.Name != "leads" {
			return next(ctx)
		}
		filter, _ := field.Args["filter"].(*lead.Filter)
		orders, _ := field.Args["orderBy"].([]*lead.Order)
		return nil, operationOf(ctx).supply(ctx, to, projector, filter, orders)
	}
}

// supply gives an export the leads of one revision, as the catalogue has them: newer
// versions that the server has read since belong to a later one.
func (op *operation) supply(ctx context.Context, to *export.Export, projector *projection.Projector, filter *lead.Filter, orderBy []*lead.Order) error {
	filter, err := op.allowedFilter(filter)
	if err != nil {
		return err
	}
	orders, err := checkedOrders(orderBy)
	if err != nil {
		return err
	}
	after, err := to.Place(op.options.Cursors, op.caller, catalogue.Fingerprint(filter, orders...), op.seesPII)
	if err != nil {
		return err
	}
	all, err := op.revision(ctx, after)
	if err != nil {
		return err
	}
	rows := projector.Rows(context.WithoutCancel(ctx)) // they are rendered when the operation is over
	if rows == nil {
		return &gqlerror.Error{Message: "fields: too many for one export.", Extensions: map[string]any{"code": errcode.TooComplex}}
	}
	var expires time.Time
	if op.options.Expires != nil {
		expires = op.options.Expires(ctx)
	}
	page, view := rows.Page(1), all.Select(filter, orders...)
	to.Supply(export.Source{
		Leads: view.Slice(0, view.Total()), AsOf: all.AsOf(), Age: all.age, Unreadable: all.Unreadable(), Revision: all.Name(), Expires: expires,
		Render:  func(l *lead.Lead) ([]byte, error) { return page.Lead(op.visible(l)) },
		Recover: func(value any) error { return graphql.GetOperationContext(ctx).Recover(ctx, value) },
		Seal:    func(c pagination.ExportCursor) string { return op.options.Cursors.ExportText(c, op.caller) },
	})
	return nil
}

// revision returns the leads that an export begins or goes on with.
func (op *operation) revision(ctx context.Context, after *pagination.ExportCursor) (allLeads, error) {
	all, err := waiting(ctx, func() (allLeads, error) {
		all, err := op.snapshot()
		if err != nil || after == nil {
			return all, err
		}
		return op.newer(ctx, all, after.AsOf) // another replica may be ahead
	})
	if err == nil && after != nil && all.Name() != (catalogue.Revision{Log: after.Log, Number: after.Revision, Tag: after.Tag}) {
		err = export.ErrGone
	}
	return all, err
}
