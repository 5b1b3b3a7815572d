package graph_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"leadgraph/graph"
	"leadgraph/graph/transport"
	"leadgraph/internal/apptest"
	"leadgraph/lead"
	"leadgraph/lead/lookup"
)

// brokenTenant is a tenant that the platform fails to look up, and slowTenant one that it
// does not answer in time.
const (
	brokenTenant = "11111111-1111-4111-8111-111111111111"
	slowTenant   = "22222222-2222-4222-8222-222222222222"
)

// failing fails the lookups of some tenants.
type failing struct{ graph.Lookups }

func (f failing) ByTenants(ctx context.Context, tenantIDs []string, want lead.Freshness) ([]lookup.Lookup, lookup.Report) {
	found, report := f.Lookups.ByTenants(ctx, tenantIDs, want)
	for i, id := range tenantIDs {
		switch id {
		case brokenTenant:
			found[i] = lookup.Lookup{Err: &lead.SourceError{Kind: lead.FailureRateLimited, Status: 429, RetryAfter: time.Second, TraceID: "trace", Err: errors.New("429")}}
		case slowTenant:
			found[i] = lookup.Lookup{Err: context.DeadlineExceeded}
		}
	}
	return found, report
}

// asked is a random request that looks up tenants, or nearly.
type asked struct {
	document  string
	name      string
	variables map[string]any
	header    []string
}

func drawAsked(t *rapid.T) asked {
	pick := func(from ...string) string { return rapid.SampledFrom(from).Draw(t, "choice") }
	plain := rapid.Bool().Draw(t, "plain") // so that the operation can be compiled
	rarely := func(first string, others ...string) string {
		if plain {
			return first
		}
		return pick(append(others, first)...)
	}
	tenant := func() string {
		return pick(seedTenant, fullTenant, twinTenant, strings.ToUpper(seedTenant), noTenant, brokenTenant, slowTenant)
	}
	a := asked{variables: map[string]any{}}
	var fields, declared []string
	fragment := false
	for i := range rapid.IntRange(1, 4).Draw(t, "fields") {
		argument := fmt.Sprintf("%q", tenant())
		if rapid.Bool().Draw(t, "variable") {
			argument = fmt.Sprintf("$v%d", i)
			declared = append(declared, argument+": "+rarely("UUID!", `UUID! = "`+seedTenant+`"`))
			a.variables[argument[1:]] = tenant()
			if !plain && rapid.IntRange(0, 5).Draw(t, "odd") == 0 {
				a.variables[argument[1:]] = rapid.SampledFrom([]any{nil, 1, "x", true, []any{seedTenant}, seedTenant[:35]}).Draw(t, "value")
			}
		}
		selection := pick("{ id }", "{ id status tenantId __typename }", "{ id contactDetails { fullName email } comments }", "{ ...F }",
			"{ id ... on Lead { consentedOn civicAddresses { id locations { elin } } } }")
		selection = rarely(selection, `{ civicAddresses(country: "DE") { country } }`, "{ id @include(if: true) }")
		fragment = fragment || strings.Contains(selection, "...F")
		more := rarely("", ", checkOnline: false", ", checkOnline: true")
		fields = append(fields, fmt.Sprintf("%s lead(tenantId: %s%s) %s", pick("a", "b", "c", "d")+fmt.Sprint(i)+":", argument, more, selection))
	}
	fields = append(fields, rarely("", "__typename", "leadStats { total }"))
	name := pick("", "Q")
	a.document = "query " + name + " "
	if len(declared) > 0 {
		a.document += "(" + strings.Join(declared, ", ") + ")"
	}
	a.document += rarely("", "@skip(if: false)") + "{" + strings.Join(fields, " ") + "}"
	if fragment {
		a.document += " fragment F on Lead { id contacts { email } }"
	}
	a.name = rarely(pick("", name), "Q", "Other")
	if !plain && rapid.IntRange(0, 5).Draw(t, "extra") == 0 {
		a.variables["other"] = 1
	}
	a.header = [][]string{nil, {"Cache-Control", "no-cache"}, {"Accept", "application/graphql-response+json"}, {"Accept", "multipart/mixed;deferSpec=20220824"}}[rapid.IntRange(0, 3).Draw(t, "header")]
	return a
}

var (
	durations = regexp.MustCompile(`"durationMs":[0-9.]+`)
	codes     = regexp.MustCompile(`\["[A-Z_",]*\]`)
	logTimes  = regexp.MustCompile(`"time":"[^"]*"`)
)

// ask returns everything that a request shows: status, media type, answer and log.
func (a asked) ask(t *rapid.T, s service, answered <-chan struct{}) string {
	body, err := json.Marshal(map[string]any{"query": a.document, "operationName": a.name, "variables": a.variables})
	if err != nil {
		t.Fatal(err)
	}
	request, err := apptest.NewRequest(context.Background(), s.url, string(body), a.header...)
	if err != nil {
		t.Fatal(err)
	}
	s.log.Reset()
	answer, err := apptest.Do(http.DefaultClient, request)
	if err != nil {
		t.Fatal(err)
	}
	<-answered
	lines := durations.ReplaceAllString(logTimes.ReplaceAllString(s.log.String(), ""), "")
	log := slices.Sorted(strings.Lines(codes.ReplaceAllStringFunc(lines, func(list string) string { // fields fail in any order
		return fmt.Sprint(slices.Sorted(slices.Values(strings.Split(strings.Trim(list, "[]"), ","))))
	})))
	text := answer.Body
	var whole map[string]json.RawMessage
	if json.Unmarshal([]byte(answer.Body), &whole) == nil {
		var errs []json.RawMessage
		_ = json.Unmarshal(whole["errors"], &errs)
		text = fmt.Sprintln(slices.Sorted(maps.Keys(whole)), string(whole["data"]), string(whole["extensions"]))
		for _, one := range slices.SortedFunc(slices.Values(errs), func(a, b json.RawMessage) int { return bytes.Compare(a, b) }) {
			text += string(one) + "\n"
		}
	}
	return fmt.Sprintln(answer.Status, answer.Header.Get("Content-Type"), text, log)
}

// Whatever a request looks up, the compiled operation shows the same as the generated
// executor: the answer, its status and its lines in the log. The first request with a
// document is answered by the executor, the next ones by the compiled operation.
func TestCompiledLookupsEqualTheExecutors(t *testing.T) {
	t.Parallel()
	for _, seesPII := range []bool{true, false} {
		var both [2]service
		var answered [2]chan struct{}
		for i, textbook := range []bool{false, true} {
			answered[i] = make(chan struct{}, 1)
			both[i] = newService(t, serviceOptions{graph: func(o *graph.Options) {
				o.Textbook, o.ExposeCost, o.Lookups = textbook, true, failing{o.Lookups}
				o.SeesPII = func(context.Context) bool { return seesPII }
				o.Budget.UpstreamCalls = 6
				o.Field = func(ctx context.Context, name string) (context.Context, func(string)) {
					return ctx, func(code string) { o.Logger.InfoContext(ctx, "field", "name", name, "code", code) }
				}
				o.Done = func(context.Context, transport.Operation) { answered[i] <- struct{}{} }
			}})
		}
		rapid.Check(t, func(t *rapid.T) {
			a := drawAsked(t)
			for range 3 {
				got, want := a.ask(t, both[0], answered[0]), a.ask(t, both[1], answered[1])
				if got != want {
					t.Fatalf("%s\nvariables %v\ngot  %s\nwant %s", a.document, a.variables, got, want)
				}
			}
		})
	}
}
