package reader

import "bytes"

// Serialisers of .NET that preserve references write a list as an object:
// {"$id":"2","$values":[…]}, or with "$type" instead of "$id". They replace a repeated
// object with {"$ref":"2"}. Such a reference is not resolved: it has no known member,
// and so it is counted like any other value that cannot be used.

// preserved reads a list that is written as an object at i. It reports whether it is
// one.
func (p *parser) preserved(i int, one func(i int) int) (next int, is bool) {
	at := skipSpace(p.b, i+1)
	switch {
	case at < len(p.b) && p.b[at] != '"', at+1 < len(p.b) && p.b[at+1] != '$' && p.b[at+1] != '\\', p.depth == maxDepth:
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
		case !is && string(name) == "$values":
			is, at = true, p.list(value, one)
		default:
			at = p.skip(value)
		}
		if at < 0 {
			return at, true
		}
		switch at = skipSpace(p.b, at); {
		case at == len(p.b):
			return ^at, true
		case p.b[at] == ',':
			at = skipSpace(p.b, at+1)
		case p.b[at] == '}':
			return at + 1, is
		default:
			return ^at, true
		}
	}
}

// memberName reads the name of a member at i, up to its value.
func (p *parser) memberName(i int) (name []byte, value int) {
	if value = skipName(p.b, i); value == len(p.b) {
		value = ^value
	}
	if value < 0 {
		return nil, value
	}
	name = p.b[i+1 : skipText(p.b, i+1)-1]
	if bytes.IndexByte(name, '\\') >= 0 {
		name = appendText(nil, name)
	}
	return name, value
}
