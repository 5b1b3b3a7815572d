package projection

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
)

// Field renders the values of one root field without the executor. It is safe for
// concurrent use.
type Field struct {
	projector *Projector
	plan      *plan
}

// Field returns the renderer of a root field of an operation, or nil if only the
// executor can render it. It does not cover selections with arguments, which the
// executor coerces.
func (p *Projector) Field(op *graphql.OperationContext, field graphql.CollectedField) *Field {
	root, covered := p.roots[field.Definition]
	if !covered {
		return nil
	}
	plan := compile(op, field, root)
	if plan.problem != none || len(plan.arguments) > 0 {
		return nil
	}
	return &Field{p, plan}
}

// Weight returns about how many bytes the renderer holds.
func (f *Field) Weight() int { return heldByPlan + f.plan.weight() }

// Size returns the number of bytes of the field's last value, a guess for the next one.
func (f *Field) Size() int { return int(f.plan.size.Load()) }

// Writer collects the rendered bytes of an answer. One goroutine may use it.
type Writer struct{ out output }

// NewWriter returns a writer with room for so many bytes. If ctx ends while a long list
// is written, the writer stops.
func NewWriter(ctx context.Context, size int) *Writer {
	return &Writer{output{ctx: ctx, bytes: make([]byte, 0, size)}}
}

// Text writes a text as it is.
func (w *Writer) Text(text string) { w.out.bytes = append(w.out.bytes, text...) }

// Value writes the value of a field. It reports whether it could; if not, the executor
// must render the answer.
func (w *Writer) Value(f *Field, value any) bool {
	size := len(w.out.bytes)
	f.plan.write(&w.out, value)
	f.plan.size.Store(int64(len(w.out.bytes) - size))
	f.projector.counts.add(w.out.problem)
	return w.out.problem == none
}

// Bytes returns what was written.
func (w *Writer) Bytes() []byte { return w.out.bytes }
