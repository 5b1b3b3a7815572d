package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// summary is what a soak found.
type summary struct {
	Seed                       uint64
	Load                       time.Duration
	Race                       bool
	Machine                    string
	Date                       time.Time
	Calls                      int           // of the platform
	Before, Early, Peak, After vitals        // Early: the most in the first third
	End                        time.Duration // from SIGTERM
	LogLines                   int
}

// about explains the figures to who has not run the program.
const about = `# Soak

` + "`make soak` runs this: leadgraph as a process of its own over a sandbox, clients at random by all transports, the platform failing in turns." + `
Its settings are the defaults but for shorter times: 4 s for a request, 3 s for a read with its retries, 1 s for an attempt, 3 s for a
lookup to be remembered, 2 s and 3 s for the catalogue to be fresh and to be served while it is read anew. What counts as wrong:

- **A row** that is not, field by field, the platform's; of a tenant that was not asked for; of another time than the age of the answer
  allows (that of the settings, of ` + "`Cache-Control`" + `, of ` + "`asOf`" + `); a list with other rows, another order, another count or other page
  info than a version of the platform had in that time; null where nothing failed. A walk must meet each lead that was there all the
  time, and none twice; where leads come and go, pages of the platform itself promise no more than their order.
- **An error** with a code that nothing here can cause, without a request id, or with a host, a Go error or personal data in its text.
- **An answer** that is late by more than a second, broken, or never comes; a health check that takes a second or says no.
- **A leak**: after the load, 5 goroutines or open files more than before it; 32 MiB of heap in use more than the most in the first third,
  in which the caches fill; at any time, a quarter and 64 MiB of resident memory more than then, unless the race detector takes most of that.
- **A line of the log** with personal data, a panic or an internal error; **an end** that takes 15 s after SIGTERM or is not orderly.

`

// show makes the tables and the evidence, in Markdown, which a terminal bears.
func (t *tally) show(s summary) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var b strings.Builder
	race := ""
	if s.Race {
		race = " with the race detector"
	}
	fmt.Fprintf(&b, "Soak of %v%s, seed %d, %s, %s\n\n", s.Load.Round(time.Second), race, s.Seed, s.Date.Format("2 January 2006"), s.Machine)
	fmt.Fprintf(&b, "%d operations answered, %d walks through whole lists, %d calls to the platform.\n\n", len(t.took), t.walks, s.Calls)
	rows := [][]string{{"operations", "whole", "in part", "refused", "p50 ms", "p99 ms", "longest ms"}}
	var all kindTally
	for _, name := range slices.Sorted(maps.Keys(t.kinds)) {
		k := t.kinds[name]
		rows = append(rows, k.cells(name))
		all.served, all.partial, all.refused, all.left = all.served+k.served, all.partial+k.partial, all.refused+k.refused, all.left+k.left
	}
	all.took = t.took
	table(&b, append(rows, all.cells("all")))
	counts(&b, "errors by code", t.codes)
	counts(&b, "faults", t.faults)
	table(&b, [][]string{
		{"leadgraph", "before", "most in the first third", "most", "after"},
		s.held("goroutines", func(v vitals) string { return fmt.Sprint(v.Goroutines) }),
		s.held("open files", func(v vitals) string { return fmt.Sprint(v.Files) }),
		s.held("heap in use, MiB", func(v vitals) string { return mebi(v.Heap) }),
		s.held("resident memory, MiB", func(v vitals) string { return mebi(v.RSS) }),
	})
	fmt.Fprintf(&b, "It ended %v after SIGTERM. Its log has %d lines.\n\n", s.End.Round(time.Millisecond), s.LogLines)
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

func (s summary) held(name string, show func(vitals) string) []string {
	return []string{name, show(s.Before), show(s.Early), show(s.Peak), show(s.After)}
}

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

func counts(w io.Writer, title string, of map[string]int) {
	rows := [][]string{{title, "count"}}
	for _, name := range slices.Sorted(maps.Keys(of)) {
		rows = append(rows, []string{name, fmt.Sprint(of[name])})
	}
	table(w, rows)
}

// table writes rows of cells below a head.
func table(w io.Writer, rows [][]string) {
	columns := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	for i, row := range rows {
		_, _ = fmt.Fprintln(columns, "| "+strings.Join(row, "\t| ")+"\t|") // a Builder takes everything
		if i == 0 {
			_, _ = fmt.Fprintln(columns, "|"+strings.Repeat("---\t|", len(row)))
		}
	}
	_ = columns.Flush()
	_, _ = fmt.Fprintln(w)
}
