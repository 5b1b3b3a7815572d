package workload

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"leadgraph/test/bench/load"
)

// Numbers of different requests of a workload. They are multiples of the 32
// connections if there are enough leads.
const (
	manyTenants = 512
	manyPages   = 64
	manyAliases = 64
)

// Fields of leads.
const (
	oneFields = `id tenantId tenantOrigin operatorId status isDirectLead umpCustomerGuid channelId consentedOn lastModifiedOn consentedCountries
  contactDetails { fullName email phoneNumber companyName companySize }`
	wholeFields = `id tenantId tenantOrigin operatorId status isDirectLead umpCustomerGuid channelId comments consentedOn lastModifiedOn consentedCountries
  contactDetails { fullName email phoneNumber companyName companySize }
  contacts { fullName email phoneNumber companyName companySize }
  civicAddresses { id country houseNumber streetName streetSuffix stateOrProvince cityOrTown postalOrZipCode description companyName validationStatus
    locations { id description additionalInfo isDefault elin } }`
	narrowFields = `id status consentedOn contactDetails { companyName }`
	listFields   = `id tenantId status contactDetails { companyName }`
)

const (
	oneLead   = `query One($tenant: UUID!) { lead(tenantId: $tenant) { ` + oneFields + ` } }`
	wholePage = `query Whole($first: Int!, $after: Cursor) { leads(first: $first, after: $after) { nodes { ` + wholeFields + ` }
  pageInfo { hasNextPage endCursor } } }`
	narrowPage = `query Narrow($first: Int!, $after: Cursor) { leads(first: $first, after: $after) {
  nodes { ` + narrowFields + ` } pageInfo { hasNextPage endCursor } } }`
	wholeList = `query List($first: Int!) { leads(first: $first) { nodes { ` + listFields + ` } } }`
)

func lookups(d Data) []*load.Exchange { return lookupsOf(oneLead, d.Tenants[:manyTenants]) }

func lookupsOf(document string, tenants []string) []*load.Exchange {
	var list []*load.Exchange
	for i, tenant := range tenants {
		e := query(document, map[string]any{"tenant": tenant}, 1)
		e.From = i
		list = append(list, e)
	}
	return list
}

func restLookups(d Data) []*load.Exchange { return restLookupsOf(d.Tenants[:manyTenants]) }

func restLookupsOf(tenants []string) []*load.Exchange {
	var list []*load.Exchange
	for i, tenant := range tenants {
		list = append(list, &load.Exchange{Path: leadPath + "?" + url.Values{"msTenantID": {tenant}}.Encode(), Rows: 1, From: i})
	}
	return list
}

// The server reads the row of a cursor too, and rows on both sides of the page and that.
const (
	rowsBefore = 2
	rowsBeyond = rowsBefore + 1 + 6
)

// pages asks for pages of n leads in the middle of the list, as a client does that
// pages through it. All rows that the server reads are on one upstream page of their
// number.
func pages(d Data, document string, n int) []*load.Exchange {
	var list []*load.Exchange
	for at := 0; at+n+rowsBeyond <= len(d.Cursors) && len(list) < manyPages; at += n + rowsBeyond {
		e := query(document, map[string]any{"first": n, "after": d.Cursors[at+rowsBefore]}, n)
		e.From = at + rowsBefore + 1
		list = append(list, e)
	}
	return list
}

// restPages asks for as many pages as pages does, each with n rows. The platform's
// pages begin a few rows earlier than those of pages.
func restPages(n int) []*load.Exchange {
	var list []*load.Exchange
	for number := 0; (number+1)*(n+rowsBeyond) <= Leads && number < manyPages; number++ {
		list = append(list, restPage(number, n))
	}
	return list
}

func restPage(number, size int) *load.Exchange {
	return &load.Exchange{Path: PagePath(number, size), Rows: size, From: number * size}
}

// PagePath returns the path of a page of the REST API. Pages are numbered from zero.
func PagePath(number, size int) string {
	return fmt.Sprintf("%s?PageNumber=%d&PageSize=%d", leadPath, number, size)
}

// List asks for the first n leads.
func List(n int) *load.Exchange { return query(wholeList, map[string]any{"first": n}, n) }

// aliases asks for a group of tenants in each request. It asks for the first four
// of them twice, under different aliases.
func aliases(d Data) []*load.Exchange { return aliasesOf("UUID!", d) }

// aliasesOf asks a server where tenants have the given type.
func aliasesOf(tenantType string, d Data) []*load.Exchange {
	const fields = 20
	var declared, selected strings.Builder
	for i := range AliasTenants {
		fmt.Fprintf(&declared, "$t%d: %s ", i, tenantType)
	}
	for i := range fields {
		fmt.Fprintf(&selected, "lead%d: lead(tenantId: $t%d) { ...Row } ", i, i%AliasTenants)
	}
	document := fmt.Sprintf("query Many(%s) { %s}\nfragment Row on Lead { id tenantId status consentedOn contactDetails { fullName email companyName } }",
		declared.String(), selected.String())
	var list []*load.Exchange
	for group := range manyAliases {
		variables := map[string]any{}
		for i := range AliasTenants {
			variables[fmt.Sprintf("t%d", i)] = d.Tenants[group*AliasTenants+i]
		}
		e := query(document, variables, fields)
		e.From = group * fields
		list = append(list, e)
	}
	return list
}

// query returns a GraphQL request. The answer must have the given number of leads.
func query(document string, variables map[string]any, rows int) *load.Exchange {
	body, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	if err != nil { // there are only texts and numbers
		panic(err)
	}
	return &load.Exchange{Path: GraphPath, Body: string(body), Rows: rows}
}
