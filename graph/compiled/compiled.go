// Package compiled turns documents that only look up single tenants into programs, which
// need neither the generated executor nor another walk through the document.
//
// Such a document has root fields "lead" and nothing that depends on more of a request
// than the tenants: no directives, no other arguments, no other variables. Everything
// else is not covered, and neither is a document that is not valid, not within the
// limits or not cached yet.
package compiled

import (
	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"leadgraph/graph/limits"
	"leadgraph/graph/projection"
	"leadgraph/graph/scalar"
	"leadgraph/lead"
)

// Program is a compiled operation. It is safe for concurrent use.
type Program struct {
	// Operation is the definition in the document.
	Operation *ast.OperationDefinition
	// Fields are the root fields in the order of the answer.
	Fields []Field
	// Parts are the parts of a lead that the fields show or decide by.
	Parts lead.Parts
	// Personal reports whether a field shows personal data.
	Personal bool

	variables int // the number of declared ones
	cost      limits.Cost
	lookups   int // that the cost is for
}

// Field is a root field of a program.
type Field struct {
	graphql.CollectedField
	*projection.Field
	// Prefix is the text of the answer before the value.
	Prefix string

	tenant   string // of a literal, in lower case
	variable string // that holds the tenant, if there is no literal
}

// Bind returns the tenant of each field, in lower case. It reports false if a variable
// has no value or a malformed one, or if there are others.
func (p *Program) Bind(variables map[string]any) (tenants []string, ok bool) {
	if len(variables) != p.variables {
		return nil, false
	}
	tenants = make([]string, len(p.Fields))
	for i, field := range p.Fields {
		if tenants[i] = field.tenant; field.variable == "" {
			continue
		}
		var err error
		if tenants[i], err = scalar.UnmarshalUUID(variables[field.variable]); err != nil {
			return nil, false
		}
	}
	return tenants, true
}

// Cost returns the most that the program can cost if it looks up so many distinct
// tenants.
func (p *Program) Cost(tenants int) limits.Cost {
	cost := p.cost
	cost.UpstreamCalls = cost.UpstreamCalls / p.lookups * tenants
	return cost
}

// compiler compiles one operation.
type compiler struct {
	Options
	op        *graphql.OperationContext
	variables ast.VariableDefinitionList
}

// compile returns nil if the operation is not covered.
func (c compiler) compile() *Program {
	set := c.op.Operation.SelectionSet
	if c.op.Operation.Operation != ast.Query || len(c.op.Operation.Directives) > 0 || c.directs(set) {
		return nil
	}
	root := c.Schema.Query.Name
	p := &Program{Operation: c.op.Operation, variables: len(c.variables)}
	used, tenants := map[string]bool{}, map[string]bool{}
	for i, selected := range graphql.CollectFields(c.op, set, []string{root}) {
		field, ok := c.field(selected)
		if !ok {
			return nil
		}
		if field.Prefix = `,"` + selected.Alias + `":`; i == 0 {
			field.Prefix = `{"` + selected.Alias + `":`
		}
		if used[field.variable] = true; field.variable != "" {
			tenants["$"+field.variable] = true
		} else {
			tenants[field.tenant] = true
		}
		p.Fields = append(p.Fields, field)
		p.Parts |= c.PartsOf(c.op, selected)
	}
	for _, variable := range c.variables {
		if !used[variable.Variable] || variable.DefaultValue != nil || variable.Type.String() != "UUID!" || len(variable.Directives) > 0 {
			return nil
		}
	}
	p.lookups, p.Personal = len(tenants), c.personal(set)
	p.cost = limits.Estimate(c.Schema, c.op.Operation, c.op.Doc.Fragments, distinct(c.variables), c.Rates, c.Budget)
	if p.lookups == 0 || p.cost.Exceeds(c.Budget) != nil {
		return nil
	}
	return p
}

// distinct gives each variable another value, so that the estimate is that of as many
// tenants as possible.
func distinct(variables ast.VariableDefinitionList) map[string]any {
	values := make(map[string]any, len(variables))
	for _, variable := range variables {
		values[variable.Variable] = "$" + variable.Variable
	}
	return values
}

// field compiles a root field. It reports false if the field is not covered.
func (c compiler) field(selected graphql.CollectedField) (field Field, ok bool) {
	if selected.Name != "lead" || len(selected.Arguments) != 1 || selected.Arguments[0].Name != "tenantId" {
		return field, false
	}
	switch value := selected.Arguments[0].Value; value.Kind {
	case ast.Variable:
		field.variable = value.Raw
	case ast.StringValue:
		var err error
		if field.tenant, err = scalar.UnmarshalUUID(value.Raw); err != nil {
			return field, false
		}
	default:
		return field, false
	}
	field.CollectedField, field.Field = selected, c.Projector.Field(c.op, selected)
	return field, field.Field != nil
}

// directs reports whether a directive decides about a part of the selections.
func (c compiler) directs(set ast.SelectionSet) bool {
	return c.any(set, func(selected ast.Selection) bool {
		switch selected := selected.(type) {
		case *ast.Field:
			return len(selected.Directives) > 0
		case *ast.InlineFragment:
			return len(selected.Directives) > 0
		case *ast.FragmentSpread:
			return len(selected.Directives)+len(c.op.Doc.Fragments.ForName(selected.Name).Directives) > 0
		}
		return true
	})
}

// personal reports whether the selections show personal data.
func (c compiler) personal(set ast.SelectionSet) bool {
	return c.any(set, func(selected ast.Selection) bool {
		field, is := selected.(*ast.Field)
		return is && field.Definition != nil && field.Definition.Directives.ForName("pii") != nil
	})
}

// any reports whether something is true of a selection at any depth. It looks at each
// fragment once, however often it is spread.
func (c compiler) any(set ast.SelectionSet, is func(ast.Selection) bool) bool {
	seen := map[string]bool{}
	var walk func(ast.SelectionSet) bool
	walk = func(set ast.SelectionSet) bool {
		for _, selected := range set {
			if is(selected) {
				return true
			}
			var inner ast.SelectionSet
			switch selected := selected.(type) {
			case *ast.Field:
				inner = selected.SelectionSet
			case *ast.InlineFragment:
				inner = selected.SelectionSet
			case *ast.FragmentSpread:
				if !seen[selected.Name] {
					seen[selected.Name] = true
					inner = c.op.Doc.Fragments.ForName(selected.Name).SelectionSet
				}
			}
			if walk(inner) {
				return true
			}
		}
		return false
	}
	return walk(set)
}

// weight returns about how many bytes a program holds.
func (p *Program) weight() int {
	const ofProgram, ofField = 1 << 10, 512
	held := ofProgram
	for _, field := range p.Fields {
		held += ofField + field.Weight()
	}
	return held
}
