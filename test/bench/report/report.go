// Package report sums up measurements and writes them as tables and charts.
package report

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"leadgraph/test/bench/workload"
)

// Report is everything that a run found.
type Report struct {
	Date                         time.Time
	CPU                          string
	Cores                        int
	Go, Placement                string
	Connections, ListConnections int
	Results                      []Result
	Growth                       []GrowthStep
	Notes                        []string
}

// Shares of its core above which a process had no time left. The share of the load
// and the sandbox is lower, because part of their work for the network is not
// counted.
const (
	busyServer = 0.9
	busyLoad   = 0.75
)

// starved tells whether the server had nothing to do, though it did not wait for
// the upstream.
func (m Result) starved() bool { return m.CPU > 0 && m.Busy < busyServer && m.Workload != "W4L" }

// disturbed tells whether another program was the limit, not the server or the
// load.
func (m Result) disturbed() bool { return m.starved() && m.LoadBusy < busyLoad }

// machine says where and how the figures were measured.
func (r *Report) machine() string {
	return fmt.Sprintf("%s · %s, %d cores · %s · %d connections (W5: %d), caches off · %s",
		r.Date.Format(time.DateOnly), r.CPU, r.Cores, r.Go, r.Connections, r.ListConnections, r.Placement)
}

// LoadSection is the part of a file in Markdown that Write replaces.
const LoadSection = "bench-load"

// Write prints the tables. It writes the chart to a file and the tables into a section
// of a file in Markdown if their names are not empty.
func (r *Report) Write(stdout io.Writer, svg, markdown string) error {
	_, err := io.WriteString(stdout, r.text())
	if svg != "" {
		err = errors.Join(err, os.WriteFile(svg, r.chart(), 0o644))
	}
	if markdown != "" {
		err = errors.Join(err, replaceSection(markdown, LoadSection, r.markdown()))
	}
	return err
}

// table is rows of cells. The first row is the head.
type table [][]string

func (r *Report) tables() []table {
	var all []table
	for _, t := range []table{r.figures(), r.ratios(), r.growth()} {
		if len(t) > 1 {
			all = append(all, t)
		}
	}
	return all
}

func (r *Report) figures() table {
	t := table{{"work", "server", "req/s", "p50 ms", "p99 ms", "first byte ms", "CPU ms/req", "core busy", "peak MiB", "upstream calls/req", "bytes/answer"}}
	for _, m := range r.Results {
		t = append(t, []string{
			m.Workload, m.Server, number(m.Rate), millis(m.P50), millis(m.P99), millis(m.FirstByte),
			known(m.CPU > 0, millis(m.CPU)), known(m.CPU > 0, percent(m.Busy)), known(m.Peak > 0, mebi(m.Peak)),
			number(m.Calls), fmt.Sprint(m.Bytes),
		})
	}
	return t
}

// ratios compares projection with the other servers: by answers a second, and by
// CPU time for each answer, which is valid even if the load was the limit.
func (r *Report) ratios() table {
	t := table{{"work", "projection / pass-through", "goal", "", "by CPU", "projection / textbook", "by CPU"}}
	for _, w := range workload.All() {
		ours, ok := r.find(w.Name, workload.Projection)
		if !ok {
			continue
		}
		row := []string{w.Name, "–", "–", "", "–", "–", "–"}
		if proxy, ok := r.find(w.Name, workload.PassThrough); ok {
			row[1], row[2] = fmt.Sprintf("%.2f", ours.Rate/proxy.Rate), fmt.Sprintf("≥ %.2f", w.Goal)
			row[3], row[4] = verdict(ours, proxy, w.Goal), cheaper(ours, proxy, "%.2f")
		}
		if slow, ok := r.find(w.Name, workload.Textbook); ok {
			row[5], row[6] = fmt.Sprintf("%.1f×", ours.Rate/slow.Rate), cheaper(ours, slow, "%.1f×")
		}
		t = append(t, row)
	}
	return t
}

func cheaper(ours, other Result, format string) string {
	if ours.CPU == 0 {
		return "–"
	}
	return fmt.Sprintf(format, float64(other.CPU)/float64(ours.CPU))
}

func verdict(ours, proxy Result, goal float64) string {
	switch {
	case ours.disturbed() || proxy.disturbed():
		return "unsure"
	case ours.Rate >= goal*proxy.Rate:
		return "met"
	default:
		return "missed"
	}
}

func (r *Report) find(work, server string) (Result, bool) {
	for _, m := range r.Results {
		if m.Workload == work && m.Server == server {
			return m, true
		}
	}
	return Result{}, false
}

func (r *Report) growth() table {
	t := table{{"leads", "ms", "ns a lead", "first byte ms", "peak MiB", "bytes"}}
	for _, step := range r.Growth {
		t = append(t, []string{
			fmt.Sprint(step.Leads), millis(step.Last), number(float64(step.Last) / float64(step.Leads)), millis(step.FirstByte), known(step.Peak > 0, mebi(step.Peak)), fmt.Sprint(step.Bytes),
		})
	}
	return t
}

// remarks returns what the tables do not show.
func (r *Report) remarks() []string {
	list := append([]string(nil), r.Notes...)
	for _, m := range r.Results {
		why := "the load was the limit and the rate is a lower bound"
		if m.disturbed() {
			why = "other programs took the rest, measure again"
		}
		if m.starved() {
			list = append(list, fmt.Sprintf("%s %s: the server used %s of its core, load and sandbox %s of theirs: %s.",
				m.Workload, m.Server, percent(m.Busy), percent(m.LoadBusy), why))
		}
	}
	if len(r.Growth) > 1 {
		leads, times, peaks := make([]float64, len(r.Growth)), make([]float64, len(r.Growth)), make([]float64, len(r.Growth))
		for i, step := range r.Growth {
			leads[i], times[i], peaks[i] = float64(step.Leads), float64(step.Last), float64(step.Peak)
		}
		list = append(list, fmt.Sprintf("Growth: %s a lead.", slope(fit(leads, times), "ns")))
		if r.Growth[0].Peak > 0 {
			list = append(list, fmt.Sprintf("Growth: %s of peak memory a lead.", slope(fit(leads, peaks), "bytes")))
		}
	}
	return list
}

func slope(l line, unit string) string { return fmt.Sprintf("%.0f %s (R² %.4f)", l.Slope, unit, l.R2) }

func (r *Report) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", r.machine())
	for _, w := range workload.All() {
		fmt.Fprintf(&b, "%-4s %s\n", w.Name, w.Title)
	}
	for _, t := range r.tables() {
		b.WriteByte('\n')
		w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		for _, row := range t {
			_, _ = fmt.Fprintln(w, strings.Join(row, "\t")) // writing to a Builder does not fail
		}
		_ = w.Flush()
	}
	for _, remark := range r.remarks() {
		fmt.Fprintf(&b, "\n%s", remark)
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

func (r *Report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", r.machine())
	for _, t := range r.tables() {
		b.WriteString("\n" + t.markdown())
	}
	b.WriteString(list(r.remarks()))
	return b.String()
}

func (t table) markdown() string {
	var b strings.Builder
	for i, row := range t {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			b.WriteString(strings.Repeat("|---", len(row)) + "|\n")
		}
	}
	return b.String()
}

// list returns remarks as a list in Markdown.
func list(remarks []string) string {
	if len(remarks) == 0 {
		return ""
	}
	return fmt.Sprintf("\n- %s\n", strings.Join(remarks, "\n- "))
}
