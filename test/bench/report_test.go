package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func someReport() report {
	r := report{Date: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), CPU: `A<B> & "C"`, Cores: 2, Go: "go1.26", Connections: 32, ListConnections: 4}
	add := func(workload, server string, rate float64, cpu time.Duration) {
		r.Results = append(r.Results, result{Workload: workload, Server: server, Rate: rate, CPU: cpu, Busy: 0.98, Peak: 64 << 20})
	}
	add("W1", passThrough, 10_000, 100*time.Microsecond)
	add("W1", projection, 7000, 140*time.Microsecond)
	add("W1", textbook, 2000, 500*time.Microsecond)
	add("W2", passThrough, 5000, 200*time.Microsecond)
	add("W2", projection, 950, time.Millisecond)
	add("W4", projection, 650, 0)
	for _, n := range growthSizes() {
		r.Growth = append(r.Growth, growthStep{Leads: n, Last: time.Duration(n) * 2000, Peak: int64(n)*300 + 1<<20})
	}
	return r
}

func TestReport(t *testing.T) {
	t.Parallel()
	r := someReport()
	text := r.markdown()
	for _, want := range []string{
		"| W1 | 0.70 | ≥ 0.60 | met | 0.71 | 3.5× | 3.6× |",
		"| W2 | 0.19 | ≥ 0.20 | missed | 0.20 | – | – |",
		"| W4 | – | – |  | – | – | – |",
		"Growth: 2000 ns (R² 1.0000) a lead.",
		"Growth: 300 bytes (R² 1.0000) of peak memory a lead.",
		"2026-11-23",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	r.Results[0].Busy = 0.5
	if text := r.markdown(); !strings.Contains(text, "| ≥ 0.60 | unsure |") {
		t.Errorf("a disturbed yardstick decides in\n%s", text)
	}
	if !strings.Contains(r.text(), "W4L") {
		t.Error("the text does not explain the workloads")
	}
}

func TestRemarksTellWhereTheServerWaited(t *testing.T) {
	t.Parallel()
	r := report{Results: []result{
		{Workload: "W1", Server: "full", CPU: 1, Busy: 0.95, LoadBusy: 0.95},
		{Workload: "W1", Server: "starved", CPU: 1, Busy: 0.5, LoadBusy: 0.97},
		{Workload: "W1", Server: "disturbed", CPU: 1, Busy: 0.5, LoadBusy: 0.5},
		{Workload: "W4L", Server: "waiting", CPU: 1, Busy: 0.5, LoadBusy: 0.5},
		{Workload: "W1", Server: "unknown"},
	}}
	got := r.remarks()
	if len(got) != 2 || !strings.Contains(got[0], "starved: the server used 50 % of its core, load and sandbox 97 % of theirs: the load was the limit") ||
		!strings.Contains(got[1], "measure again") {
		t.Errorf("remarks %q", got)
	}
}

func TestChartIsWellFormed(t *testing.T) {
	t.Parallel()
	full, empty := someReport(), report{}
	for _, r := range []*report{&full, &empty} {
		chart := string(r.chart())
		decoder := xml.NewDecoder(strings.NewReader(chart))
		for {
			if _, err := decoder.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%v in\n%s", err, chart)
			}
		}
	}
	chart := string(full.chart())
	for _, want := range []string{">7,000 · 70 % of pass-through · 3.5× textbook<", ">650<", "A&lt;B&gt; &amp; &#34;C&#34;", "2026-11-23"} {
		if !strings.Contains(chart, want) {
			t.Errorf("no %q in\n%s", want, chart)
		}
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	for value, want := range map[float64]string{0.904: "0.90", 36.54: "36.5", 938.4: "938", 1000: "1,000", 11_458.4: "11,458"} {
		if got := number(value); got != want {
			t.Errorf("number(%v) = %s, want %s", value, got, want)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	if s, err := parse([]string{"-only", "w1,growth", "-serve-flags", "--expose-cost --page-size 10"}, io.Discard); err != nil || len(s.only) != 2 || len(s.serveFlags) != 3 {
		t.Errorf("settings %+v, %v", s, err)
	}
	for _, args := range [][]string{{"-only", "W9"}, {"-duration", "0s"}, {"-connections", "0"}, {"more"}, {"-unknown"}} {
		if _, err := parse(args, io.Discard); err == nil {
			t.Errorf("%v was accepted", args)
		}
	}
}
