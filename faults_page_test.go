package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const faultsFile = "docs/faults.md"

const faultsHead = `# What users get when the platform fails

<!-- Written by "go test -run TestFaultMatrix . -update". Change faults_list_test.go, not this page. -->

The tables say what each operation must answer when something goes wrong between leadgraph and the platform. A test runs every cell:
the whole program, over real HTTP, against the [sandbox](../upstream/sandbox/doc.go) with that fault. It checks the answer and the
calls that arrive. It also checks that the answer comes within the request's time, that the log has one line for the operation with its
codes and a warning for each failure, that neither log nor errors hold personal data, secrets, hosts or URLs, and that no goroutine is left.

**Right** is the answer that there would be without the fault. A code is the one in ` + "`errors[].extensions.code`" + `. What could not be read is null;
the rest is answered. Where one of three tenants fails (*one hole*), the other two are right. **Stale** is the right answer from the last
catalogue that could be read, with ` + "`extensions.stale`" + `. The numbers are the calls for leads that reach the platform and, after the +, the
calls for tokens. A range means that the number depends on timing.

**Cold**: nothing was read before. **Fresh**: the same operation was answered before, and its answer is younger than ` + "`--lookup-ttl`" + ` or
` + "`--catalogue-ttl`" + `. **Expired**: the answer is older than that, and older than ` + "`--catalogue-revalidate`" + ` allows. **Warm**: a page in the platform's
own order, which is never answered from memory. In the last three a token and open connections exist.

**What is retried.** Reads whose connection breaks, whose body is cut, that get no answer within ` + "`--upstream-attempt-timeout`" + `, and
those answered 429, 502, 503 or 504: up to ` + "`--upstream-retries`" + ` times within ` + "`--upstream-timeout`" + `, after a random wait that doubles, or after
Retry-After if there is time for it. If there is not, the refusal is passed on at once with ` + "`retryAfterMs`" + `. A 401 is retried once with a
new token, which all waiting calls request together. Not retried are an answer that arrived whole and cannot be read, a 500, and
a read with ` + "`checkOnline`" + `, because that writes on the platform.

**When the platform keeps failing.** Retries are limited to a tenth of the calls of the last ten seconds, or three. After 16 failures in 20
attempts (5xx, time-outs, broken connections) leadgraph makes no call for about two seconds and answers ` + "`UPSTREAM_UNAVAILABLE`" + ` with ` + "`retryAfterMs`" + ` at
once. Then a few attempts probe the platform. A platform that has recovered is asked again within ten seconds. The tables show neither limit,
because each cell is a program of its own; TestRetryBudget and TestBreaker do.

**What is remembered.** Lookups for ` + "`--lookup-ttl`" + `, the catalogue of all leads for ` + "`--catalogue-ttl`" + `, failures never. Pages in the platform's own
order are always read from the platform. Old lookups are not served: a hole with a code is better than a lead that may have changed.

**When stale answers are given.** An operation that needs the catalogue is answered from the last one, up to the age ` + "`--catalogue-if-error`" + ` (an hour), if
the platform fails or has not answered when four fifths of the request's time are over. Requests with ` + "`Cache-Control`" + ` get no stale answer, and
nobody does when the platform denies access (401, 403).
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
