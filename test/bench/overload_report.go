package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// goalLeft is the share of its best goodput that a server is to keep.
const goalLeft = 0.8

// goalRefusal is the time in which a request is to be refused.
const goalRefusal = 10 * time.Millisecond

// disturbedCapacity is how far above the capacity no goodput can be.
const disturbedCapacity = 1.15

// overloadReport is what the overload found, in several rounds.
type overloadReport struct {
	*report
	Capacity  float64
	Pressures []pressure
}

func (r *overloadReport) write(stdout io.Writer, svg, markdown string) error {
	text := r.markdown()
	_, err := io.WriteString(stdout, text)
	if svg != "" {
		err = errors.Join(err, os.WriteFile(svg, r.chart(), 0o644))
	}
	if markdown != "" {
		err = errors.Join(err, os.WriteFile(markdown, []byte(text), 0o644))
	}
	return err
}

// of are the rounds of a server at a factor.
func (r *overloadReport) of(server string, factor float64) []pressure {
	return slices.DeleteFunc(slices.Clone(r.Pressures), func(p pressure) bool { return p.Server != server || p.Factor != factor })
}

// spread is the median of a figure and its range.
type spread struct{ Median, Least, Most float64 }

func spreadOf(rounds []pressure, figure func(pressure) float64) spread {
	values := make([]float64, len(rounds))
	for i, p := range rounds {
		values[i] = figure(p)
	}
	return spread{median(values), slices.Min(values), slices.Max(values)}
}

func (s spread) show(format func(float64) string) string {
	return fmt.Sprintf("%s (%s–%s)", format(s.Median), format(s.Least), format(s.Most))
}

// peak is the best goodput of a server.
func (r *overloadReport) peak(server string) (best float64) {
	for _, factor := range factors() {
		if rounds := r.of(server, factor); len(rounds) > 0 {
			best = max(best, spreadOf(rounds, goodput).Median)
		}
	}
	return best
}

func goodput(p pressure) float64 { return p.Goodput }

// seconds makes a figure of a time.
func seconds(of func(pressure) time.Duration) func(pressure) float64 {
	return func(p pressure) float64 { return of(p).Seconds() }
}

func asMillis(s float64) string { return millis(time.Duration(s * float64(time.Second))) }

func (r *overloadReport) markdown() string {
	var b strings.Builder
	b.WriteString("![Answers in time, and their p99, with the limiter and without](overload.svg)\n\n")
	fmt.Fprintf(&b, "%s · %s, %d cores · %s · %s\n\n", r.Date.Format(time.DateOnly), r.CPU, r.Cores, r.Go, r.Placement)
	fmt.Fprintf(&b, "Pages of %d leads with all that belongs to them (W2), upstream latency %v, %d callers. Capacity, by a closed loop of %d connections: %s requests a second. "+
		"Requests are then due at a multiple of that, whether or not earlier ones are answered; a client leaves after %v. Goodput is the right answers that came before. "+
		"Figures are medians of the rounds, with their range; times of served requests count from when they were due, those of refusals from when they were sent.\n",
		pageOfOverload, slowLatency, callers, overloadConnections, number(r.Capacity), patience)
	fmt.Fprintf(&b, "\n| server | asked for | goodput /s | of its best | p50 ms | p99 ms | refused | refusal p50 ms | refusal p99 ms | given up or lost |\n|%s\n", strings.Repeat("---|", 10))
	for _, server := range []string{limited, unlimited} {
		best := r.peak(server)
		for _, factor := range factors() {
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

// cells are one row of the table.
func cells(rounds []pressure, best float64) []string {
	first := rounds[0]
	share := func(figure func(pressure) float64) string { return percent(spreadOf(rounds, figure).Median) }
	refusals := func(of func(pressure) time.Duration) string {
		refusing := slices.DeleteFunc(slices.Clone(rounds), func(p pressure) bool { return p.Refused == 0 })
		if len(refusing) == 0 {
			return "–"
		}
		return asMillis(spreadOf(refusing, seconds(of)).Median)
	}
	of := spreadOf(rounds, goodput)
	return []string{
		first.Server, fmt.Sprintf("%.2f×", first.Factor), of.show(number), percent(of.Median / best),
		spreadOf(rounds, seconds(func(p pressure) time.Duration { return p.P50 })).show(asMillis),
		spreadOf(rounds, seconds(func(p pressure) time.Duration { return p.P99 })).show(asMillis),
		share(func(p pressure) float64 { return p.Refused }),
		refusals(func(p pressure) time.Duration { return p.RefusedP50 }),
		refusals(func(p pressure) time.Duration { return p.RefusedP99 }),
		share(func(p pressure) float64 { return p.Other }),
	}
}

// remarks say whether the goals are met at the greatest factor.
func (r *overloadReport) remarks() []string {
	most := slices.Max(factors())
	rounds := r.of(limited, most)
	if len(rounds) == 0 {
		return nil
	}
	left := spreadOf(rounds, goodput).Median / r.peak(limited)
	refusal := time.Duration(spreadOf(rounds, seconds(func(p pressure) time.Duration { return p.RefusedP99 })).Median * float64(time.Second))
	list := []string{
		fmt.Sprintf("At %.0f× the limited server keeps %s of its best goodput; the goal is ≥ %s: %s.", most, percent(left), percent(goalLeft), verdictOf(left >= goalLeft)),
		fmt.Sprintf("There 99 %% of the refusals come within %s ms; the goal is %s ms: %s.", millis(refusal), millis(goalRefusal), verdictOf(refusal <= goalRefusal)),
	}
	if best := r.peak(limited); best > disturbedCapacity*r.Capacity {
		list = append(list, fmt.Sprintf("The best goodput is %s of what was taken for the capacity: other programs disturbed the run, measure again.", percent(best/r.Capacity)))
	}
	for _, p := range r.Pressures {
		if p.Strange != "" {
			list = append(list, fmt.Sprintf("Strange, %s at %.2f×: %s", p.Server, p.Factor, p.Strange))
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
