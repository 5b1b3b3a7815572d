package main

import (
	"fmt"
	"strings"
	"testing"

	"leadgraph/internal/apptest"
)

// memory returns how much memory the Go runtime of a process has taken from the system, in
// bytes.
func (p *process) memory(t *testing.T) float64 {
	t.Helper()
	return apptest.Metric(t, p.admin+"metrics", "go_memstats_sys_bytes")
}

// largeDocument returns a document of about 900 tokens.
func largeDocument(i int) string {
	const fields = `id tenantId status statusText operatorId channelId comments consentedOn lastModifiedOn ovocChannelId isDirectLead
		contactDetails { fullName email phoneNumber companyName companySize } contacts { fullName email phoneNumber companyName companySize }
		civicAddresses { id country houseNumber streetName cityOrTown description locations { id description elin } }`
	var document strings.Builder
	_, _ = fmt.Fprintf(&document, "query Q%d { leads(first: 0) { nodes {", i) // never fails
	for fragment := range 18 {
		_, _ = fmt.Fprintf(&document, " ...F%d", fragment)
	}
	document.WriteString(" } } }")
	for fragment := range 18 {
		_, _ = fmt.Fprintf(&document, " fragment F%d on Lead { %s }", fragment, fields)
	}
	return document.String()
}

// Clients who never send the same document twice do not swell the process: neither what
// is remembered of documents nor the garbage that they leave exceeds its bound.
func TestDistinctDocumentsDoNotSwellTheProcess(t *testing.T) {
	t.Parallel()
	p := launch(t, "--admin-listen", "127.0.0.1:0", "--sandbox-leads", "10", "--log-level", "warn")
	ask := func(i int) {
		if answer := apptest.Query(t, p.endpoint, largeDocument(i)); len(answer.Errors) > 0 {
			t.Fatal(answer.Body)
		}
	}
	for range 20 {
		ask(0)
	}
	before := p.memory(t)
	for i := range 300 {
		ask(i + 1)
	}
	const most = 64 << 20
	if grown := p.memory(t) - before; grown > most {
		t.Errorf("the process has grown by %.0f MiB", grown/(1<<20))
	}
}
