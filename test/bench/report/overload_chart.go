package report

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"leadgraph/test/bench/workload"
)

// Sizes in the chart of the overload, in pixels.
const (
	plotLeft, plotTop     = 70, 92
	plotWidth, plotHeight = 310, 230
	plotGap               = 76
	overloadHeight        = 400
)

const overloadStyle = `<style>
.back{fill:#fff;stroke:#d1d9e0}.ink{fill:#1f2328}.soft{fill:#59636e}.axis{stroke:#d1d9e0}.goal{stroke:#59636e;stroke-dasharray:4 4}
.line{fill:none;stroke-width:2.5}.limited{stroke:#0969da}.unlimited{stroke:#bc4c00}.of-limited{fill:#0969da}.of-unlimited{fill:#bc4c00}
@media (prefers-color-scheme:dark){.back{fill:#0d1117;stroke:#3d444d}.ink{fill:#f0f6fc}.soft{fill:#9198a1}.axis{stroke:#3d444d}.goal{stroke:#9198a1}
.limited{stroke:#4493f8}.unlimited{stroke:#db6d28}.of-limited{fill:#4493f8}.of-unlimited{fill:#db6d28}}
text{font:13px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif}.title{font-size:17px;font-weight:600}.name{font-weight:600}.small{font-size:11px}
</style>
`

// plot is one diagram over the factors. Its values are between 0 and 1.
type plot struct {
	left  int
	title string
	marks map[string]float64 // on the vertical axis
	value func([]Pressure) float64
}

// chart draws the goodput, and the latency of the answers.
func (r *Overload) chart() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%[1]d" height="%[2]d" role="img" aria-labelledby="title">`+"\n", chartWidth, overloadHeight)
	b.WriteString(`<title id="title">leadgraph under overload: right answers in time, and their latency</title>` + "\n" + overloadStyle)
	fmt.Fprintf(&b, `<rect class="back" x="0.5" y="0.5" width="%d" height="%d" rx="6"/>`+"\n", chartWidth-1, overloadHeight-1)
	text(&b, margin, 32, "ink title", "Overload: requests that are due, and right answers in time")
	text(&b, margin, 54, "of-limited name", "with the limiter")
	text(&b, margin+130, 54, "of-unlimited name", "without")
	top := 1.25 * max(r.peak(workload.Limited), r.peak(workload.Unlimited), 1)
	left := plot{left: plotLeft, title: "answers a second", marks: map[string]float64{}, value: func(p []Pressure) float64 { return spreadOf(p, goodput).Median / top }}
	for _, share := range []float64{0, 0.5, 1} {
		left.marks[number(share*r.Capacity)] = share * r.Capacity / top
	}
	right := plot{left: plotLeft + plotWidth + plotGap, title: "p99 of the answers, ms (logarithmic)", marks: map[string]float64{},
		value: func(p []Pressure) float64 {
			return height(spreadOf(p, seconds(func(p Pressure) time.Duration { return p.P99 })).Median)
		}}
	for _, s := range []float64{0.01, 0.1, 1} {
		right.marks[asMillis(s)] = height(s)
	}
	for _, p := range []plot{left, right} {
		r.draw(&b, p)
	}
	goal := goalLeft * r.peak(workload.Limited) / top
	fmt.Fprintf(&b, `<line class="goal" x1="%d" y1="%.1f" x2="%d" y2="%.1f"/>`+"\n", left.left, down(goal), left.left+plotWidth, down(goal))
	text(&b, left.left+plotWidth-120, int(down(goal))+14, "soft small", percent(goalLeft)+" of the best")
	text(&b, margin, overloadHeight-16, "soft small", fmt.Sprintf("%s · %s, %d cores · %s · %s", r.Date.Format(time.DateOnly), r.CPU, r.Cores, r.Go, r.Placement))
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// height returns the height of a time in seconds, from 0 for 3 ms to 1 for 3 s.
func height(s float64) float64 { return min(max(math.Log10(s/0.003)/3, 0), 1) }

// down returns the vertical position of a value.
func down(value float64) float64 { return plotTop + (1-value)*plotHeight }

// draw draws a plot with a line for each server.
func (r *Overload) draw(b *bytes.Buffer, p plot) {
	text(b, p.left, plotTop-12, "ink name", p.title)
	for mark, value := range p.marks {
		fmt.Fprintf(b, `<line class="axis" x1="%d" y1="%.1f" x2="%d" y2="%.1f"/>`+"\n", p.left, down(value), p.left+plotWidth, down(value))
		text(b, p.left-46, int(down(value))+4, "soft small", mark)
	}
	across := func(factor float64) float64 { return float64(p.left) + factor/slices.Max(workload.Factors())*plotWidth }
	for _, factor := range []float64{0.5, 1, 2, 3} {
		text(b, int(across(factor))-8, plotTop+plotHeight+18, "soft small", fmt.Sprintf("%g×", factor))
	}
	text(b, p.left, plotTop+plotHeight+36, "soft small", "requests due, in multiples of the capacity")
	for _, server := range []string{workload.Unlimited, workload.Limited} {
		var points []string
		for _, factor := range workload.Factors() {
			if rounds := r.of(server, factor); len(rounds) > 0 {
				points = append(points, fmt.Sprintf("%.1f,%.1f", across(factor), down(p.value(rounds))))
			}
		}
		fmt.Fprintf(b, `<polyline class="line %s" points="%s"/>`+"\n", server, strings.Join(points, " "))
	}
}
