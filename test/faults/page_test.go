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
the whole program, over real HTTP, against the [sandbox](../upstream/sandbox/doc.go) with that fault. Besides the answer it checks that
the expected calls arrive, that the answer comes within the request's time-out, that the log has one line of the operation with its codes and
a warning of each failure, that neither log nor errors hold personal data, secrets, hosts or URLs, and that no goroutine is left.

**Right** is the answer without the fault. Codes are those in ` + "`errors[].extensions.code`" + `. Fields that could not be read are null, and the rest is
answered: where one of three tenants fails (*one hole*), the other two are right. **Stale** is the right answer as of an earlier
read, with ` + "`extensions.stale`" + `. The numbers count the calls for leads that reach the platform; a number after a + counts those for
tokens. A range means that the number depends on what happens first.

**Cold**: nothing was read before. **Fresh**: the same operation was answered before, and its answer is younger than ` + "`--lookup-ttl`" + ` or
` + "`--catalogue-ttl`" + `. **Expired**: the answer is older than that, and older than ` + "`--catalogue-revalidate`" + ` allows. Fresh and expired programs
hold a token and open connections. So does a **warm** one: a page in the platform's own order is never answered from a cache.

**Retries.** leadgraph retries reads whose connection breaks, whose body is cut, that get no answer within ` + "`--upstream-attempt-timeout`" + `, and
those answered 408, 425, 429, 502, 503 or 504. It retries up to ` + "`--upstream-retries`" + ` times within ` + "`--upstream-timeout`" + `, after a random wait that
doubles, or after Retry-After if there is enough time. If there is not, it passes the refusal on at once with ` + "`retryAfterMs`" + `. It retries a 401 once
with a new token; all waiting calls share one request for the token. That request is made up to three times if it fails in a way that may
pass and the next try is due within two seconds. It does not retry an answer that arrived whole but cannot be parsed,
a 500, or a read with ` + "`checkOnline`" + `, because such a read writes on the platform.

**Continued failure.** Retries are limited to a tenth of the calls of the last ten seconds, or to three. After 16 failures in 20
attempts (5xx, time-outs, broken connections, redirects, and whatever is not leads, such as a maintenance page with status 200) leadgraph sends no calls for about two seconds and answers ` + "`UPSTREAM_UNAVAILABLE`" + ` with ` + "`retryAfterMs`" + `
at once. Then a few attempts probe the platform; within ten seconds of its recovery all calls go through again. The tables show neither,
because each cell has its own program; TestRetryBudget and TestBreaker do.

**Rate limits.** After a 429 no call of the same kind (lookups, pages, lookups with ` + "`checkOnline`" + `) is sent until the time that the platform demands has
passed, by ` + "`Retry-After`" + ` (seconds, fractions, dates), ` + "`retry-after-ms`" + ` or ` + "`x-ms-retry-after-ms`" + `; the longest counts, and an hour at most. Without such a header it is half a second, which doubles up to ten. Replicas that
share Redis stop as well. A call with less time than that, or without retries left, is answered ` + "`UPSTREAM_RATE_LIMITED`" + ` with ` + "`retryAfterMs`" + ` at once. Afterwards two calls are sent,
and one more at a time for each success. TestFloodStopsAtTheFirst429 counts the calls.

**Caching.** Lookups are kept for ` + "`--lookup-ttl`" + ` and the catalogue of all leads for ` + "`--catalogue-ttl`" + `; failures are never kept. Pages in the
platform's own order are always read from the platform.

**Stale answers.** If the platform fails, or has not answered when four fifths of the request's time are over, operations that need the
catalogue are answered from the last one, up to the age ` + "`--catalogue-if-error`" + ` (an hour). Lookups are answered from the last leads of the
tenant, be they of a lookup or of the catalogue, and pages from the catalogue, up to the age ` + "`--stale-if-error`" + ` (as long). If a tenant had no
lead, that is not repeated. Two cases get the error instead: a request with ` + "`Cache-Control`" + `, and one to which the platform denies access (401, 403),
then or with its last answer.
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
		t.Errorf("%s differs from the tests; write it with -update (-written +tested):\n%s", faultsFile, diff)
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

// String returns the outcome as the page shows it.
func (o outcome) String() string {
	what := o.shown
	switch {
	case o.code != "" && strings.Contains(o.data, `"id"`): // the other tenants were read
		what = "one hole, `" + o.code + "`"
	case o.code != "":
		what = "`" + o.code + "`"
	case o.stale:
		what = "stale"
	case what == "":
		what = "right"
	}
	if o.retryAfter != 0 {
		what += " with `retryAfterMs`"
	}
	calls := o.leads.String()
	if o.tokens != just(0) {
		calls += " + " + o.tokens.String()
	}
	return what + ", " + calls
}
