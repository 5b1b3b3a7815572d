package export

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"leadgraph/internal/errcode"
)

// body is what a client posts.
type body struct {
	// Fields is a selection on Lead, without its outer braces.
	Fields string `json:"fields"`
	// Filter and OrderBy are the arguments of the field leads.
	Filter  any `json:"filter"`
	OrderBy any `json:"orderBy"`
	// After is a cursor of an export that has ended early, and Skip the number of rows
	// after it that the client has too.
	After string `json:"after"`
	Skip  int    `json:"skip"`
	// BOM puts a byte order mark in front of CSV.
	BOM bool `json:"bom"`
}

// decode decodes a body. A misspelt filter must not be taken for none, so other members are
// refused.
func decode(text []byte) (b body, wrong *gqlerror.Error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber() // large numbers keep their digits until their type is known
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&b); err != nil || decoder.More() {
		return b, &gqlerror.Error{
			Message:    "The request body must be one JSON object with fields and, optionally, filter, orderBy, after, skip and bom.",
			Extensions: map[string]any{"code": errcode.BadUserInput},
		}
	}
	switch {
	case strings.TrimSpace(b.Fields) == "":
		return b, errcode.BadInput("fields", "must select fields of a lead, as in a GraphQL document: id status.", nil)
	case b.Skip < 0:
		return b, errcode.BadInput("skip", "must not be negative.", nil)
	case b.Skip > 0 && b.After == "":
		return b, errcode.BadInput("skip", "needs after.", nil)
	}
	return b, nil
}

// operationName is the name by which logs and metrics know an export.
const operationName = "Export"

// operation returns the operation that checks and reads what is exported. The fields begin
// on its second line.
func (b body) operation(leads *ast.FieldDefinition) *graphql.RawParams {
	params := &graphql.RawParams{OperationName: operationName, Variables: map[string]any{}}
	var declared, given []string
	for name, value := range map[string]any{"filter": b.Filter, "orderBy": b.OrderBy} {
		if value != nil {
			params.Variables[name] = value
		}
	}
	for _, name := range []string{"filter", "orderBy"} {
		declared = append(declared, "$"+name+": "+leads.Arguments.ForName(name).Type.String())
		given = append(given, name+": $"+name)
	}
	params.Query = "query " + operationName + "(" + strings.Join(declared, ", ") + ") { " +
		leads.Name + "(first: 1, " + strings.Join(given, ", ") + ") { nodes {\n" + b.Fields + "\n} } }"
	return params
}

// selection returns the fields that an operation selects on a lead, or nil if the text of
// the fields was more than that.
func selection(op *graphql.OperationContext) ast.SelectionSet {
	if len(op.Doc.Operations) != 1 || len(op.Doc.Fragments) > 0 {
		return nil
	}
	set := op.Operation.SelectionSet
	for range 2 { // leads and nodes
		field, is := only(set)
		if !is {
			return nil
		}
		set = field.SelectionSet
	}
	return set
}

func only(set ast.SelectionSet) (field *ast.Field, is bool) {
	if len(set) != 1 {
		return nil, false
	}
	field, is = set[0].(*ast.Field)
	return field, is
}

// shown returns errors about the operation as errors about the body: without the lines and
// fields that the client has not written.
func shown(errs gqlerror.List) gqlerror.List {
	for i, err := range errs {
		copied := *err
		copied.Path = inLead(err.Path)
		copied.Locations = nil
		for _, at := range err.Locations {
			if at.Line > 1 {
				copied.Locations = append(copied.Locations, gqlerror.Location{Line: at.Line - 1, Column: at.Column})
			}
		}
		if argument, ok := err.Extensions["argument"].(string); ok && strings.HasPrefix(argument, "$") {
			copied.Message = strings.TrimPrefix(err.Message, "$")
			copied.Extensions = map[string]any{"code": err.Extensions["code"], "argument": argument[1:]}
		}
		errs[i] = &copied
	}
	return errs
}

// inLead returns the path of an error below a lead.
func inLead(path ast.Path) ast.Path {
	const above = 3 // leads, nodes and the index
	if len(path) <= above {
		return nil
	}
	return path[above:]
}
