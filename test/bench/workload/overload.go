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

// Mob is a kind of request that many clients send.
type Mob struct {
	Name     string
	Cached   bool // lookups are remembered
	Requests func(Data) []*load.Exchange
}

// Mobs returns the kinds: single lookups that need the platform, lookups that are
// remembered, pages of 100 leads, and a mix of them.
func Mobs() []Mob {
	page := func(d Data) []*load.Exchange { return pages(d, wholePage, OverloadPage) }
	return []Mob{
		{Name: "lookups", Requests: lookups},
		{Name: "cached", Cached: true, Requests: lookups},
		{Name: "pages", Requests: page},
		{Name: "mix", Cached: true, Requests: func(d Data) []*load.Exchange {
			var all []*load.Exchange
			many := lookups(d)
			for i, e := range page(d) {
				all = append(append(all, e), many[4*i%len(many):][:4]...)
			}
			return all
		}},
	}
}
