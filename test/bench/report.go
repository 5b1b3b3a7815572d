package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"
)

// report is all that a run found.
type report struct {
	Date                         time.Time
	CPU                          string
	Cores                        int
	Go, Placement                string
	Connections, ListConnections int
	Results                      []result
	Growth                       []growthStep
	Notes                        []string
}

// Shares of their core above which a server, or load and sandbox, whose work
// for the network is counted less completely, had no time left.
const (
	busyServer = 0.9
	busyLoad   = 0.75
)

// starved says that the server waited, though not for the upstream.
func (m result) starved() bool { return m.CPU > 0 && m.Busy < busyServer && m.Workload != "W4L" }

// disturbed says that nothing of ours was the limit: another program was.
func (m result) disturbed() bool { return m.starved() && m.LoadBusy < busyLoad }

// machine says where and how the figures came about.
func (r *report) machine() string {
	return fmt.Sprintf("%s · %s, %d cores · %s · %d connections (W5: %d), caches off · %s",
		r.Date.Format(time.DateOnly), r.CPU, r.Cores, r.Go, r.Connections, r.ListConnections, r.Placement)
}

// write prints the tables and writes the files that are named.
func (r *report) write(stdout io.Writer, svg, markdown string) error {
	_, err := io.WriteString(stdout, r.text())
	if svg != "" {
		err = errors.Join(err, os.WriteFile(svg, r.chart(), 0o644))
	}
	if markdown != "" {
		err = errors.Join(err, os.WriteFile(markdown, []byte(r.markdown()), 0o644))
	}
	return err
}

// table is rows of cells below a head.
type table [][]string

func (r *report) tables() []table {
	var list []table
	for _, t := range []table{r.figures(), r.ratios(), r.growth()} {
		if len(t) > 1 {
			list = append(list, t)
		}
	}
	return list
}

func (r *report) figures() table {
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

// ratios compares projection with the others by answers a second, and by CPU
// for each, which holds even where the load was the limit.
func (r *report) ratios() table {
	t := table{{"work", "projection / pass-through", "goal", "", "by CPU", "projection / textbook", "by CPU"}}
	for _, w := range workloads() {
		ours, ok := r.find(w.name, projection)
		if !ok {
			continue
		}
		row := []string{w.name, "–", "–", "", "–", "–", "–"}
		if proxy, ok := r.find(w.name, passThrough); ok {
			row[1], row[2] = fmt.Sprintf("%.2f", ours.Rate/proxy.Rate), fmt.Sprintf("≥ %.2f", w.goal)
			row[3], row[4] = verdict(ours, proxy, w.goal), cheaper(ours, proxy, "%.2f")
		}
		if slow, ok := r.find(w.name, textbook); ok {
			row[5], row[6] = fmt.Sprintf("%.1f×", ours.Rate/slow.Rate), cheaper(ours, slow, "%.1f×")
		}
		t = append(t, row)
	}
	return t
}

func cheaper(ours, other result, format string) string {
	if ours.CPU == 0 {
		return "–"
	}
	return fmt.Sprintf(format, float64(other.CPU)/float64(ours.CPU))
}

func verdict(ours, proxy result, goal float64) string {
	switch {
	case ours.disturbed() || proxy.disturbed():
		return "unsure"
	case ours.Rate >= goal*proxy.Rate:
		return "met"
	default:
		return "missed"
	}
}

func (r *report) find(workload, server string) (result, bool) {
	for _, m := range r.Results {
		if m.Workload == workload && m.Server == server {
			return m, true
		}
	}
	return result{}, false
}

func (r *report) growth() table {
	t := table{{"leads", "ms", "first byte ms", "peak MiB", "bytes"}}
	for _, step := range r.Growth {
		t = append(t, []string{
			fmt.Sprint(step.Leads), millis(step.Last), millis(step.FirstByte), known(step.Peak > 0, mebi(step.Peak)), fmt.Sprint(step.Bytes),
		})
	}
	return t
}

// remarks says what the tables do not show.
func (r *report) remarks() []string {
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

func (r *report) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", r.machine())
	for _, w := range workloads() {
		fmt.Fprintf(&b, "%-4s %s\n", w.name, w.title)
	}
	for _, t := range r.tables() {
		b.WriteByte('\n')
		w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		for _, row := range t {
			_, _ = fmt.Fprintln(w, strings.Join(row, "\t")) // a Builder takes everything
		}
		_ = w.Flush()
	}
	for _, remark := range r.remarks() {
		fmt.Fprintf(&b, "\n%s", remark)
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

func (r *report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", r.machine())
	for _, t := range r.tables() {
		b.WriteByte('\n')
		for i, row := range t {
			fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
			if i == 0 {
				b.WriteString(strings.Repeat("|---", len(row)) + "|\n")
			}
		}
	}
	if remarks := r.remarks(); len(remarks) > 0 {
		fmt.Fprintf(&b, "\n- %s\n", strings.Join(remarks, "\n- "))
	}
	return b.String()
}

func known(ok bool, text string) string {
	if !ok {
		return "–"
	}
	return text
}

// number keeps three digits of small values and groups those of large ones.
func number(v float64) string {
	switch {
	case v < 10:
		return fmt.Sprintf("%.2f", v)
	case v < 100:
		return fmt.Sprintf("%.1f", v)
	case v < 1000:
		return fmt.Sprintf("%.0f", v)
	default:
		return fmt.Sprintf("%d,%03d", int(v+0.5)/1000, int(v+0.5)%1000)
	}
}

func millis(d time.Duration) string {
	ms := d.Seconds() * 1000
	if ms < 1 {
		return fmt.Sprintf("%.3f", ms)
	}
	return number(ms)
}

func mebi(bytes int64) string { return fmt.Sprintf("%.0f", float64(bytes)/(1<<20)) }

func percent(share float64) string { return fmt.Sprintf("%.0f %%", share*100) }
