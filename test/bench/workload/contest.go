package workload

import "leadgraph/test/bench/load"

// Servers of the comparison with peers.
const (
	SpliceProxy  = "spliced proxy"
	ReverseProxy = "reverse proxy"
	PooledProxy  = "reverse proxy, pooled buffers"
	Bare         = "leadgraph"
	AsRun        = "leadgraph as users run it"
	PlainGqlgen  = "textbook gqlgen"
	Tailcall     = "Tailcall"
)

// Contest is a workload that leadgraph and its peers have in common.
type Contest struct {
	Workload
	// Cached means that leadgraph answers from its memory, and is compared with the
	// proxies of workload W1.
	Cached bool
	// Peer asks a peer for the same leads. It is nil if no peer takes part.
	Peer func(Data) []*load.Exchange
	// Truth asks leadgraph for all leads of the workload, in the order of From.
	Truth func(Data) []*load.Exchange
	Goals Goals
}

// Goals are the minimum rates of leadgraph as multiples of those of others. 0 means
// that there is no goal.
type Goals struct {
	OfTailcall float64
	OfBestPeer float64
	OfProxy    float64 // the faster reverse proxy
}

// ProxiesOf returns the workload whose proxies leadgraph is compared with.
func (c Contest) ProxiesOf() string {
	if c.Cached {
		return "W1"
	}
	return c.Name
}

// Proxies returns the proxies that do not know GraphQL.
func Proxies() []string { return []string{SpliceProxy, ReverseProxy, PooledProxy} }

// Peers returns the GraphQL servers that leadgraph is compared with.
func Peers() []string { return []string{PlainGqlgen, Tailcall} }

// Entrants returns the servers of the contest.
func (c Contest) Entrants() []string {
	var list []string
	if c.REST != nil {
		list = append(list, Proxies()...)
	}
	list = append(list, Bare, AsRun)
	if c.Peer != nil {
		list = append(list, Peers()...)
	}
	return list
}

// Contests returns all contests.
func Contests() []Contest {
	goals := map[string]Goals{
		"W1": {OfTailcall: 1.3, OfProxy: 0.6}, "W2": {OfBestPeer: 4, OfProxy: 0.3}, "W3": {OfBestPeer: 6, OfProxy: 0.6},
		"W4": {OfTailcall: 1.5}, "W4L": {OfTailcall: 1.5}, "W5": {OfBestPeer: 8, OfProxy: 0.65},
	}
	var list []Contest
	for _, w := range All() {
		c := Contest{Workload: w, Goals: goals[w.Name], Truth: w.GraphQL}
		switch w.Name {
		case "W1":
			c.Peer = func(d Data) []*load.Exchange { return lookupsOf(peerLead, d.Tenants[:manyTenants]) }
		case "W2":
			c.Peer, c.Truth = peerPages(wholeFields, 100), tiles(wholePage, manyPages*(100+rowsBeyond))
		case "W3":
			c.Peer, c.Truth = peerPages(narrowFields, 1000), tiles(narrowPage, Leads)
		case "W5":
			c.Peer = peerPages(listFields, Leads)
		default:
			c.Peer = func(d Data) []*load.Exchange { return aliasesOf("ID!", d) }
		}
		list = append(list, c)
		if w.Name == "W1" {
			w.Name, w.Title, w.Calls, w.REST = CachedLookup, "W1 answered from leadgraph's memory", 0, nil
			list = append(list, Contest{Workload: w, Goals: Goals{OfProxy: 0.9}, Truth: w.GraphQL, Cached: true})
		}
	}
	return list
}

// CachedLookup is the name of the contest that needs no calls to the platform.
const CachedLookup = "W1C"

// Lookups returns the requests of W1 for n distinct tenants: for leadgraph, for a peer
// and for a proxy. There must be as many tenants.
func Lookups(d Data, n int) (ours, peers, rest []*load.Exchange) {
	tenants := d.Tenants[:n]
	return lookupsOf(oneLead, tenants), lookupsOf(peerLead, tenants), restLookupsOf(tenants)
}

// tileSize is the number of leads in each request of tiles.
const tileSize = 1000

// tiles asks leadgraph for at least the first n leads, one page after the other.
func tiles(document string, n int) func(Data) []*load.Exchange {
	return func(d Data) []*load.Exchange {
		var list []*load.Exchange
		for at := 0; at < n; at += tileSize {
			variables := map[string]any{"first": tileSize}
			if at > 0 {
				variables["after"] = d.Cursors[at-1]
			}
			list = append(list, query(document, variables, tileSize))
		}
		return list
	}
}

// peerPages asks a peer for as many pages of n leads as pages does, or for the one of
// List. Peers have numbered pages without anything around the leads.
func peerPages(fields string, n int) func(Data) []*load.Exchange {
	return func(Data) []*load.Exchange {
		var list []*load.Exchange
		for _, page := range restPagesOf(n) {
			e := query(peerPage(fields), map[string]any{"page": page.From / n, "size": n}, n)
			e.From = page.From
			list = append(list, e)
		}
		return list
	}
}

// restPagesOf returns the pages of n leads of the REST API that a workload asks for.
func restPagesOf(n int) []*load.Exchange {
	if n == Leads {
		return []*load.Exchange{restPage(0, n)}
	}
	return restPages(n)
}

// peerPage returns the document that asks a peer for a page.
func peerPage(fields string) string {
	return "query Page($page: Int!, $size: Int!) { leads(page: $page, pageSize: $size) { " + fields + " } }"
}

// peerLead is the document that asks a peer for a tenant's lead.
const peerLead = "query One($tenant: ID!) { lead(tenantId: $tenant) { " + oneFields + " } }"
