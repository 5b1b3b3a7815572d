package load

import (
	"context"
	"time"

	"leadgraph/test/soak/client"
	"leadgraph/test/soak/operations"
	"leadgraph/test/soak/oracle"
	"leadgraph/test/soak/pace"
	"leadgraph/test/soak/report"
)

// walk pages through a list to its end and has the oracle judge which leads it
// met.
func (w *worker) walk(ctx context.Context) {
	way := w.maker.Walk()
	for ctx.Err() == nil {
		page, answered := w.step(ctx, way)
		if !answered {
			return // the platform is in trouble
		}
		if !way.AtEnd(page) {
			continue
		}
		if wrong := w.History.JudgeWalk(way, time.Now()); wrong != "" {
			w.Tally.Violation(report.WrongRows, "a walk of %d pages by %d, backward %v: %s\nfilter %v, order %v",
				way.Pages, way.Size, way.Backward, wrong, way.Filter, way.Order())
		}
		w.Tally.Walked()
		return
	}
}

// step reads the next page. It tries up to five times.
func (w *worker) step(ctx context.Context, way *oracle.Walk) (page oracle.Object, answered bool) {
	for range 5 {
		r := client.Request{Way: client.ByPost, Operations: []operations.Operation{w.maker.Step(way)}}
		answers := w.ask(context.WithoutCancel(ctx), r)
		if answers == nil {
			return nil, false
		}
		if page, answered = answers[0].Data["leads"].(oracle.Object); answered && len(answers[0].Errors) == 0 {
			way.Advance(page)
			return page, true
		}
		if !pace.Rest(ctx, 500*time.Millisecond) {
			return nil, false
		}
	}
	return nil, false
}
