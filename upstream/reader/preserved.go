package reader

import (
	"bytes"

	"leadgraph/upstream/reader/scan"
)

// Serialisers of .NET that preserve references write a list as an object:
// {"$id":"2","$values":[…]}, or with "$type" instead of "$id". They give every object an
// $id and replace a repeated one with {"$ref":"2"}. The target of a reference comes
// earlier in the same answer, so it is kept until the answer ends. An answer without
// such names pays nothing for it.

// The bounds of what is kept of one answer. References to anything else count as values
// that cannot be used.
const (
	maxTargets     = 1 << 16
	maxTargetBytes = 4 << 20
	maxReferences  = 8 // references within the target of another one
)

// references are the objects and lists of an answer to which references may point.
type references struct {
	used    bool // the answer has names that begin with $
	targets map[string][]byte
	size    int // bytes in targets
	record  int // the position of the record being read
	kept    bool
	inside  int // targets being read, each within another
}

// preserved reads a list that is written as an object at i, or a reference to a list. It
// reports whether it is one.
func (p *parser) preserved(i int, one func(i int) int) (next int, is bool) {
	at := scan.Space(p.b, i+1)
	switch {
	case at < len(p.b) && p.b[at] != '"', at+1 < len(p.b) && p.b[at+1] != '$' && p.b[at+1] != '\\', p.depth == scan.MaxDepth:
		return 0, false // the usual case
	}
	p.depth++
	defer func() { p.depth-- }()
	for first := true; ; first = false {
		name, value := p.memberName(at)
		switch {
		case value < 0:
			return value, true
		case first && !bytes.HasPrefix(name, []byte("$")):
			return 0, false
		case first && string(name) == "$ref":
			var target []byte
			if target, at = p.target(value); target != nil {
				is, at = true, p.within(target, at, func() int { return p.list(0, one) })
			}
		case !is && string(name) == "$values" && (p.b[value] == '[' || p.b[value] == 'n'):
			is, at = true, p.list(value, one)
		default:
			at = p.skip(value)
		}
		p.refs.used = true
		if at < 0 {
			return at, true
		}
		switch at = scan.Space(p.b, at); {
		case at == len(p.b):
			return ^at, true
		case p.b[at] == ',':
			at = scan.Space(p.b, at+1)
		case p.b[at] == '}':
			return at + 1, is
		default:
			return ^at, true
		}
	}
}

// memberName reads the name of a member at i, up to its value.
func (p *parser) memberName(i int) (name []byte, value int) {
	if value = scan.Name(p.b, i); value == len(p.b) {
		value = ^value
	}
	if value < 0 {
		return nil, value
	}
	name = p.b[i+1 : scan.Text(p.b, i+1)-1]
	if bytes.IndexByte(name, '\\') >= 0 {
		name = scan.AppendText(nil, name)
	}
	return name, value
}

// readUnknown skips a member of an object, whose name at i is not known. If it is a
// reference, it reads the target into x and adds the number of its known members to had.
func readUnknown[T any](p *parser, i, value, had int, names *memberNames, members []member[T], x *T) (next, known int) {
	if p.b[i+1] != '$' {
		p.fields++
		p.strange++
		return p.skip(value), had
	}
	p.refs.used = true
	if !bytes.HasPrefix(p.b[i:value], []byte(`"$ref"`)) {
		return p.skip(value), had
	}
	target, next := p.target(value)
	if target == nil {
		return next, had
	}
	next = p.within(target, next, func() int { return readObject(p, 0, names, members, x) })
	names.last = 0
	return next, had + p.known
}

// target reads the id of a reference at i. It returns nil if nothing known has this id.
func (p *parser) target(i int) (target []byte, next int) {
	if next = p.skip(i); next < 0 || p.top || p.b[i] != '"' || p.refs.inside == maxReferences {
		return nil, next
	}
	if failed := p.keepTargets(); failed < 0 {
		return nil, failed
	}
	return p.refs.targets[string(p.b[i+1:next-1])], next
}

// within calls read while the parser's text is the target of a reference. It returns
// next, the position after the reference, unless the target cannot be read.
func (p *parser) within(target []byte, next int, read func() int) int {
	text, depth := p.b, p.depth
	p.b = target
	p.refs.inside++
	end := read()
	p.refs.inside--
	p.b, p.depth = text, depth
	if end < 0 { // it is well-formed, so this is nested too deep
		return ^(next - 1)
	}
	return next
}

// keepTargets keeps a copy of the record being read, for references to what is in it. It
// fails if the record is not in memory as a whole.
func (p *parser) keepTargets() int {
	if p.refs.kept {
		return 0
	}
	end := scan.Value(p.b, p.refs.record, scan.MaxDepth)
	if end < 0 {
		return end
	}
	p.refs.kept = true
	p.refs.size += end - p.refs.record
	if p.refs.size <= maxTargetBytes && len(p.refs.targets) < maxTargets {
		p.refs.collect(bytes.Clone(p.b[p.refs.record:end]), 0)
	}
	return 0
}

// collect notes every object with an $id in the value at i, which is well-formed. It
// returns the position after the value.
func (r *references) collect(b []byte, i int) int {
	if b[i] != '{' && b[i] != '[' {
		return scan.Value(b, i, scan.MaxDepth)
	}
	start, id := i, []byte(nil)
	for {
		if i = scan.Space(b, i+1); b[i] == '}' || b[i] == ']' { // it has no element
			return i + 1
		}
		value := i
		if b[start] == '{' {
			value = scan.Name(b, i)
		}
		next := r.collect(b, value)
		if id == nil && b[value] == '"' && bytes.HasPrefix(b[i:value], []byte(`"$id"`)) {
			id = b[value+1 : next-1]
		}
		if i = scan.Space(b, next); b[i] != ',' {
			break
		}
	}
	if id != nil && len(r.targets) < maxTargets {
		if r.targets == nil {
			r.targets = map[string][]byte{}
		}
		r.targets[string(id)] = b[start : i+1]
	}
	return i + 1
}
