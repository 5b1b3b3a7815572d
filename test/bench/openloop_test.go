package main

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestCrowdDoesNotWait has a server that holds the first two requests until all
// others were answered: those are sent nevertheless.
func TestCrowdDoesNotWait(t *testing.T) {
	t.Parallel()
	const body, requests = `{"data":{"status":"ACTIVE"}}`, 8
	var mu sync.Mutex
	seen := 0
	callersSeen := map[string]bool{}
	rest := make(chan struct{})
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen++
		number := seen
		host, _, _ := strings.Cut(r.RemoteAddr, ":")
		callersSeen[host] = true
		mu.Unlock()
		switch {
		case number == requests:
			close(rest)
		case number <= 2:
			<-rest
		}
		switch number {
		case 3:
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `{"errors":[{"extensions":{"code":"OVERLOADED"}}]}`)
		case 4:
			_, _ = io.WriteString(w, `{"data":null}`)
		case 5:
			panic(http.ErrAbortHandler)
		default:
			_, _ = io.WriteString(w, body)
		}
	})
	e := &exchange{path: "/", rows: 1}
	e.render(url)
	var want fingerprinter
	_, _ = want.Write([]byte(body))
	e.want = want.fingerprint
	c := &crowd{url: url, exchanges: []*exchange{e}}
	defer c.close()
	shots := c.fire(t.Context(), requests, 0, time.Second)
	found := map[outcome]int{}
	for _, s := range shots {
		found[s.outcome]++
	}
	if found[good] != requests-3 || found[refused] != 1 || found[wrong] != 1 || found[given] != 1 {
		t.Errorf("outcomes %v", found)
	}
	if len(callersSeen) < 2 {
		t.Errorf("callers %v", callersSeen)
	}
	if p := sum(shots, time.Second); p.Goodput != requests-3 || p.Refused != 1.0/requests || p.Other != 2.0/requests || p.P50 > p.P99 || p.Strange == "" {
		t.Errorf("sum %+v", p)
	}
}

func someOverload() overloadReport {
	r := someReport()
	o := overloadReport{report: &r, Capacity: 1000}
	for round := range 3 {
		for _, factor := range factors() {
			bonus := float64(10 * round)
			o.Pressures = append(o.Pressures,
				pressure{Server: limited, Factor: factor, Goodput: min(factor, 0.9)*1000 + bonus, P99: 50 * time.Millisecond, Refused: max(0, 1-1/factor), RefusedP99: 8 * time.Millisecond},
				pressure{Server: unlimited, Factor: factor, Goodput: max(0, min(factor, 2-factor))*1000 + bonus, P99: time.Second})
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
		"keeps 100 % of its best goodput; the goal is ≥ 80 %: met.",
		"come within 8.00 ms; the goal is 10.0 ms: met.",
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
	for _, want := range []string{"keeps 55 % of its best goodput; the goal is ≥ 80 %: missed.", "come within 1,000 ms; the goal is 10.0 ms: missed.", "other programs disturbed the run, measure again", "Strange, limited at 3.00×: odd"} {
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
