package transport

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// partFormat is a format for the parts of a deferred response. Clients choose
// one with a parameter of multipart/mixed.
type partFormat struct {
	parameter string
	ids       bool // pieces are announced, then referred to by an id
}

var (
	// partsByPath is what Apollo Client requests by default, and the only
	// format that gqlgen and older servers support. Clients that name no
	// format, such as urql, get it too.
	partsByPath = &partFormat{parameter: "deferSpec=20220824"}
	// partsByID is the format of graphql-js 17. Apollo Client 4 requests it
	// with its GraphQL17Alpha9Handler.
	partsByID = &partFormat{parameter: "incrementalSpec=v0.2", ids: true}
)

// partFormatOf returns the format that the parameters of multipart/mixed in an
// Accept header request. It returns nil if they request something else, such as
// the parts of a subscription.
func partFormatOf(parameters map[string]string) *partFormat {
	version, byPath := parameters["deferspec"]
	incremental, byID := parameters["incrementalspec"]
	_, subscription := parameters["subscriptionspec"]
	switch {
	case incremental == "v0.2":
		return partsByID
	case version == "20220824", !byPath && !byID && !subscription:
		return partsByPath
	}
	return nil
}

// late is the response to a deferred fragment of the root.
type late struct {
	piece    *piece
	response *graphql.Response
}

// answerDeferred runs an operation with @defer. Each deferred fragment of the
// root runs concurrently, as an operation of its own.
func (x exchange) answerDeferred(ctx context.Context, op *graphql.OperationContext, deferred deferral) {
	asked := &graphql.OperationContext{Doc: deferred.doc, Variables: op.Variables}
	root := shaper{asked, x.Schema}.shape(x.Schema.Query, deferred.operation.SelectionSet)
	if root == nil { // as with @defer(if: false)
		next, _ := run(ctx, x.exec, op)
		x.answerWhole(ctx, op.Operation, next())
		return
	}
	pieces := root.pieces(ast.Path{})
	next, ctx := run(ctx, x.exec, x.restrict(op, root.undeferred()))
	ctx, cancel := context.WithCancel(ctx)
	arrived, wait := x.runDeferred(ctx, op, pieces)
	defer wait()
	defer cancel()
	response := next()
	kept, below := root.only(root.undeferred()).cut(response.Data, ast.Path{})
	if isNull(response.Data) || len(pieces)+len(below) == 0 {
		x.answerWhole(ctx, op.Operation, response) // there is nothing to add to
		return
	}
	errs := slices.Clone(response.Errors)
	response.Data, response.Errors = kept, share(response.Errors, below)
	x.slot.Unload() // the parts count for themselves
	sending := func(size int) func() { return x.sending(ctx, size) }
	out := parts{format: x.client.parts, w: x.w, control: http.NewResponseController(x.w), sending: sending}
	out.first(response, slices.Concat(pieces, below))
	running := 0
	for _, p := range pieces {
		if len(p.keys) == 0 { // another fragment delivers all of its fields
			p.data = append(p.data, '}')
			below = append(below, p)
		} else {
			running++
		}
	}
	if len(below) > 0 {
		out.next(below, running > 0)
	}
	for ; running > 0; running-- {
		answered := <-arrived
		errs = append(errs, answered.response.Errors...)
		answered.fill(root)
		out.next([]*piece{answered.piece}, running > 1)
	}
	x.done(ctx, op.Operation, http.StatusOK, errs, out.size)
}

// runDeferred runs the operations of the root's deferred fragments. The caller
// need not read all responses; wait returns when all operations have ended.
func (x exchange) runDeferred(ctx context.Context, op *graphql.OperationContext, pieces []*piece) (arrived <-chan late, wait func()) {
	answers := make(chan late, len(pieces))
	var running sync.WaitGroup
	for _, p := range pieces {
		if len(p.keys) > 0 {
			next, _ := run(ctx, x.exec, x.restrict(op, p.keys))
			running.Go(func() { answers <- late{p, next()} })
		}
	}
	return answers, running.Wait
}

// fill moves the response into the piece.
func (l late) fill(root shape) {
	l.piece.data, l.piece.nested = root.only(l.piece.keys).cut(l.response.Data, l.piece.path)
	if len(l.piece.data) == 0 { // the operation ended before it began, or panicked
		l.piece.data = jsonObject("null")
	}
	l.piece.errors = share(l.response.Errors, l.piece.nested)
	l.piece.extensions = l.response.Extensions
}

// restrict returns a query with only these root fields.
func (t endpoint) restrict(op *graphql.OperationContext, keys []string) *graphql.OperationContext {
	operation := *op.Operation
	operation.SelectionSet = nil
	for _, collected := range graphql.CollectFields(op, op.Operation.SelectionSet, []string{t.Schema.Query.Name}) {
		if slices.Contains(keys, collected.Alias) {
			field := *collected.Field
			field.SelectionSet = collected.Selections
			operation.SelectionSet = append(operation.SelectionSet, &field)
		}
	}
	return &graphql.OperationContext{
		RawQuery:               op.RawQuery,
		Variables:              op.Variables,
		OperationName:          op.OperationName,
		Doc:                    op.Doc,
		Extensions:             op.Extensions,
		Headers:                op.Headers,
		Operation:              &operation,
		DisableIntrospection:   op.DisableIntrospection,
		RecoverFunc:            op.RecoverFunc,
		ResolverMiddleware:     op.ResolverMiddleware,
		RootResolverMiddleware: op.RootResolverMiddleware,
		Stats:                  op.Stats,
	}
}

// parts writes a deferred response.
type parts struct {
	format    *partFormat
	w         http.ResponseWriter
	control   *http.ResponseController
	sending   func(size int) (end func())
	announced int // number of pieces that have an id
	size      int // bytes
}

// boundary is what Apollo's clients expect if a server names none. No line of
// the JSON text begins with it.
const boundary = "-"

// first sends the fields that are not deferred, and announces the pieces.
func (p *parts) first(response *graphql.Response, pending []*piece) {
	p.w.Header().Set("Content-Type", typeParts+`; boundary="`+boundary+`"; `+p.format.parameter)
	p.w.Header().Set("X-Accel-Buffering", "no") // tells proxies not to buffer parts
	body := jsonObject(encode(response))
	body = body[:len(body)-1]
	if p.format.ids {
		body = body.raw("pending", p.announce(pending))
	}
	p.write([]byte("--" + boundary + "\r\n"))
	p.send(body, true)
}

// next sends pieces and the pieces nested in them.
func (p *parts) next(pieces []*piece, more bool) {
	flat := flatten(nil, pieces)
	if !p.format.ids {
		incremental := list(flat, func(piece *piece) jsonObject {
			o := jsonObject{'{'}.raw("data", piece.data).with("path", piece.path, true).with("label", piece.label, piece.label != "")
			return piece.finish(o)
		})
		p.send(jsonObject{'{'}.raw("incremental", incremental), more)
		return
	}
	body := jsonObject{'{'}
	if nested := slices.DeleteFunc(slices.Clone(flat), func(piece *piece) bool { return piece.id != "" }); len(nested) > 0 {
		body = body.raw("pending", p.announce(nested))
	}
	bringing := slices.DeleteFunc(slices.Clone(flat), func(piece *piece) bool { return isNull(piece.data) || len(piece.keys) == 0 })
	if len(bringing) > 0 {
		body = body.raw("incremental", list(bringing, func(piece *piece) jsonObject {
			return piece.finish(jsonObject{'{'}.with("id", piece.id, true).raw("data", piece.data))
		}))
	}
	body = body.raw("completed", list(flat, func(piece *piece) jsonObject {
		o := jsonObject{'{'}.with("id", piece.id, true)
		return append(o.with("errors", piece.errors, isNull(piece.data)), '}')
	}))
	p.send(body, more)
}

// finish adds a piece's errors and extensions.
func (p *piece) finish(o jsonObject) jsonObject {
	o = o.with("errors", p.errors, len(p.errors) > 0).with("extensions", p.extensions, len(p.extensions) > 0)
	return append(o, '}')
}

// announce gives the pieces their ids and returns the announcement.
func (p *parts) announce(pieces []*piece) []byte {
	return list(pieces, func(piece *piece) jsonObject {
		piece.id = strconv.Itoa(p.announced)
		p.announced++
		o := jsonObject{'{'}.with("id", piece.id, true).with("path", piece.path, true)
		return append(o.with("label", piece.label, piece.label != ""), '}')
	})
}

// send writes a part and the delimiter after it. Without the delimiter, a
// client would hold the part back until the next one.
func (p *parts) send(body jsonObject, more bool) {
	end := "\r\n"
	if !more {
		end = "--\r\n"
	}
	body = append(body.with("hasNext", more, true), '}')
	defer p.sending(len(body))()
	p.write([]byte("Content-Type: application/json; charset=utf-8\r\n\r\n"))
	p.write(body)
	p.write([]byte("\r\n--" + boundary + end))
	_ = p.control.Flush() // if flushing fails, the data is sent at the end
}

func (p *parts) write(text []byte) {
	size, _ := p.w.Write(text) // when a client disconnects, the context ends
	p.size += size
}

// flatten lists pieces, each before the pieces nested in it.
func flatten(into, pieces []*piece) []*piece {
	for _, p := range pieces {
		into = flatten(append(into, p), p.nested)
	}
	return into
}

func list(pieces []*piece, text func(*piece) jsonObject) []byte {
	all := []byte{'['}
	for i, p := range pieces {
		if i > 0 {
			all = append(all, ',')
		}
		all = append(all, text(p)...)
	}
	return append(all, ']')
}

func isNull(data []byte) bool { return len(data) == 0 || string(data) == "null" }
