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

func TestSum(t *testing.T) {
	t.Parallel()
	shots := []load.Shot{
		{Outcome: load.Good, Since: 3, Took: 1}, {Outcome: load.Good, Since: 9, Took: 1}, {Outcome: load.Refused, Since: 8, Took: 2}, {Outcome: load.Refused, Since: 8, Took: 7, Again: true},
		{Outcome: load.Lost}, {Outcome: load.Wrong, Text: "odd"},
	}
	want := Pressure{Offered: 6, Goodput: 2, Refused: 1. / 3, Other: 1. / 3, P50: 3, P99: 9, Longest: 9, RefusedP50: 2, RefusedP99: 2, Strange: "odd"}
	if got := Sum(shots, time.Second); got != want {
		t.Errorf("sum %+v, want %+v", got, want)
	}
}

func someOverload() Overload {
	r := someReport()
	o := Overload{Report: &r, Capacity: 1000}
	for round := range 3 {
		for _, factor := range workload.Factors() {
			bonus := float64(10 * round)
			o.Pressures = append(o.Pressures,
				Pressure{Server: workload.Limited, Factor: factor, Goodput: min(factor, 0.9)*1000 + bonus, P99: 50 * time.Millisecond, Refused: max(0, 1-1/factor), RefusedP99: 8 * time.Millisecond},
				Pressure{Server: workload.Unlimited, Factor: factor, Goodput: max(0, min(factor, 2-factor))*1000 + bonus, P99: time.Second})
		}
	}
	return o
}

func TestOverloadReport(t *testing.T) {
	t.Parallel()
	o := someOverload()
	text := o.markdown()
	for _, want := range []string{
		"| limited | 3.00× | 910 (900–920) | 100 % |",
		"| unlimited | 3.00× | 10.0 (0.00–20.0) | 1 % |",
		"keeps 100 % of its best goodput; the goal is ≥ 85 %: met.",
		"arrive within 8.00 ms; the goal is 10.0 ms: met.",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "disturbed") {
		t.Errorf("disturbed?\n%s", text)
	}
	o.Capacity = 500
	for i := range o.Pressures {
		if p := &o.Pressures[i]; p.Factor == 3 {
			p.Goodput, p.RefusedP99, p.Strange = 500, time.Second, "odd"
		}
	}
	text = o.markdown()
	for _, want := range []string{"keeps 55 % of its best goodput; the goal is ≥ 85 %: missed.", "arrive within 1,000 ms; the goal is 10.0 ms: missed.", "other programs disturbed the run, measure again", "Unexpected, limited at 3.00×: odd"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestOverloadChartIsXML(t *testing.T) {
	t.Parallel()
	o := someOverload()
	decoder, lines := xml.NewDecoder(strings.NewReader(string(o.chart()))), 0
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if element, ok := token.(xml.StartElement); ok && element.Name.Local == "polyline" {
			lines++
		}
	}
	if lines != 4 {
		t.Errorf("%d lines", lines)
	}
}
