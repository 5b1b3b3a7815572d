package load

import (
	"context"
	"fmt"
	"strings"
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
	w.pages(ctx, way, func() (oracle.Object, bool) {
		page, answered := w.step(ctx, func() *client.Client { return w.Client }, way, "")
		way.Since = time.Time{} // no lead is edited or moved
		return page, answered
	})
}

// pages asks for page after page until the walk ends, and judges it. It gives up if
// a page is not answered.
func (l *Load) pages(ctx context.Context, way *oracle.Walk, next func() (oracle.Object, bool)) {
	for ctx.Err() == nil {
		page, answered := next()
		if !answered {
			return // the platform is in trouble
		}
		if l.History.Overdue(way) {
			l.Tally.Violation(report.Unending, "%s", described(way))
			return
		}
		if way.AtEnd(page) {
			l.judgeWalk(way)
			return
		}
	}
}

// judgeWalk has the oracle judge a walk that has ended.
func (l *Load) judgeWalk(way *oracle.Walk) {
	found := l.History.JudgeWalk(way, time.Now())
	about := fmt.Sprintf("%s; %d leads had to be met", described(way), found.Leads)
	some := func(ids []string) string { return strings.Join(ids[:min(len(ids), 3)], ", ") }
	if n := len(found.Lost); n > 0 {
		l.Tally.Violation(report.LostLeads, "%d leads, such as %s: %s", n, some(found.Lost), about)
	}
	if n := len(found.Twice); n > 0 {
		l.Tally.Violation(report.TwiceMet, "%d leads, such as %s: %s", n, some(found.Twice), about)
	}
	if found.Back != "" {
		l.Tally.Violation(report.BackInTime, "%s: %s", found.Back, about)
	}
	l.Tally.Walked(way.Kind(), way.Pages, found)
}

// described says what a walk goes through.
func described(way *oracle.Walk) string {
	return fmt.Sprintf("%d pages by %d since %s, backward %v, filter %.200s, order %v, pages %s",
		way.Pages, way.Size, way.Begun.Format("15:04:05.000"), way.Backward, fmt.Sprint(way.Filter), way.Order(), way.Trail())
}

// step reads the next page. It tries up to five times, each time at the server that
// is chosen then.
func (w *worker) step(ctx context.Context, server func() *client.Client, way *oracle.Walk, freshness string) (page oracle.Object, answered bool) {
	for range 5 {
		r := client.Request{Way: client.ByPost, Operations: []operations.Operation{w.maker.Step(way)}, Freshness: freshness}
		answers := w.ask(context.WithoutCancel(ctx), server(), r)
		if answers == nil {
			return nil, false
		}
		w.failure = answers[0].Errors
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
