package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"leadgraph/upstream/sandbox"
)

const (
	leads     = 20_000 // in the sandbox: the platform's largest page
	graphPath = "/graphql"
	leadPath  = sandbox.BasePath + "/api/v2/oc/lead"
)

// Servers under test.
const (
	passThrough = "pass-through"
	projection  = "projection"
	textbook    = "textbook"
	withLog     = "projection, log info"
)

// data is what requests are made of.
type data struct {
	tenants []string // with exactly one lead
	cursors []string // of all leads
}

// workload is one kind of request, in several forms that ask for different rows.
type workload struct {
	name, title string
	servers     []string
	list        bool // fewer connections
	slow        bool // upstream latency of slowLatency
	calls       int  // of the upstream that each request must take
	// goal is the rate of projection as a share of pass-through's; 0: none.
	goal    float64
	graphql func(data) []*exchange
	rest    func(data) []*exchange // the same rows; nil where that takes several calls
}

func workloads() []workload {
	three, two := []string{passThrough, projection, textbook}, []string{projection, textbook}
	return []workload{
		{name: "W1", title: "one lead by tenant, 11 fields and contact details", servers: []string{passThrough, projection, textbook, withLog},
			calls: 1, goal: 0.6, graphql: lookups, rest: restLookups},
		{name: "W2", title: "100 leads, 12 fields, contact details, contacts, addresses with places", servers: three,
			calls: 1, goal: 0.2, graphql: func(d data) []*exchange { return pages(d, wholePage, 100) },
			rest: func(data) []*exchange { return restPages(100) }},
		{name: "W3", title: "1,000 leads, 3 fields and the company's name", servers: three,
			calls: 1, goal: 0.26, graphql: func(d data) []*exchange { return pages(d, narrowPage, 1000) },
			rest: func(data) []*exchange { return restPages(1000) }},
		{name: "W4", title: "20 aliased lookups of 16 tenants", servers: two, calls: aliasTenants, graphql: aliases},
		{name: "W4L", title: "the same, upstream latency 20 ms", servers: two, slow: true, calls: aliasTenants, graphql: aliases},
		{name: "W5", title: "20,000 leads, 4 fields", servers: three, list: true, calls: 1, goal: 0.4,
			graphql: func(data) []*exchange { return []*exchange{list(leads)} },
			rest:    func(data) []*exchange { return []*exchange{restPage(0, leads)} }},
	}
}

// Numbers of different requests of a workload, multiples of the 32 connections
// where there are enough leads.
const (
	manyTenants = 512
	manyPages   = 64
	manyAliases = 64

	aliasTenants = 16 // of one request of W4
)

const oneLead = `query One($tenant: UUID!) { lead(tenantId: $tenant) {
  id tenantId tenantOrigin operatorId status isDirectLead umpCustomerGuid channelId consentedOn lastModifiedOn consentedCountries
  contactDetails { fullName email phoneNumber companyName companySize } } }`

const wholePage = `query Whole($first: Int!, $after: Cursor) { leads(first: $first, after: $after) { nodes {
  id tenantId tenantOrigin operatorId status isDirectLead umpCustomerGuid channelId comments consentedOn lastModifiedOn consentedCountries
  contactDetails { fullName email phoneNumber companyName companySize }
  contacts { fullName email phoneNumber companyName companySize }
  civicAddresses { id country houseNumber streetName streetSuffix stateOrProvince cityOrTown postalOrZipCode description companyName validationStatus
    locations { id description additionalInfo isDefault elin } } }
  pageInfo { hasNextPage endCursor } } }`

const narrowPage = `query Narrow($first: Int!, $after: Cursor) { leads(first: $first, after: $after) {
  nodes { id status consentedOn contactDetails { companyName } } pageInfo { hasNextPage endCursor } } }`

const wholeList = `query List($first: Int!) { leads(first: $first) { nodes { id tenantId status contactDetails { companyName } } } }`

func lookups(d data) []*exchange {
	var list []*exchange
	for _, tenant := range d.tenants[:manyTenants] {
		list = append(list, query(oneLead, map[string]any{"tenant": tenant}, 1))
	}
	return list
}

func restLookups(d data) []*exchange {
	var list []*exchange
	for _, tenant := range d.tenants[:manyTenants] {
		list = append(list, &exchange{path: leadPath + "?" + url.Values{"msTenantID": {tenant}}.Encode(), rows: 1})
	}
	return list
}

// pages asks for pages in the middle of the list, as a client that pages does.
// The server reads the cursor's row before and one behind, n+2 rows, and they
// lie on one upstream page where the cursor's row is a multiple of that.
func pages(d data, document string, n int) []*exchange {
	var list []*exchange
	for at := 0; at+n+2 <= len(d.cursors) && len(list) < manyPages; at += n + 2 {
		list = append(list, query(document, map[string]any{"first": n, "after": d.cursors[at]}, n))
	}
	return list
}

// restPages are as many pages as pages has, of the n rows that are wanted; the
// platform's own pages begin a few rows elsewhere.
func restPages(n int) []*exchange {
	var list []*exchange
	for number := 0; (number+1)*(n+2) <= leads && number < manyPages; number++ {
		list = append(list, restPage(number, n))
	}
	return list
}

func restPage(number, size int) *exchange {
	return &exchange{path: fmt.Sprintf("%s?PageNumber=%d&PageSize=%d", leadPath, number, size), rows: size}
}

func list(n int) *exchange { return query(wholeList, map[string]any{"first": n}, n) }

// aliases asks for a group of tenants in each request, for the first four of them
// a second time under other aliases.
func aliases(d data) []*exchange {
	const fields = 20
	var declared, selected strings.Builder
	for i := range aliasTenants {
		fmt.Fprintf(&declared, "$t%d: UUID! ", i)
	}
	for i := range fields {
		fmt.Fprintf(&selected, "lead%d: lead(tenantId: $t%d) { ...Row } ", i, i%aliasTenants)
	}
	document := fmt.Sprintf("query Many(%s) { %s}\nfragment Row on Lead { id tenantId status consentedOn contactDetails { fullName email companyName } }",
		declared.String(), selected.String())
	var list []*exchange
	for group := range manyAliases {
		variables := map[string]any{}
		for i := range aliasTenants {
			variables[fmt.Sprintf("t%d", i)] = d.tenants[group*aliasTenants+i]
		}
		list = append(list, query(document, variables, fields))
	}
	return list
}

// query is a GraphQL request whose answer has that many leads.
func query(document string, variables map[string]any, rows int) *exchange {
	body, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	if err != nil { // only texts and numbers get here
		panic(err)
	}
	return &exchange{path: graphPath, body: string(body), rows: rows}
}
