package coercion

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"leadgraph/graph/scalar"
)

const (
	notInt     = "must be a 32-bit integer."
	notFloat   = "must be a finite number."
	notString  = "must be a string."
	notBoolean = "must be true or false."
	notID      = "must be a string or an integer."
	notJSON    = "must be a JSON value."
)

// scalar coerces a value of a JSON document to a scalar. As in JavaScript, a
// number is an integer if its value is: 1.0 and 1e3 are, and 1e400 is infinite.
func (c coercion) scalar(at, name string, value any) (any, []*Fault) {
	switch name {
	case "Int":
		number, ok := value.(json.Number)
		if whole, isWhole := integer(number); ok && isWhole && math.MinInt32 <= whole && whole <= math.MaxInt32 {
			return int64(whole), nil
		}
		return nil, c.fault(at, notInt)
	case "Float":
		if number, ok := value.(json.Number); ok {
			if f, err := number.Float64(); err == nil {
				return f, nil
			}
		}
		return nil, c.fault(at, notFloat)
	case "Boolean":
		if truth, ok := value.(bool); ok {
			return truth, nil
		}
		return nil, c.fault(at, notBoolean)
	case "ID":
		switch value := value.(type) {
		case string:
			return value, nil
		case json.Number:
			if whole, isWhole := integer(value); isWhole {
				return idText(value.String(), whole), nil
			}
		}
		return nil, c.fault(at, notID)
	case "_Any": // judged where it is used
		return value, nil
	default:
		text, ok := value.(string)
		return c.text(at, name, text, ok)
	}
}

// scalarLiteral coerces a scalar that is written in the document. There 1.0 is not
// an integer, and only a quoted text is a string.
func (c coercion) scalarLiteral(at, name string, value *ast.Value) (any, []*Fault) {
	quoted := value.Kind == ast.StringValue || value.Kind == ast.BlockValue
	switch name {
	case "Int":
		if whole, err := strconv.ParseInt(value.Raw, 10, 32); err == nil && value.Kind == ast.IntValue {
			return whole, nil
		}
		return nil, c.fault(at, notInt)
	case "Float":
		if value.Kind == ast.IntValue || value.Kind == ast.FloatValue {
			f, _ := strconv.ParseFloat(value.Raw, 64) // infinite if out of range, as in graphql-js
			return f, nil
		}
		return nil, c.fault(at, notFloat)
	case "Boolean":
		if value.Kind == ast.BooleanValue {
			return value.Raw == "true", nil
		}
		return nil, c.fault(at, notBoolean)
	case "ID":
		if quoted || value.Kind == ast.IntValue {
			return value.Raw, nil
		}
		return nil, c.fault(at, notID)
	case "_Any":
		known, err := value.Value(c.variables)
		if err != nil {
			return nil, c.fault(at, notJSON)
		}
		return known, nil
	default:
		return c.text(at, name, value.Raw, quoted)
	}
}

// text coerces a text to a scalar whose values are texts.
func (c coercion) text(at, name, text string, isText bool) (any, []*Fault) {
	var err error
	switch name {
	case "UUID":
		text, err = scalar.UnmarshalUUID(given(text, isText))
	case "DateTime":
		_, err = scalar.UnmarshalDateTime(given(text, isText))
	case "CountryCode":
		text, err = scalar.UnmarshalCountryCode(given(text, isText))
	case "TimeZone":
		_, err = scalar.UnmarshalTimeZone(given(text, isText))
	default:
		if !isText {
			return nil, c.fault(at, notString)
		}
	}
	if err != nil {
		return nil, c.fault(at, err.Error()+".")
	}
	return text, nil
}

// given returns a text for a scalar's own function, or nil, which none accepts.
func given(text string, isText bool) any {
	if !isText {
		return nil
	}
	return text
}

// integer returns the value of a number, and whether it is a finite integer.
func integer(number json.Number) (float64, bool) {
	f, err := number.Float64()
	return f, err == nil && f == math.Trunc(f)
}

// idText returns the text of an integer that is an ID. It keeps all digits, where
// JavaScript rounds large numbers.
func idText(written string, value float64) string {
	if value == 0 {
		return "0"
	}
	if !strings.ContainsAny(written, ".eE") {
		return written
	}
	return strconv.FormatFloat(value, 'f', -1, 64)
}
