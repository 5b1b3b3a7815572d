package report

import (
	"cmp"
	"slices"
	"time"

	"leadgraph/test/bench/load"
)

// Result is what one server did with one workload.
type Result struct {
	Workload, Server string
	Requests         int
	Refused          int     // requests that were sent again later
	Rate             float64 // answers a second
	P50, P99         time.Duration
	FirstByte        time.Duration // median
	CPU              time.Duration // of the server, for each request; 0 if unknown
	Busy             float64       // share of its core that the server used
	LoadBusy         float64       // share of their core that the load and the sandbox used
	Peak             int64         // bytes of resident memory; 0 if unknown
	Calls            float64       // to the upstream, for each request
	Bytes            int64         // of an answer, on average
}

// CPU is the processor time of the server, and of the load and the sandbox.
type CPU struct{ Server, Load time.Duration }

// Minus returns the processor time since an earlier moment.
func (c CPU) Minus(earlier CPU) CPU {
	return CPU{Server: c.Server - earlier.Server, Load: c.Load - earlier.Load}
}

// Summarise sums up one measurement. It needs at least one sample.
func Summarise(samples []load.Sample, elapsed time.Duration, cpu CPU) Result {
	n := len(samples)
	first, last := make([]time.Duration, n), make([]time.Duration, n)
	for i, s := range samples {
		first[i], last[i] = s.First, s.Last
	}
	slices.SortFunc(last, cmp.Compare[time.Duration])
	return Result{
		Requests: n, Rate: float64(n) / elapsed.Seconds(),
		P50: percentile(last, 0.5), P99: percentile(last, 0.99), FirstByte: median(first),
		CPU: cpu.Server / time.Duration(n), Busy: cpu.Server.Seconds() / elapsed.Seconds(), LoadBusy: cpu.Load.Seconds() / elapsed.Seconds(),
	}
}

// GrowthStep is what a list of one length takes. Its times are medians.
type GrowthStep struct {
	Leads           int
	FirstByte, Last time.Duration
	Peak            int64 // bytes of resident memory; 0 if unknown
	Bytes           int64 // of the answer
}

// Grown sums up the requests for a list of one length.
func Grown(leads int, samples []load.Sample, peak, bytes int64) GrowthStep {
	var first, last []time.Duration
	for _, s := range samples {
		first, last = append(first, s.First), append(last, s.Last)
	}
	return GrowthStep{Leads: leads, FirstByte: median(first), Last: median(last), Peak: peak, Bytes: bytes}
}

// Pressure is what a server did with requests that were due at a rate.
type Pressure struct {
	Server         string
	Factor         float64 // rate as a multiple of the capacity
	Offered        float64 // requests that were due, a second
	Goodput        float64 // right answers in time, a second
	Refused, Other float64 // shares of the requests: refused, and neither answered nor refused
	P50, P99       time.Duration
	Longest        time.Duration
	// RefusedP50 and RefusedP99 are the times until a refusal arrived, of clients that were
	// not held back.
	RefusedP50, RefusedP99 time.Duration
	Strange                string // an unexpected answer, if there was one
}

// Sum sums up the requests at one rate. It needs at least one shot.
func Sum(shots []load.Shot, length time.Duration) Pressure {
	var served, refused []time.Duration
	refusals := 0
	p := Pressure{Offered: float64(len(shots)) / length.Seconds()}
	for _, s := range shots {
		switch s.Outcome {
		case load.Good:
			served = append(served, s.Since)
		case load.Refused:
			if refusals++; !s.Again {
				refused = append(refused, s.Took)
			}
		}
		if s.Text != "" {
			p.Strange = s.Text
		}
	}
	slices.SortFunc(served, cmp.Compare[time.Duration])
	slices.SortFunc(refused, cmp.Compare[time.Duration])
	p.Goodput = float64(len(served)) / length.Seconds()
	p.Refused = float64(refusals) / float64(len(shots))
	p.Other = float64(len(shots)-len(served)-refusals) / float64(len(shots))
	p.P50, p.P99, p.Longest = percentile(served, 0.5), percentile(served, 0.99), percentile(served, 1)
	p.RefusedP50, p.RefusedP99 = percentile(refused, 0.5), percentile(refused, 0.99)
	return p
}
