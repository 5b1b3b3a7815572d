package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
)

// part is one field of the root.
type part struct {
	key string // in the answer
	// text writes the field, whose arguments are variables.
	text func(v *variables, deferred bool) string
	// check judges the field's value.
	check func(j *judge, value any)
}

// operation is what one request asks for.
type operation struct {
	kind      string
	document  string
	variables object
	parts     []part
	deferred  bool
	// refused is for what has to be refused as bad input.
	refused bool
}

// variables collects the arguments of an operation.
type variables struct {
	declared []string
	values   object
}

func (v *variables) add(kind string, value any) string {
	name := fmt.Sprintf("v%d", len(v.declared))
	v.declared = append(v.declared, "$"+name+": "+kind)
	v.values[name] = value
	return "$" + name
}

// newOperation joins parts. If it defers, all parts but the first may come
// later, and half of what is selected in leads.
func newOperation(kind string, deferred bool, parts ...part) operation {
	v := &variables{values: object{}}
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
	return operation{kind: kind, document: head + " {" + fields.String() + " }", variables: v.values, parts: parts, deferred: deferred}
}

// check judges the whole answer.
func (o operation) check(j *judge) {
	if o.refused {
		// The operations before it in an array may have taken all of the time.
		j.errors([]string{"BAD_USER_INPUT", "OVERLOADED", "UPSTREAM_TIMEOUT"})
		if len(j.Errors) == 0 || len(j.Data) > 0 && j.Data[o.parts[0].key] != nil {
			j.fail("bad input was answered")
		}
		return
	}
	j.errors(expectedCodes)
	if j.Data == nil {
		if len(j.Errors) == 0 {
			j.fail("there are neither data nor errors")
		}
		return
	}
	for _, p := range o.parts {
		p.check(j, j.Data[p.key])
	}
	for key := range j.Data {
		if !o.has(key) {
			j.fail("%s was not asked for", key)
		}
	}
}

func (o operation) has(key string) bool {
	for _, p := range o.parts {
		if p.key == key {
			return true
		}
	}
	return false
}

// place is a cursor and the id of its lead.
type place struct{ cursor, id string }

// places are some cursors of all leads in the platform's order. It is safe for
// concurrent use.
type places struct {
	mu   sync.Mutex
	kept []place
}

const keptPlaces = 256

func (p *places) add(random *rand.Rand, found place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.kept) < keptPlaces {
		p.kept = append(p.kept, found)
		return
	}
	p.kept[random.IntN(keptPlaces)] = found
}

func (p *places) any(random *rand.Rand) place {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.kept) == 0 {
		return place{}
	}
	return pick(random, p.kept)
}
