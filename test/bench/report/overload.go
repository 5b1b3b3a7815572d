package report

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"leadgraph/test/bench/load"
	"leadgraph/test/bench/workload"
)

const (
	// goalLeft is the share of its best goodput that the server is to keep.
	goalLeft = 0.85
	// goalRefusal is the time within which requests are to be refused.
	goalRefusal = 10 * time.Millisecond
	// disturbedCapacity is the ratio of goodput and capacity that is not possible
	// unless the measurement of the capacity was disturbed.
	disturbedCapacity = 1.15
)

// Overload is what the overload found, in several rounds.
type Overload struct {
	*Report
	Capacity  float64 // requests a second
	Pressures []Pressure
}

// overloadSection is the name of the section of a file.
const overloadSection = "bench-overload"

// Write prints the table. It writes the chart to a file and the table into a section of
// another, if their names are not empty.
func (r *Overload) Write(stdout io.Writer, svg, markdown string) error {
	text := r.markdown()
	_, err := io.WriteString(stdout, text)
	if svg != "" {
		err = errors.Join(err, os.WriteFile(svg, r.chart(), 0o644))
	}
	if markdown != "" {
		err = errors.Join(err, replaceSection(markdown, overloadSection, text))
	}
	return err
}

// of returns the rounds of a server at a factor.
func (r *Overload) of(server string, factor float64) []Pressure {
	return slices.DeleteFunc(slices.Clone(r.Pressures), func(p Pressure) bool { return p.Server != server || p.Factor != factor })
}

// spread is the median and the range of a figure.
type spread struct{ Median, Least, Most float64 }

func spreadOf[T any](rounds []T, figure func(T) float64) spread {
	values := make([]float64, len(rounds))
	for i, p := range rounds {
		values[i] = figure(p)
	}
	return spread{median(values), slices.Min(values), slices.Max(values)}
}

func (s spread) show(format func(float64) string) string {
	return fmt.Sprintf("%s (%s–%s)", format(s.Median), format(s.Least), format(s.Most))
}

// peak returns the best goodput of a server.
func (r *Overload) peak(server string) (best float64) {
	for _, factor := range workload.Factors() {
		if rounds := r.of(server, factor); len(rounds) > 0 {
			best = max(best, spreadOf(rounds, goodput).Median)
		}
	}
	return best
}

func goodput(p Pressure) float64 { return p.Goodput }

// seconds returns a figure that is a time in seconds.
func seconds(of func(Pressure) time.Duration) func(Pressure) float64 {
	return func(p Pressure) float64 { return of(p).Seconds() }
}

func asMillis(s float64) string { return millis(time.Duration(s * float64(time.Second))) }

// markdown returns the table and the remarks.
func (r *Overload) markdown() string {
	var b strings.Builder
	b.WriteString("![Answers in time, and their p99, with the limiter and without](overload.svg)\n\n")
	fmt.Fprintf(&b, "%s · %s, %d cores · %s · %s\n\n", r.Date.Format(time.DateOnly), r.CPU, r.Cores, r.Go, r.Placement)
	fmt.Fprintf(&b, "Each request reads a page of %d leads with contacts and addresses (W2). The upstream latency is %v. %d callers share the connections. "+
		"The capacity is the rate of a closed loop of %d connections: %s requests a second. Requests are then due at a multiple of the capacity, "+
		"whether or not earlier ones are answered. A client leaves after %v. Goodput counts the right answers that arrive before that. "+
		"Figures are medians of the rounds, with their range. Times of answers count from when the request was due, times of refusals from when it was sent. \"First\" are refusals of connections on which none was refused in the second before: the others are held back.\n",
		workload.OverloadPage, workload.SlowLatency, load.Callers, workload.OverloadConnections, number(r.Capacity), load.Patience)
	fmt.Fprintf(&b, "\n| server | requests due | goodput /s | of its best | p50 ms | p99 ms | refused | first refusal p50 ms | first refusal p99 ms | given up or lost |\n|%s\n", strings.Repeat("---|", 10))
	for _, server := range []string{workload.Limited, workload.Unlimited} {
		best := r.peak(server)
		for _, factor := range workload.Factors() {
			if rounds := r.of(server, factor); len(rounds) > 0 {
				fmt.Fprintf(&b, "| %s\n", strings.Join(cells(rounds, best), " | ")+" |")
			}
		}
	}
	for _, remark := range r.remarks() {
		fmt.Fprintf(&b, "\n- %s", remark)
	}
	return b.String() + "\n"
}

// cells returns one row of the table.
func cells(rounds []Pressure, best float64) []string {
	first := rounds[0]
	share := func(figure func(Pressure) float64) string { return percent(spreadOf(rounds, figure).Median) }
	refusals := func(of func(Pressure) time.Duration) string {
		refusing := slices.DeleteFunc(slices.Clone(rounds), func(p Pressure) bool { return p.RefusedP99 == 0 })
		if len(refusing) == 0 {
			return "–"
		}
		return asMillis(spreadOf(refusing, seconds(of)).Median)
	}
	of := spreadOf(rounds, goodput)
	return []string{
		first.Server, fmt.Sprintf("%.2f×", first.Factor), of.show(number), percent(of.Median / best),
		spreadOf(rounds, seconds(func(p Pressure) time.Duration { return p.P50 })).show(asMillis),
		spreadOf(rounds, seconds(func(p Pressure) time.Duration { return p.P99 })).show(asMillis),
		share(func(p Pressure) float64 { return p.Refused }),
		refusals(func(p Pressure) time.Duration { return p.RefusedP50 }),
		refusals(func(p Pressure) time.Duration { return p.RefusedP99 }),
		share(func(p Pressure) float64 { return p.Other }),
	}
}

// remarks says whether the goals are met at the largest factor.
func (r *Overload) remarks() []string {
	most := slices.Max(workload.Factors())
	rounds := r.of(workload.Limited, most)
	if len(rounds) == 0 {
		return nil
	}
	left := spreadOf(rounds, goodput).Median / r.peak(workload.Limited)
	refusal := time.Duration(spreadOf(rounds, seconds(func(p Pressure) time.Duration { return p.RefusedP99 })).Median * float64(time.Second))
	list := []string{
		fmt.Sprintf("At %.0f×, the limited server keeps %s of its best goodput; the goal is ≥ %s: %s.", most, percent(left), percent(goalLeft), verdictOf(left >= goalLeft)),
		fmt.Sprintf("There, 99 %% of the first refusals arrive within %s ms; the goal is %s ms: %s.", millis(refusal), millis(goalRefusal), verdictOf(refusal <= goalRefusal)),
	}
	if best := r.peak(workload.Limited); best > disturbedCapacity*r.Capacity {
		list = append(list, fmt.Sprintf("The best goodput is %s of the measured capacity: other programs disturbed the run, measure again.", percent(best/r.Capacity)))
	}
	for _, p := range r.Pressures {
		if p.Strange != "" {
			list = append(list, fmt.Sprintf("Unexpected, %s at %.2f×: %s", p.Server, p.Factor, p.Strange))
		}
	}
	return list
}

func verdictOf(met bool) string {
	if met {
		return "met"
	}
	return "missed"
}
