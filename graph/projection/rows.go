package projection

import (
	"cmp"
	"context"
	"errors"
	"math"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"leadgraph/graph/generated"
	"leadgraph/lead"
)

// Rows renders the leads of a connection while they are read, so that only the answer
// of a page is in memory and never its leads. The rows of the connection are known
// only when all leads have been read. Each lead is therefore rendered by itself, and
// the connection is put together from the pieces.
type Rows struct {
	projector *Projector
	plan      *rowPlan
	ctx       context.Context
	arguments []map[string]any
}

// rowPlan is the plan of a connection whose leads have been rendered.
type rowPlan struct {
	problem    problem
	connection write[*streamed]
	// nodes render a lead as it is selected in each place of the document.
	nodes     []write[*lead.Lead]
	arguments [][]graphql.CollectedField
	held      int // about how many bytes the plan holds
	// mean is the number of bytes of a lead in the last page; 0 before the first.
	mean atomic.Int32
}

func (p *rowPlan) weight() int { return p.held }

// ErrUnplanned says that the executor must render the page, because no plan covers
// one of its leads.
var ErrUnplanned = errors.New("the plan does not cover a lead")

// Rows returns the renderer for the connection that is the field of ctx. It returns
// nil if the executor must render the connection.
func (p *Projector) Rows(ctx context.Context) *Rows {
	field := graphql.GetFieldContext(ctx)
	op := graphql.GetOperationContext(ctx)
	key := planKey{op.RawQuery, op.Operation.Name, path(field), booleans(op)}
	plan, known := p.rowPlans.Get(key)
	if !known {
		c := &compiler{op: op}
		connection := p.streamed.compile(c, field.Field.Selections)
		plan = &rowPlan{problem: c.problem, connection: connection, nodes: c.nodes, arguments: c.arguments, held: c.held}
		p.rowPlans.Add(key, plan)
	}
	r := &Rows{projector: p, plan: plan, ctx: ctx}
	if plan.problem != none {
		return nil
	}
	out := &output{ctx: ctx}
	for _, path := range plan.arguments {
		arguments, ok := coerce(out, field, path)
		if !ok {
			return nil
		}
		r.arguments = append(r.arguments, arguments)
	}
	return r
}

// Page collects the rendered leads of one page. It must be used by one goroutine only.
type Page struct {
	out   *output
	nodes []write[*lead.Lead]
	// ends holds where the pieces of each lead end in out: first its id, then its
	// nodes.
	ends []int
}

// Page returns an empty page with room for about size leads.
func (r *Rows) Page(size int) *Page {
	const usual, most = 256, 8 << 10 // bytes of a rendered lead of some fields, and of a large one
	mean := min(cmp.Or(int(r.plan.mean.Load()), usual), most)
	return &Page{
		out:   &output{ctx: r.ctx, free: &r.projector.free, arguments: r.arguments, bytes: r.projector.free.get(size * (mean + mean/8))},
		nodes: r.plan.nodes,
		ends:  make([]int, 0, size*(1+len(r.plan.nodes))),
	}
}

// Reset removes the leads. Call it before the page is read again.
func (p *Page) Reset() { p.out.bytes, p.ends = p.out.bytes[:0], p.ends[:0] }

// Add renders a lead. It does not keep the lead. The error is ErrUnplanned.
func (p *Page) Add(l *lead.Lead) error {
	p.out.bytes = append(p.out.bytes, l.ID...)
	p.ends = append(p.ends, len(p.out.bytes))
	for _, node := range p.nodes {
		node(p.out, l)
		p.ends = append(p.ends, len(p.out.bytes))
	}
	if p.out.problem != none {
		return ErrUnplanned
	}
	return nil
}

// Lead renders a lead as it is selected in the first place of the document, instead of
// adding it. The bytes are valid until the next call. The error is ErrUnplanned.
func (p *Page) Lead(l *lead.Lead) ([]byte, error) {
	p.Reset()
	if err := p.Add(l); err != nil {
		return nil, err
	}
	return p.out.bytes[p.ends[0]:p.ends[1]], nil
}

// AddHole adds a row that cannot be read.
func (p *Page) AddHole() {
	for range 1 + len(p.nodes) {
		p.ends = append(p.ends, len(p.out.bytes))
	}
}

// Rows returns the rows that were added.
func (p *Page) Rows() []Row {
	rows := make([]Row, len(p.ends)/(1+len(p.nodes)))
	for i := range rows {
		rows[i] = Row{p, i}
	}
	return rows
}

// Row is a rendered lead, or a row that cannot be read.
type Row struct {
	page  *Page
	index int
}

// Anchor is the lead.AnchorHash of the lead's id.
func (r Row) Anchor() uint64 { return lead.AnchorHash(r.piece(0)) }

// IsHole reports whether the row cannot be read.
func (r Row) IsHole() bool { return len(r.piece(0)) == 0 }

// piece returns the id if i is 0, and otherwise the lead as it is selected in place i.
func (r Row) piece(i int) []byte {
	at := r.index*(1+len(r.page.nodes)) + i
	begin := 0
	if at > 0 {
		begin = r.page.ends[at-1]
	}
	return r.page.out.bytes[begin:r.page.ends[at]]
}

// streamed is a connection of rendered leads.
type streamed struct {
	rows   []Row
	cursor func(int) string
	About
}

// About is what a connection says about its rows.
type About struct {
	Info *generated.PageInfo
	// Unreadable is the number of rows that could not be read.
	Unreadable int
	AsOf       time.Time
	Age        lead.Age
}

type streamedEdge struct {
	of    *streamed
	index int
}

// Connection renders a connection of the rows. It frees the pages of the rows, so
// they must not be used afterwards. cursor returns the cursor of a row and is called
// only if cursors are selected. The error is ErrUnplanned or that of the context.
func (r *Rows) Connection(rows []Row, cursor func(int) string, about About) (graphql.Marshaler, error) {
	const around = 96 // bytes of an edge around its lead
	pages := map[*Page]bool{}
	used, leads := 0, 0
	for _, row := range rows {
		if !pages[row.page] {
			pages[row.page] = true
			used += len(row.page.out.bytes)
			leads += len(row.page.ends) / (1 + len(r.plan.nodes))
		}
	}
	if leads > 0 {
		r.plan.mean.Store(int32(min(used/leads, math.MaxInt32)))
	}
	size := 512 + used + around*len(rows)
	out := &output{ctx: r.ctx, free: &r.projector.free, bytes: r.projector.free.get(size)}
	r.plan.connection(out, &streamed{rows, cursor, about})
	for page := range pages {
		page.out.free.put(page.out.bytes)
	}
	r.projector.counts.add(out.problem)
	switch out.problem {
	case none:
		return out, nil
	case ended:
		return nil, r.ctx.Err()
	default:
		return nil, ErrUnplanned
	}
}

// declareStreamed declares the connection a second time, for rendered leads.
func declareStreamed(d *declarations, leads *object[lead.Lead], page *object[generated.PageInfo], age write[lead.Age]) *object[streamed] {
	edge := declare(d, "LeadEdge", signatures[streamedEdge]{
		"cursor: Cursor!": leaf(func(e *streamedEdge) string { return e.of.cursor(e.index) }, text),
		"node: Lead!": rendered(leads, func(o *output, e *streamedEdge, place int) {
			o.bytes = append(o.bytes, e.of.rows[e.index].piece(place)...)
		}),
	})
	return declare(d, "LeadConnection", signatures[streamed]{
		"edges: [LeadEdge!]!": func(c *compiler, field graphql.CollectedField) write[*streamed] {
			one := edge.compile(c, field.Selections)
			return func(o *output, s *streamed) {
				at := streamedEdge{of: s}
				o.list(len(s.rows), func(i int) {
					at.index = i
					one(o, &at)
				})
			}
		},
		"nodes: [Lead!]!": rendered(leads, func(o *output, s *streamed, place int) {
			o.list(len(s.rows), func(i int) { o.bytes = append(o.bytes, s.rows[i].piece(place)...) })
		}),
		"pageInfo: PageInfo!":   child(func(s *streamed) *generated.PageInfo { return s.Info }, page, required),
		"unreadable: Int!":      leaf(func(s *streamed) int { return s.Unreadable }, integer),
		"asOf: DateTime!":       leaf(func(s *streamed) time.Time { return s.AsOf }, requiredMoment),
		"freshness: Freshness!": leaf(func(s *streamed) lead.Age { return s.Age }, age),
	})
}

// rendered is a field whose leads have been rendered.
func rendered[T any](leads *object[lead.Lead], copyTo func(*output, *T, int)) fieldCompiler[T] {
	return func(c *compiler, field graphql.CollectedField) write[*T] {
		c.nodes = append(c.nodes, leads.compile(c, field.Selections))
		place := len(c.nodes) // the id is the first piece
		return func(o *output, v *T) { copyTo(o, v, place) }
	}
}
