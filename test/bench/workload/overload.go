package workload

import "leadgraph/test/bench/load"

const (
	// Limited is leadgraph with its defaults.
	Limited = "limited"
	// Unlimited is leadgraph with a limiter that never refuses.
	Unlimited = "unlimited"

	// OverloadConnections are enough to keep the server busy while it waits for the
	// upstream.
	OverloadConnections = 64
	// OverloadPage is the number of leads of each request of the overload.
	OverloadPage = 100
)

// Factors returns the multiples of the capacity at which requests are due.
func Factors() []float64 { return []float64{0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 3} }

// Overload returns the requests of the overload. They are those of W2.
func Overload(d Data) []*load.Exchange { return pages(d, wholePage, OverloadPage) }
