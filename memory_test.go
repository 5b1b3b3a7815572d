package main

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"leadgraph/internal/apptest"
)

// taken matches the memory that the Go runtime has taken from the system.
var taken = regexp.MustCompile(`(?m)^go_memstats_sys_bytes (\S+)$`)

// memory returns how much memory a process has taken, in bytes.
func (p *process) memory(t *testing.T) uint64 {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.admin+"metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(response.Body)
	_ = response.Body.Close() // it has been read
	found := taken.FindSubmatch(text)
	if err != nil || found == nil {
		t.Fatalf("%v: %.500s", err, text)
	}
	size, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return uint64(size)
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
	if grown := int64(p.memory(t)) - int64(before); grown > most {
		t.Errorf("the process has grown by %d MiB", grown>>20)
	}
}
