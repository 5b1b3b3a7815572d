// Package report counts what happens in a soak, judges the whole and prints it.
package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"leadgraph/test/soak/child"
)

// Summary is what a soak found, in addition to the tally.
type Summary struct {
	Seed                       uint64
	Load                       time.Duration
	Race                       bool
	Machine                    string
	Date                       time.Time
	Calls                      int           // to the platform
	Before, Early, Peak, After child.Vitals  // Early and Peak are maxima: of the first third, and of the whole load
	End                        time.Duration // from SIGTERM
	LogLines                   int
	MostRSS, Limit             int64 // bytes of resident memory until the end of the load, and that leadgraph may have; 0 if there is no limit
}

// Show returns the tables and the evidence in Markdown that is readable in a
// terminal too.
func (t *Tally) Show(s Summary) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var b strings.Builder
	race := ""
	if s.Race {
		race = " with the race detector"
	}
	fmt.Fprintf(&b, "Soak of %v%s, seed %d, %s, %s\n\n", s.Load.Round(time.Second), race, s.Seed, s.Date.Format("2 January 2006"), s.Machine)
	fmt.Fprintf(&b, "%d operations answered, %d walks through whole lists, %d calls to the platform.\n\n", len(t.took), t.walked().walks, s.Calls)
	rows := [][]string{{"operations", "whole", "in part", "refused", "p50 ms", "p99 ms", "longest ms"}}
	var all kindTally
	for _, name := range slices.Sorted(maps.Keys(t.kinds)) {
		k := t.kinds[name]
		rows = append(rows, k.cells(name))
		all.served, all.partial, all.refused, all.left = all.served+k.served, all.partial+k.partial, all.refused+k.refused, all.left+k.left
	}
	all.took = t.took
	table(&b, append(rows, all.cells("all")))
	t.showWalks(&b)
	counts(&b, "changes while leads were walked through", t.changes)
	counts(&b, "errors by code", t.codes)
	counts(&b, "faults", t.faults)
	counts(&b, "attacks", t.attacks)
	table(&b, [][]string{
		{"leadgraph", "before", "maximum in the first third", "maximum", "after"},
		s.held("goroutines", func(v child.Vitals) string { return fmt.Sprint(v.Goroutines) }),
		s.held("open files", func(v child.Vitals) string { return fmt.Sprint(v.Files) }),
		s.held("heap in use, MiB", func(v child.Vitals) string { return mebi(v.Heap) }),
		s.held("resident memory, MiB", func(v child.Vitals) string { return mebi(v.RSS) }),
	})
	fmt.Fprintf(&b, "At no time did leadgraph have more than %s MiB of resident memory.\n\n", mebi(s.MostRSS))
	fmt.Fprintf(&b, "leadgraph ended %v after SIGTERM. Its log has %d lines.\n\n", s.End.Round(time.Millisecond), s.LogLines)
	found := [][]string{{"violations", "found"}}
	for _, sort := range sorts() {
		found = append(found, []string{sort, fmt.Sprint(t.violations[sort])})
	}
	table(&b, found)
	for _, sort := range sorts() {
		for _, text := range t.evidence[sort] {
			fmt.Fprintf(&b, "%s: %s\n\n", sort, text)
		}
	}
	return b.String()
}

// walked returns the sum of all kinds of walks.
func (t *Tally) walked() (all walkTally) {
	for _, k := range t.walks {
		all.add(*k)
	}
	return all
}

// showWalks writes the table of walks.
func (t *Tally) showWalks(w io.Writer) {
	rows := [][]string{{"walks", "to the end", "pages", "leads that had to be met", "met again", "passed by a moved lead and not met"}}
	show := func(name string, k walkTally) {
		rows = append(rows, []string{name, fmt.Sprint(k.walks), fmt.Sprint(k.pages), fmt.Sprint(k.leads), fmt.Sprint(k.repeats), fmt.Sprint(k.passed)})
	}
	for _, name := range slices.Sorted(maps.Keys(t.walks)) {
		show(name, *t.walks[name])
	}
	show("all", t.walked())
	table(w, rows)
}

// held returns the row of a figure.
func (s Summary) held(name string, show func(child.Vitals) string) []string {
	return []string{name, show(s.Before), show(s.Early), show(s.Peak), show(s.After)}
}

// cells returns the row of a kind of operation.
func (k *kindTally) cells(name string) []string {
	if k.left > 0 && len(k.took) == 0 {
		return []string{name + ": " + fmt.Sprint(k.left), "–", "–", "–", "–", "–", "–"}
	}
	sorted := slices.Sorted(slices.Values(k.took))
	at := func(share float64) string {
		if len(sorted) == 0 {
			return "–"
		}
		return fmt.Sprint(sorted[int(share*float64(len(sorted)-1))].Milliseconds())
	}
	return []string{name, fmt.Sprint(k.served), fmt.Sprint(k.partial), fmt.Sprint(k.refused), at(0.5), at(0.99), at(1)}
}

func mebi(bytes int64) string {
	if bytes == 0 {
		return "–"
	}
	return fmt.Sprint(bytes >> 20)
}

// counts writes a table of counts by name.
func counts(w io.Writer, title string, of map[string]int) {
	rows := [][]string{{title, "count"}}
	for _, name := range slices.Sorted(maps.Keys(of)) {
		rows = append(rows, []string{name, fmt.Sprint(of[name])})
	}
	table(w, rows)
}

// table writes rows of cells. The first row is the head.
func table(w io.Writer, rows [][]string) {
	columns := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	for i, row := range rows {
		_, _ = fmt.Fprintln(columns, "| "+strings.Join(row, "\t| ")+"\t|") // writing to a Builder does not fail
		if i == 0 {
			_, _ = fmt.Fprintln(columns, "|"+strings.Repeat("---\t|", len(row)))
		}
	}
	_ = columns.Flush()
	_, _ = fmt.Fprintln(w)
}
