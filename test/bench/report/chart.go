package report

import (
	"bytes"
	"fmt"
	"html"
	"time"

	"leadgraph/test/bench/workload"
)

// Sizes in the chart, in pixels.
const (
	chartWidth = 800
	margin     = 24
	barLeft    = 136
	barMax     = 330 // the longest bar; its label needs the rest
	barHeight  = 16
	barStep    = 21
	groupHead  = 24
	groupGap   = 28
	chartHead  = 84
	chartFoot  = 50
)

// chartStyle draws a background, because a page can be dark on a light system or
// the other way round.
const chartStyle = `<style>
.back{fill:#fff;stroke:#d1d9e0}.ink{fill:#1f2328}.soft{fill:#59636e}
.pass-through{fill:#8c959f}.projection{fill:#0969da}.textbook{fill:#bc4c00}
@media (prefers-color-scheme:dark){.back{fill:#0d1117;stroke:#3d444d}.ink{fill:#f0f6fc}.soft{fill:#9198a1}
.pass-through{fill:#7d8590}.projection{fill:#4493f8}.textbook{fill:#db6d28}}
text{font:13px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif}.title{font-size:17px;font-weight:600}.name{font-weight:600}.small{font-size:11px}
</style>
`

// chart draws the answers a second as one group of bars for each workload. Each
// group has its own scale, because the workloads differ by four orders of
// magnitude.
func (r *Report) chart() []byte {
	var body bytes.Buffer
	y := chartHead
	for _, w := range workload.All() {
		if bars := r.bars(w); len(bars) > 0 {
			text(&body, margin, y, "ink name", w.Name+" · "+w.Title)
			y = drawBars(&body, bars, y+groupHead-barHeight) + groupGap
		}
	}
	height := y + chartFoot - groupGap
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%[1]d" height="%[2]d" role="img" aria-labelledby="title">`+"\n", chartWidth, height)
	b.WriteString(`<title id="title">leadgraph: answers a second compared with a plain proxy and the textbook path</title>` + "\n" + chartStyle)
	fmt.Fprintf(&b, `<rect class="back" x="0.5" y="0.5" width="%d" height="%d" rx="6"/>`+"\n", chartWidth-1, height-1)
	text(&b, margin, 32, "ink title", "Answers a second on one core")
	text(&b, margin, 51, "soft", "longer is better; each group has its own scale; every request goes to the upstream")
	b.Write(body.Bytes())
	text(&b, margin, height-32, "soft small", fmt.Sprintf("%s · %s, %d cores · %s", r.Date.Format(time.DateOnly), r.CPU, r.Cores, r.Go))
	text(&b, margin, height-16, "soft small", fmt.Sprintf("%d connections (W5: %d) · %s", r.Connections, r.ListConnections, r.Placement))
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// bar shows the rate of one server.
type bar struct {
	server, label string
	rate          float64
}

// bars returns the bars of a workload. The label of projection compares it with the
// other servers.
func (r *Report) bars(w workload.Workload) []bar {
	var list []bar
	for _, server := range []string{workload.PassThrough, workload.Projection, workload.Textbook} {
		m, ok := r.find(w.Name, server)
		if !ok {
			continue
		}
		label := number(m.Rate)
		if server == workload.Projection {
			if proxy, ok := r.find(w.Name, workload.PassThrough); ok {
				label += fmt.Sprintf(" · %s of pass-through", percent(m.Rate/proxy.Rate))
			}
			if slow, ok := r.find(w.Name, workload.Textbook); ok {
				label += fmt.Sprintf(" · %.1f× textbook", m.Rate/slow.Rate)
			}
		}
		list = append(list, bar{server: server, label: label, rate: m.Rate})
	}
	return list
}

// drawBars draws a group from y downwards and returns where the group ends.
func drawBars(b *bytes.Buffer, bars []bar, y int) int {
	var most float64
	for _, one := range bars {
		most = max(most, one.rate)
	}
	for _, one := range bars {
		width := max(one.rate/most*barMax, 1)
		text(b, margin, y+barHeight-4, "soft", one.server)
		fmt.Fprintf(b, `<rect class="%s" x="%d" y="%d" width="%.1f" height="%d" rx="2"/>`+"\n", one.server, barLeft, y, width, barHeight)
		text(b, barLeft+int(width)+8, y+barHeight-4, "ink", one.label)
		y += barStep
	}
	return y
}

func text(b *bytes.Buffer, x, y int, class, content string) {
	fmt.Fprintf(b, `<text class="%s" x="%d" y="%d">%s</text>`+"\n", class, x, y, html.EscapeString(content))
}
