package report

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"leadgraph/test/bench/workload"
)

// Entry is what a server did in one round.
type Entry struct {
	Round int
	Result
}

// Yardstick is the comparison with proxies and peers, in several rounds.
type Yardstick struct {
	*Report
	Contests []Entry // the workloads
	Crowds   []Entry // W1 with other numbers of connections
	Secure   []Entry // over a platform with TLS
}

// YardstickSection is the part of a file that Write replaces.
const YardstickSection = "bench-peers"

// Write prints the tables. It writes them into a section of a file in Markdown if its
// name is not empty.
func (y *Yardstick) Write(stdout io.Writer, markdown string) error {
	text := y.machine() + "\n"
	for _, t := range []table{y.goals(), inRounds(y.Contests), inRounds(y.Crowds), inRounds(y.Secure), y.growth()} {
		if len(t) > 1 {
			text += "\n" + t.markdown()
		}
	}
	text += list(append(y.remarks(), y.waiting()...))
	_, err := io.WriteString(stdout, text)
	if markdown != "" {
		err = errors.Join(err, replaceSection(markdown, YardstickSection, text))
	}
	return err
}

// of returns the entries of a server in a workload.
func of(entries []Entry, work, server string) []Entry {
	return slices.DeleteFunc(slices.Clone(entries), func(e Entry) bool { return e.Workload != work || e.Server != server })
}

// groups splits entries by workload and server, in the order of the first round.
func groups(entries []Entry) [][]Entry {
	var all [][]Entry
	for _, e := range entries {
		at := slices.IndexFunc(all, func(g []Entry) bool { return g[0].Workload == e.Workload && g[0].Server == e.Server })
		if at < 0 {
			all = append(all, nil)
			at = len(all) - 1
		}
		all[at] = append(all[at], e)
	}
	return all
}

func rate(e Entry) float64 { return e.Rate }

// inSeconds returns a figure that is a time in seconds.
func inSeconds(figure func(Entry) time.Duration) func(Entry) float64 {
	return func(e Entry) float64 { return figure(e).Seconds() }
}

// inRounds is the table of all servers. Figures with a range are medians of the rounds;
// so are the others.
func inRounds(entries []Entry) table {
	t := table{{"work", "server", "req/s", "p50 ms", "p99 ms", "CPU ms/req", "core busy", "peak MiB", "upstream calls/req"}}
	for _, rounds := range groups(entries) {
		cpu := spreadOf(rounds, inSeconds(func(e Entry) time.Duration { return e.CPU }))
		middle := func(figure func(Entry) float64) float64 { return spreadOf(rounds, figure).Median }
		t = append(t, []string{
			rounds[0].Workload, rounds[0].Server, spreadOf(rounds, rate).show(number),
			asMillis(middle(inSeconds(func(e Entry) time.Duration { return e.P50 }))),
			asMillis(middle(inSeconds(func(e Entry) time.Duration { return e.P99 }))),
			known(cpu.Median > 0, cpu.show(asMillis)),
			known(cpu.Median > 0, percent(middle(func(e Entry) float64 { return e.Busy }))),
			mebi(int64(middle(func(e Entry) float64 { return float64(e.Peak) }))),
			number(middle(func(e Entry) float64 { return e.Calls })),
		})
	}
	return t
}

// goals compares leadgraph with the others. Ratios are those of the same round.
func (y *Yardstick) goals() table {
	t := table{{"work", "leadgraph compared with", "goal in one run", "ratio of rates", "", "ratio by CPU"}}
	for _, c := range workload.Contests() {
		against := func(work, other string, goal float64, name string) {
			if row := y.compared(c.Name, work, other, goal); row != nil {
				t = append(t, append([]string{c.Name, name}, row...))
			}
		}
		proxy := y.fastest(c.ProxiesOf(), workload.ReverseProxy, workload.PooledProxy)
		against(c.ProxiesOf(), proxy, c.Goals.OfProxy, proxy)
		against(c.ProxiesOf(), workload.SpliceProxy, 0, workload.SpliceProxy)
		best := y.fastest(c.Name, workload.Peers()...)
		for _, peer := range workload.Peers() {
			goal, name := 0.0, peer
			if peer == workload.Tailcall {
				goal = c.Goals.OfTailcall
			}
			if peer == best {
				goal, name = max(goal, c.Goals.OfBestPeer), peer+", the best peer"
			}
			against(c.Name, peer, goal, name)
		}
		against(c.Name, workload.AsRun, 0, workload.AsRun)
	}
	return t
}

// fastest returns the server with the highest median rate, or nothing.
func (y *Yardstick) fastest(work string, servers ...string) (best string) {
	var most float64
	for _, server := range servers {
		if rounds := of(y.Contests, work, server); len(rounds) > 0 {
			if median := spreadOf(rounds, rate).Median; median > most {
				best, most = server, median
			}
		}
	}
	return best
}

// compared returns the cells of a comparison: goal, ratio, verdict, ratio by CPU. It
// returns nil if there is nothing to compare.
func (y *Yardstick) compared(work, otherWork, server string, goal float64) []string {
	var rates, costs []float64
	unsure := false
	for _, ours := range of(y.Contests, work, workload.Bare) {
		for _, other := range of(y.Contests, otherWork, server) {
			if other.Round != ours.Round {
				continue
			}
			rates = append(rates, ours.Rate/other.Rate)
			if ours.CPU > 0 {
				costs = append(costs, float64(other.CPU)/float64(ours.CPU))
			}
			unsure = unsure || ours.disturbed() || other.disturbed()
		}
	}
	if len(rates) == 0 {
		return nil
	}
	itself := func(v float64) float64 { return v }
	ratio := func(v float64) string { return fmt.Sprintf("%.2f", v) }
	got := spreadOf(rates, itself)
	row := []string{"–", got.show(ratio), "", "–"}
	if goal > 0 {
		row[0], row[2] = fmt.Sprintf("≥ %.2f", goal), "missed"
		if got.Median >= goal {
			row[2] = "reached"
		}
		if unsure {
			row[2] += ", but other programs disturbed the run"
		}
	}
	if len(costs) > 0 {
		row[3] = spreadOf(costs, itself).show(ratio)
	}
	return row
}

// waiting returns where the load was the limit, not the server, and where the server
// refused requests.
func (y *Yardstick) waiting() []string {
	var remarks []string
	for _, entries := range [][]Entry{y.Contests, y.Secure} {
		for _, rounds := range groups(entries) {
			one := Report{}
			answers, refused := 0, 0
			for _, e := range rounds {
				one.Results = append(one.Results, e.Result)
				answers, refused = answers+e.Requests, refused+e.Refused
			}
			if refused > 0 {
				remarks = append(remarks, fmt.Sprintf("%s %s: %d requests were refused and sent again when the server had said, %d were answered.",
					rounds[0].Workload, rounds[0].Server, refused, answers))
			}
			if found := one.remarks(); 2*len(found) > len(rounds) {
				remarks = append(remarks, found[len(found)/2])
			}
		}
	}
	return remarks
}
