// Package workload defines the requests of the benchmarks, and the servers and the
// rates at which they are made.
package workload

import (
	"time"

	"leadgraph/test/bench/load"
	"leadgraph/upstream/sandbox"
)

const (
	// Leads is the number of leads in the sandbox, and the platform's largest page.
	Leads = 20_000
	// SlowLatency is the latency of the slow upstream.
	SlowLatency = 20 * time.Millisecond
	// AliasTenants is the number of tenants in a request of W4, and of upstream
	// calls that it takes.
	AliasTenants = 16
	// GraphPath is the path of leadgraph's API.
	GraphPath = "/graphql"

	leadPath = sandbox.BasePath + "/api/v2/oc/lead"
)

// Servers under test.
const (
	PassThrough = "pass-through"
	Projection  = "projection"
	Textbook    = "textbook"
	WithLog     = "projection, log info"
)

// Data are the values that requests contain.
type Data struct {
	Tenants []string // that have exactly one lead
	Cursors []string // of all leads
}

// Workload is one kind of request, in several forms that ask for different rows.
type Workload struct {
	Name, Title string
	Servers     []string
	List        bool // uses fewer connections
	Slow        bool // uses the slow upstream
	Calls       int  // upstream calls that each request must take
	// Goal is the minimum rate of Projection as a share of the rate of PassThrough.
	// 0 means that there is no goal.
	Goal    float64
	GraphQL func(Data) []*load.Exchange
	REST    func(Data) []*load.Exchange // for the same rows; nil if that takes several calls
}

// All returns all workloads.
func All() []Workload {
	three, two := []string{PassThrough, Projection, Textbook}, []string{Projection, Textbook}
	return []Workload{
		{Name: "W1", Title: "one lead by tenant, 11 fields and contact details", Servers: []string{PassThrough, Projection, Textbook, WithLog},
			Calls: 1, Goal: 0.6, GraphQL: lookups, REST: restLookups},
		{Name: "W2", Title: "100 leads, 12 fields, contact details, contacts, addresses with places", Servers: three,
			Calls: 1, Goal: 0.2, GraphQL: func(d Data) []*load.Exchange { return pages(d, wholePage, 100) },
			REST: func(Data) []*load.Exchange { return restPages(100) }},
		{Name: "W3", Title: "1,000 leads, 3 fields and the company's name", Servers: three,
			Calls: 1, Goal: 0.26, GraphQL: func(d Data) []*load.Exchange { return pages(d, narrowPage, 1000) },
			REST: func(Data) []*load.Exchange { return restPages(1000) }},
		{Name: "W4", Title: "20 aliased lookups of 16 tenants", Servers: two, Calls: AliasTenants, GraphQL: aliases},
		{Name: "W4L", Title: "the same, upstream latency 20 ms", Servers: two, Slow: true, Calls: AliasTenants, GraphQL: aliases},
		{Name: "W5", Title: "20,000 leads, 4 fields", Servers: three, List: true, Calls: 1, Goal: 0.4,
			GraphQL: func(Data) []*load.Exchange { return []*load.Exchange{List(Leads)} },
			REST:    func(Data) []*load.Exchange { return []*load.Exchange{restPage(0, Leads)} }},
	}
}
