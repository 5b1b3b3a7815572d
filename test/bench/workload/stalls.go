package workload

import (
	"fmt"

	"leadgraph/test/bench/load"
)

const (
	// StallLeads is the number of leads in the catalogue that is refreshed.
	StallLeads = 100_000
	// StallLookupRate is the number of lookups that are due a second: far from what a
	// server can answer.
	StallLookupRate = 400
	// StallPageRate is the same for pages.
	StallPageRate = 50
	// StallPage is the number of leads of a page of the catalogue.
	StallPage = 50
)

// StallLookups returns lookups that the server may remember.
func StallLookups(d Data) []*load.Exchange { return remembered(lookups(d)) }

// StallPages returns pages of the catalogue, each with another filter or order, and with
// a count.
func StallPages() []*load.Exchange {
	var list []*load.Exchange
	for _, filter := range []string{`{status: [ACTIVE]}`, `{isDirectLead: false}`, `{search: "gmbh"}`} {
		for _, order := range []string{"COMPANY_NAME", "CONSENTED_ON", "TENANT_ID"} {
			document := fmt.Sprintf(`{ leads(first: %d, filter: %s, orderBy: {field: %s}) { nodes { id status contactDetails { companyName } } totalCount } }`,
				StallPage, filter, order)
			list = append(list, query(document, nil, StallPage))
		}
	}
	return remembered(list)
}

func remembered(list []*load.Exchange) []*load.Exchange {
	for _, e := range list {
		e.Cached = true
	}
	return list
}
