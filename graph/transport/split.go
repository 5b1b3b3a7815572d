package transport

import (
	"encoding/json"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// shape lists the fields of an object and says which are deferred.
type shape []shapeField

type shapeField struct {
	key string // in the response
	// labels are the labels of the deferred fragments that contain the field;
	// the first fragment delivers it. There are none if the field is also
	// selected outside of them.
	labels []string
	below  shape // nil if nothing is deferred there
}

// piece is what one deferred fragment adds to one object of the response.
type piece struct {
	id     string // empty until announced
	path   ast.Path
	label  string
	keys   []string
	data   jsonObject
	errors gqlerror.List
	// extensions are those of the response that delivers the piece.
	extensions map[string]any
	nested     []*piece
}

// shaper finds shapes in a document that still has @defer.
type shaper struct {
	op     *graphql.OperationContext
	schema *ast.Schema
}

// shape returns nil if nothing is deferred in the object or below it.
func (s shaper) shape(definition *ast.Definition, selections ast.SelectionSet) shape {
	satisfied := []string{definition.Name}
	for _, abstract := range s.schema.GetImplements(definition) {
		satisfied = append(satisfied, abstract.Name)
	}
	var of shape
	deferred := false
	for _, field := range graphql.CollectFields(s.op, selections, satisfied) {
		f := shapeField{key: field.Alias}
		if field.IsDeferred() {
			for _, fragment := range field.Deferrables {
				f.labels = append(f.labels, fragment.Label)
			}
		}
		if object := s.object(field.Definition.Type.Name()); object != nil {
			f.below = s.shape(object, field.Selections)
		}
		deferred = deferred || f.labels != nil || f.below != nil
		of = append(of, f)
	}
	if !deferred {
		return nil
	}
	return of
}

// object returns the object type of a field's values. It returns nil if there
// may be several: the response does not say which type an object has, so its
// deferred fields are sent with the rest.
func (s shaper) object(name string) *ast.Definition {
	definition := s.schema.Types[name]
	if definition.IsAbstractType() {
		if possible := s.schema.GetPossibleTypes(definition); len(possible) == 1 {
			return possible[0]
		}
		return nil
	}
	if definition.Kind != ast.Object {
		return nil
	}
	return definition
}

// only returns the shape of an object that has only these fields, none of them
// deferred.
func (s shape) only(keys []string) shape {
	var some shape
	deferred := false
	for _, field := range s {
		if slices.Contains(keys, field.key) {
			some = append(some, shapeField{key: field.key, below: field.below})
			deferred = deferred || field.below != nil
		}
	}
	if !deferred {
		return nil
	}
	return some
}

// undeferred returns the fields that are sent with the object.
func (s shape) undeferred() []string {
	var keys []string
	for _, field := range s {
		if field.labels == nil {
			keys = append(keys, field.key)
		}
	}
	return keys
}

// pieces returns what the deferred fragments of an object at path add to it,
// without data. Fragments without a label are one piece.
func (s shape) pieces(path ast.Path) []*piece {
	var own []*piece
	for _, field := range s {
		for i, label := range field.labels {
			p := labelled(own, label)
			if p == nil {
				p = &piece{path: path, label: label, data: jsonObject{'{'}}
				own = append(own, p)
			}
			if i == 0 {
				p.keys = append(p.keys, field.key)
			}
		}
	}
	return own
}

func labelled(pieces []*piece, label string) *piece {
	for _, p := range pieces {
		if p.label == label {
			return p
		}
	}
	return nil
}

// cut removes the deferred fields from a value of this shape at path. It keeps
// values of another shape, such as null.
func (s shape) cut(value []byte, path ast.Path) (kept []byte, pieces []*piece) {
	if s == nil || len(value) == 0 {
		return value, nil
	}
	var elements []json.RawMessage
	var fields map[string]json.RawMessage
	switch {
	case value[0] == '[' && json.Unmarshal(value, &elements) == nil:
		return s.cutList(elements, path)
	case value[0] == '{' && json.Unmarshal(value, &fields) == nil:
		return s.cutObject(fields, path)
	}
	return value, nil
}

func (s shape) cutList(elements []json.RawMessage, path ast.Path) (kept []byte, pieces []*piece) {
	kept = []byte{'['}
	for i, element := range elements {
		rest, cut := s.cut(element, append(slices.Clip(path), ast.PathIndex(i)))
		if i > 0 {
			kept = append(kept, ',')
		}
		kept, pieces = append(kept, rest...), append(pieces, cut...)
	}
	return append(kept, ']'), pieces
}

func (s shape) cutObject(fields map[string]json.RawMessage, path ast.Path) (kept []byte, pieces []*piece) {
	rest, own := jsonObject{'{'}, s.pieces(path)
	for _, field := range s {
		value, below := field.below.cut(fields[field.key], append(slices.Clip(path), ast.PathName(field.key)))
		if field.labels == nil {
			rest, pieces = rest.raw(field.key, value), append(pieces, below...)
			continue
		}
		p := labelled(own, field.labels[0])
		p.data, p.nested = p.data.raw(field.key, value), append(p.nested, below...)
	}
	for _, p := range own {
		p.data = append(p.data, '}')
	}
	return append(rest, '}'), append(own, pieces...)
}

// share gives each piece the errors of its fields and returns the other errors.
func share(errs gqlerror.List, pieces []*piece) (rest gqlerror.List) {
	for _, err := range errs {
		if p := owner(pieces, err.Path); p != nil {
			p.errors = append(p.errors, err)
		} else {
			rest = append(rest, err)
		}
	}
	return rest
}

func owner(pieces []*piece, path ast.Path) *piece {
	for _, p := range pieces {
		at := len(p.path)
		if at >= len(path) || !slices.Equal(p.path, path[:at]) {
			continue
		}
		if key, ok := path[at].(ast.PathName); !ok || !slices.Contains(p.keys, string(key)) {
			continue
		}
		if deeper := owner(p.nested, path); deeper != nil {
			return deeper
		}
		return p
	}
	return nil
}
