// Package operations makes GraphQL operations at random. Each operation carries
// the checks by which the oracle judges the answer.
package operations

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"leadgraph/test/soak/oracle"
)

// part is one root field and the check of its value.
type part struct {
	oracle.Check
	// text writes the field. It declares the arguments as variables.
	text func(v *variables, deferred bool) string
}

// Operation is what a client asks for.
type Operation struct {
	Kind      string
	Document  string
	Variables oracle.Object
	Deferred  bool
	parts     []part
	also      func(*oracle.Judge) // judges the answer as a whole; nil for nothing more
	bad       bool                // leadgraph must refuse it as bad input
}

// variables collects the arguments of an operation.
type variables struct {
	declared []string
	values   oracle.Object
	random   *rand.Rand // decides between spellings; nil always declares a variable
}

// one returns true once in n times, and never if nothing is left to chance.
func (v *variables) one(n int) bool { return v.random != nil && v.random.IntN(n) == 0 }

// add declares a variable and returns its name. Rarely it returns the value as a
// literal instead.
func (v *variables) add(kind string, value any) string {
	if v.one(10) {
		return literalOf("", value)
	}
	name := fmt.Sprintf("v%d", len(v.declared))
	v.declared = append(v.declared, "$"+name+": "+kind)
	v.values[name] = value
	return "$" + name
}

// newOperation joins parts. A deferred operation defers all parts except the
// first one, and half of the fields that it selects of leads. Without a source of
// chance, all arguments are variables.
func newOperation(random *rand.Rand, kind string, deferred bool, parts ...part) Operation {
	v := &variables{values: oracle.Object{}, random: random}
	var fields strings.Builder
	for i, p := range parts {
		text := p.text(v, deferred)
		if deferred && i > 0 {
			text = "... @defer { " + text + " }"
		}
		fields.WriteString(" " + text)
	}
	head := "query Soak"
	if len(v.declared) > 0 {
		head += "(" + strings.Join(v.declared, ", ") + ")"
	}
	return Operation{Kind: kind, Document: head + " {" + fields.String() + " }", Variables: v.values, Deferred: deferred, parts: parts}
}

// Judge judges the answer to the operation.
func (o Operation) Judge(j *oracle.Judge) {
	if o.bad {
		j.Refusal(o.parts[0].Key)
		return
	}
	checks := make([]oracle.Check, len(o.parts))
	for i, p := range o.parts {
		checks[i] = p.Check
	}
	j.Response(checks)
	if o.also != nil && j.Data != nil {
		o.also(j)
	}
}

// AnsweredBy tells whether the data answer at least one root field.
func (o Operation) AnsweredBy(data oracle.Object) bool {
	return slices.ContainsFunc(o.parts, func(p part) bool { return data[p.Key] != nil })
}

// String returns the beginnings of the document and of the variables.
func (o Operation) String() string {
	text, err := json.Marshal(o.Variables)
	if err != nil { // there are only texts, numbers, lists and objects
		panic(err)
	}
	return fmt.Sprintf("%.1000s %.1000s", o.Document, text)
}
