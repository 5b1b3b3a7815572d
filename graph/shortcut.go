package graph

import (
	"context"
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"leadgraph/graph/compiled"
	"leadgraph/graph/documents"
	"leadgraph/graph/limits"
	"leadgraph/graph/projection"
	"leadgraph/graph/transport"
	"leadgraph/graph/truth"
	"leadgraph/lead"
	"leadgraph/lead/lookup"
	"leadgraph/lead/recent"
)

// shortcut answers operations that have been compiled: those that only look up single
// tenants. It runs them on the goroutine of their request and without the generated
// executor, to the same answers, errors, limits, metrics and log lines.
type shortcut struct {
	options  *Options
	schema   *ast.Schema
	programs *compiled.Cache
	errs     presenter
}

// newShortcut returns nil without a projector.
func newShortcut(o *Options, schema *ast.Schema, projector *projection.Projector, cache documents.Cache, rates limits.Rates, errs presenter) transport.Shortcut {
	if projector == nil {
		return nil
	}
	return &shortcut{o, schema, compiled.New(compiled.Options{
		Schema: schema, Projector: projector, Documents: cache, Rates: rates, Budget: o.Budget,
		PartsOf: func(op *graphql.OperationContext, field graphql.CollectedField) lead.Parts {
			return shownParts(op, []graphql.CollectedField{field})
		},
	}), errs}
}

// Prepare implements transport.Shortcut.
func (s *shortcut) Prepare(ctx context.Context, params *graphql.RawParams) transport.Prepared {
	program := s.programs.Find(params.Query, params.OperationName)
	if program == nil || program.Personal && !s.options.SeesPII(ctx) {
		return nil
	}
	tenants, ok := program.Bind(params.Variables)
	if !ok {
		return nil
	}
	return &prepared{shortcut: s, program: program, tenants: tenants, headers: params.Headers, cost: program.Cost(distinct(tenants))}
}

func distinct(texts []string) int {
	if len(texts) == 1 {
		return 1
	}
	seen := make(map[string]struct{}, len(texts))
	for _, text := range texts {
		seen[text] = struct{}{}
	}
	return len(seen)
}

// prepared is a compiled operation with the tenants of one request.
type prepared struct {
	*shortcut
	program *compiled.Program
	tenants []string // of each field
	headers http.Header
	cost    limits.Cost
}

// Operation implements transport.Prepared.
func (p *prepared) Operation() *ast.OperationDefinition { return p.program.Operation }

// Weight implements transport.Prepared.
func (p *prepared) Weight() int { return p.cost.Weight() }

// Answer implements transport.Prepared.
func (p *prepared) Answer(ctx context.Context) *graphql.Response {
	if ctx.Err() != nil {
		return nil
	}
	op := &operation{
		schema: p.schema, options: p.options,
		seesPII: true, // or the program shows none
		alone:   len(p.program.Fields) == 1, freshness: freshness(p.headers.Values("Cache-Control")),
	}
	op.truth = truth.New(func() *recent.Memory { return p.options.Recent(ctx) }, op.alone, func() lead.Parts { return p.program.Parts })
	end := p.begin(ctx)
	errs := p.read(ctx, op)
	end(errs)
	response := &graphql.Response{}
	if !p.write(ctx, op, errs, response) {
		return nil
	}
	op.extend(response, p.cost)
	return response
}

// begin reports that the root fields are resolved from now on.
func (p *prepared) begin(ctx context.Context) (end func(errs []error)) {
	if p.options.Field == nil {
		return func([]error) {}
	}
	ends := make([]func(string), len(p.program.Fields))
	for i, field := range p.program.Fields {
		_, ends[i] = p.options.Field(ctx, field.Name)
	}
	return func(errs []error) {
		for i, end := range ends {
			end(p.errs.codeOf(errs[i]))
		}
	}
}

// read looks up the tenants and returns the error of each field.
func (p *prepared) read(ctx context.Context, op *operation) (errs []error) {
	errs = make([]error, len(p.tenants))
	found, err := waiting(ctx, func() (found []lookup.Lookup, err error) {
		defer func() {
			if value := recover(); value != nil {
				err = p.errs.recover(ctx, value)
			}
		}()
		return op.lookUp(ctx, p.tenants, op.freshness), nil
	})
	for i := range errs {
		if errs[i] = err; err == nil {
			errs[i] = found[i].Err
		}
	}
	return errs
}

// write writes the answer. It reports false if only the executor can.
func (p *prepared) write(ctx context.Context, op *operation, errs []error, response *graphql.Response) bool {
	size := 2
	for _, field := range p.program.Fields {
		size += len(field.Prefix) + field.Size()
	}
	leads := op.truth.OfTenant
	if op.alone {
		leads = op.truth.Only
	}
	w := projection.NewWriter(ctx, size+size/16)
	for i, field := range p.program.Fields {
		w.Text(field.Prefix)
		if errs[i] != nil {
			w.Text("null")
			response.Errors = append(response.Errors, p.present(ctx, field, errs[i]))
			continue
		}
		if !w.Value(field.Field, op.visible(lead.Preferred(leads(p.tenants[i])))) {
			return false
		}
	}
	w.Text("}")
	response.Data = w.Bytes()
	return true
}

// present returns what the client sees of a field's error.
func (p *prepared) present(ctx context.Context, field compiled.Field, err error) *gqlerror.Error {
	at := graphql.WithFieldContext(ctx, &graphql.FieldContext{Object: p.schema.Query.Name, Field: field.CollectedField})
	return p.errs.present(at, err)
}
