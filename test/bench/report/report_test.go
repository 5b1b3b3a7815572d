package report

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"leadgraph/test/bench/load"
	"leadgraph/test/bench/workload"
)

func someReport() Report {
	r := Report{Date: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), CPU: `A<B> & "C"`, Cores: 2, Go: "go1.26", Connections: 32, ListConnections: 4}
	add := func(workload, server string, rate float64, cpu time.Duration) {
		r.Results = append(r.Results, Result{Workload: workload, Server: server, Rate: rate, CPU: cpu, Busy: 0.98, Peak: 64 << 20})
	}
	add("W1", workload.PassThrough, 10_000, 100*time.Microsecond)
	add("W1", workload.Projection, 7000, 140*time.Microsecond)
	add("W1", workload.Textbook, 2000, 500*time.Microsecond)
	add("W2", workload.PassThrough, 5000, 200*time.Microsecond)
	add("W2", workload.Projection, 950, time.Millisecond)
	add("W4", workload.Projection, 650, 0)
	for _, n := range []int{10, 100, 1000, 10_000, 20_000} {
		r.Growth = append(r.Growth, GrowthStep{Leads: n, Last: time.Duration(n) * 2000, Peak: int64(n)*300 + 1<<20})
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
	r := Report{Results: []Result{
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
	full, empty := someReport(), Report{}
	for _, r := range []*Report{&full, &empty} {
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

func TestSummarise(t *testing.T) {
	t.Parallel()
	samples := []load.Sample{{First: 1, Last: 4}, {First: 3, Last: 3}, {First: 2, Last: 9}}
	got := Summarise(samples, time.Second, CPU{Server: time.Second / 2})
	if got.Requests != 3 || got.Rate != 3 || got.P50 != 4 || got.P99 != 9 || got.FirstByte != 2 || got.Busy != 0.5 || got.CPU != time.Second/6 {
		t.Errorf("summary %+v", got)
	}
}
