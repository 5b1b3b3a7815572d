package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"leadgraph/test/bench/workload"
)

// Mob is what a server answered to many clients of one manner.
type Mob struct {
	Kind        string // of requests
	Server      string
	Manner      string // of clients that are refused
	Connections int
	Took        time.Duration
	Good        []time.Duration // from the first attempt of a request to its answer
	Refused     int
	// First are the times until refusals of clients that were not held back.
	First []time.Duration
	Lost  int // connections that ended without an answer
	CPU   CPU
}

// Rate returns the right answers in a second.
func (m Mob) Rate() float64 { return float64(len(m.Good)) / m.Took.Seconds() }

// Mobs is what all of them found.
type Mobs struct {
	*Report
	Mobs []Mob
}

// mobsSection is the name of the section of a file.
const mobsSection = "bench-mobs"

// Write prints the table. It writes the chart to a file and the table into a section of
// another, if their names are not empty.
func (r *Mobs) Write(stdout io.Writer, svg, markdown string) error {
	text := r.markdown()
	_, err := io.WriteString(stdout, text)
	if svg != "" {
		err = errors.Join(err, os.WriteFile(svg, r.chart(), 0o644))
	}
	if markdown != "" {
		err = errors.Join(err, replaceSection(markdown, mobsSection, text))
	}
	return err
}

func (r *Mobs) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s · %s, %d cores · %s · %s\n\n", r.Date.Format(time.DateOnly), r.CPU, r.Cores, r.Go, r.Placement)
	b.WriteString("| requests | server | refused clients retry | connections | answers /s | of its best | p50 ms | p99 ms | refusals /s | first refusal p99 ms | lost | server CPU | load CPU |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, m := range r.Mobs {
		share := func(of time.Duration) string { return percent(of.Seconds() / m.Took.Seconds()) }
		fmt.Fprintf(&b, "| %s | %s | %s | %d | %s | %s | %s | %s | %s | %s | %d | %s | %s |\n", m.Kind, m.Server, m.Manner, m.Connections,
			number(m.Rate()), percent(m.Rate()/r.best(m)), asQuantile(m.Good, .5), asQuantile(m.Good, .99),
			number(float64(m.Refused)/m.Took.Seconds()), asQuantile(m.First, .99), m.Lost, share(m.CPU.Server), share(m.CPU.Load))
	}
	return b.String()
}

// best returns the highest rate of the server with the same requests and clients, from 16
// connections on: fewer do not keep it busy.
func (r *Mobs) best(of Mob) float64 {
	best := of.Rate()
	for _, m := range r.Mobs {
		if m.Kind == of.Kind && m.Server == of.Server && m.Manner == of.Manner && m.Connections >= 16 {
			best = max(best, m.Rate())
		}
	}
	return max(best, math.SmallestNonzeroFloat64)
}

func asQuantile(of []time.Duration, q float64) string {
	if len(of) == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f", float64(percentile(slices.Sorted(slices.Values(of)), q).Microseconds())/1000)
}

// Sizes in the chart of the mobs, in pixels.
const (
	mobPlotHeight = 150
	mobStep       = mobPlotHeight + 78
	mobHeight     = plotTop + 2*mobStep
)

const mobStyle = `<style>
.at-once{stroke:#0969da}.heeds{stroke:#1a7f37}.never{stroke:#8250df}.of-at-once{fill:#0969da}.of-heeds{fill:#1a7f37}.of-never{fill:#8250df}
@media (prefers-color-scheme:dark){.at-once{stroke:#4493f8}.heeds{stroke:#3fb950}.never{stroke:#ab7df8}.of-at-once{fill:#4493f8}.of-heeds{fill:#3fb950}.of-never{fill:#ab7df8}}
</style>
`

// chart draws the rates of each kind of requests over the number of connections.
func (r *Mobs) chart() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%[1]d" height="%[2]d" role="img" aria-labelledby="title">`+"\n", chartWidth, mobHeight)
	b.WriteString(`<title id="title">leadgraph with 1 to 2,000 clients: right answers a second</title>` + "\n" + overloadStyle + mobStyle)
	fmt.Fprintf(&b, `<rect class="back" x="0.5" y="0.5" width="%d" height="%d" rx="6"/>`+"\n", chartWidth-1, mobHeight-1)
	text(&b, margin, 32, "ink title", "Right answers a second, with 1 to 2,000 connections")
	x := margin
	for _, legend := range [][2]string{{"of-unlimited", "without limits"}, {"of-at-once", "refused clients retry at once"}, {"of-heeds", "when told to"}, {"of-never", "never"}} {
		text(&b, x, 54, legend[0]+" name", legend[1])
		x += 24 + 8*len(legend[1])
	}
	for i, kind := range r.kinds() {
		r.draw(&b, kind, plotLeft+i%2*(plotWidth+plotGap), plotTop+i/2*mobStep)
	}
	text(&b, margin, mobHeight-16, "soft small", fmt.Sprintf("%s · %s, %d cores · %s · %s", r.Date.Format(time.DateOnly), r.CPU, r.Cores, r.Go, r.Placement))
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func (r *Mobs) kinds() (kinds []string) {
	seen := map[string]bool{}
	for _, m := range r.Mobs {
		if !seen[m.Kind] {
			seen[m.Kind] = true
			kinds = append(kinds, m.Kind)
		}
	}
	return kinds
}

func (r *Mobs) draw(b *bytes.Buffer, kind string, left, top int) {
	text(b, left, top, "ink name", kind)
	highest, most := 1.0, 2
	lines := map[string][]Mob{}
	for _, m := range r.Mobs {
		if m.Kind == kind {
			class := strings.ReplaceAll(m.Manner, " ", "-")
			if m.Server == workload.Unlimited {
				class = m.Server
			}
			lines[class] = append(lines[class], m)
			highest, most = max(highest, 1.1*m.Rate()), max(most, m.Connections)
		}
	}
	bottom := float64(top + 12 + mobPlotHeight)
	height := func(rate float64) float64 { return bottom - rate/highest*mobPlotHeight }
	across := func(n int) float64 {
		return float64(left) + math.Log(float64(n))/math.Log(float64(most))*plotWidth
	}
	for _, share := range []float64{0, 0.5, 1} {
		rate := share * highest / 1.1
		fmt.Fprintf(b, `<line class="axis" x1="%d" y1="%.1f" x2="%d" y2="%.1f"/>`+"\n", left, height(rate), left+plotWidth, height(rate))
		text(b, left-46, int(height(rate))+4, "soft small", number(rate))
	}
	for _, class := range slices.Sorted(maps.Keys(lines)) {
		var coordinates []string
		for _, m := range lines[class] {
			coordinates = append(coordinates, fmt.Sprintf("%.1f,%.1f", across(m.Connections), height(m.Rate())))
		}
		fmt.Fprintf(b, `<polyline class="line %s" points="%s"/>`+"\n", class, strings.Join(coordinates, " "))
	}
	for n := 1; n <= most; n *= 10 {
		text(b, int(across(n))-4, int(bottom)+18, "soft small", number(float64(n)))
	}
}
