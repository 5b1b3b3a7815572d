package faults

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write docs/faults.md")

const faultsFile = "../../docs/faults.md"

const faultsHead = `# What users get when the platform fails

<!-- Written by "go test ./test/faults -run TestFaultMatrix -update". Change test/faults/list_test.go, not this page. -->

The tables say what each operation must answer when something goes wrong between leadgraph and the platform. A test runs every cell:
the whole program, over real HTTP, against the [sandbox](../upstream/sandbox/doc.go) with that fault. Beside the answer it
checks the calls that arrive, that the answer comes within the request's time, that the log has one line of the operation with its
codes and a warning of each failure, that neither log nor errors hold personal data, secrets, hosts or URLs, and that no goroutine is left.

**Right** is the answer that there would be without the fault. A code is that of ` + "`errors[].extensions.code`" + `; what could not be read is null, and
the rest is answered: where one of three tenants fails (*one hole*) the other two are right. **Stale** is the right answer as of the last
reading of all leads, with ` + "`extensions.stale`" + `. The numbers are the calls for leads that reach the platform, and after the + those for
tokens; a range where it depends on what happens first.

**Cold**: nothing was read before. **Fresh**: the same operation was answered before, and its answer is younger than ` + "`--lookup-ttl`" + ` or
` + "`--catalogue-ttl`" + `. **Expired**: it is older, and older than ` + "`--catalogue-revalidate`" + ` allows. Both hold a token and kept connections, and so does
**warm**: a page in the platform's own order is never answered from memory.

**What is tried again.** Reads whose connection breaks, whose body is cut, that get no answer within ` + "`--upstream-attempt-timeout`" + `, and
those answered 429, 502, 503 or 504: up to ` + "`--upstream-retries`" + ` times within ` + "`--upstream-timeout`" + `, after a random wait that doubles, or after
Retry-After if the time suffices. Where it does not, the refusal is passed on at once with ` + "`retryAfterMs`" + `. A 401 is tried again once, with a
new token, of which all waiting calls share one request. An answer that arrived whole and cannot be read is not asked for again; nor is a 500; nor
is a read with ` + "`checkOnline`" + `, because it writes on the platform.

**When it goes on failing.** No more is tried again than a tenth of the calls of the last ten seconds, or three. After 16 failures of 20
attempts (5xx, time-outs, broken connections) nothing is asked for about two seconds: ` + "`UPSTREAM_UNAVAILABLE`" + ` with ` + "`retryAfterMs`" + ` at once,
without a call. Then a few attempts probe, and a platform that is back is asked again within ten seconds. The tables show neither, because each
cell is a program of its own; TestRetryBudget and TestBreaker do.

**What is remembered.** Lookups for ` + "`--lookup-ttl`" + ` and the catalogue of all leads for ` + "`--catalogue-ttl`" + `; failures never. Pages in the platform's own
order are always read anew. Old lookups are not answered: a hole with a code is better than a lead that may have changed.

**When stale answers are given.** What takes the catalogue is answered from the last one up to the age ` + "`--catalogue-if-error`" + ` (an hour) if
the platform fails, or has not answered when four fifths of the request's time are over; but not to a request with ` + "`Cache-Control`" + `, nor
when the platform denies access (401, 403).
`

// checkFaultsPage compares the page with the matrix.
func checkFaultsPage(t *testing.T) {
	t.Helper()
	page := faultsPage()
	if *update && !t.Failed() {
		if err := os.WriteFile(faultsFile, []byte(page), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	written, err := os.ReadFile(faultsFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(written), page); diff != "" {
		t.Errorf("%s is not what is tested; write it with -update (-written +tested):\n%s", faultsFile, diff)
	}
}

func faultsPage() string {
	var b strings.Builder
	b.WriteString(faultsHead)
	for _, op := range operations {
		fmt.Fprintf(&b, "\n## %s\n\n    %s\n\n", op.title, op.document)
		warm := "warm"
		if op.cached {
			b.WriteString("Fresh: right, and no call, whatever the fault.\n\n")
			warm = string(expired)
		}
		fmt.Fprintf(&b, "| fault | cold | %s |\n|---|---|---|\n", warm)
		for _, f := range faultList {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", f.name, cell{f, op, cold}.want(), cell{f, op, expired}.want())
		}
	}
	return b.String()
}

// String is how the page shows an outcome.
func (o outcome) String() string {
	what := o.shown
	switch {
	case o.code != "" && strings.Contains(o.data, `"id"`): // other tenants were read
		what = "one hole, `" + o.code + "`"
	case o.code != "":
		what = "`" + o.code + "`"
	case o.stale:
		what = "stale"
	case what == "":
		what = "right"
	}
	if o.retryAfter > 0 {
		what += " with `retryAfterMs`"
	}
	calls := o.leads.String()
	if o.tokens != just(0) {
		calls += " + " + o.tokens.String()
	}
	return what + ", " + calls
}
