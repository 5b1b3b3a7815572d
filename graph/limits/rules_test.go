package limits_test

import (
	"context"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/google/go-cmp/cmp"

	"leadgraph/graph/generated"
	"leadgraph/graph/limits"
)

// faults validates a document and returns its errors.
func faults(exec *executor.Executor, document string) (messages []string) {
	ctx := graphql.StartOperationTrace(context.Background())
	_, errs := exec.CreateOperationContext(ctx, &graphql.RawParams{Query: document})
	for _, err := range errs {
		messages = append(messages, err.Error())
	}
	return messages
}

// TestRulesFindTheFirstErrors compares with gqlparser's own rules.
func TestRulesFindTheFirstErrors(t *testing.T) {
	t.Parallel()
	stock := executor.New(generated.NewExecutableSchema(generated.Config{}))
	for _, document := range []string{
		"{leads{totalCount}}",
		"{lead{idd} leads(frist: 1){nodes{statsu}} leadStats{total{a}}}",
		"query($a: Int, $a: Lead){...F ...G} fragment F on Lead{id id: status} fragment H on Nothing{x}",
		"{a b c d e f g h i j k l m n o p}",
	} {
		want := faults(stock, document)
		want = want[:min(len(want), maxErrors)]
		if diff := cmp.Diff(want, faults(newExecutor(), document)); diff != "" {
			t.Errorf("%s: errors (-stock +ours):\n%s", document, diff)
		}
	}
}

// Documents from before orderBy was a list are valid, and no others that the
// specification refuses.
func TestFormerTypesOfVariables(t *testing.T) {
	t.Parallel()
	for document, want := range map[string]int{
		`query($o: LeadOrder){leads(orderBy: $o){asOf}}`: 0,
		`query($o: LeadOrder! = {field: STATUS}){leads(orderBy: $o){asOf} ...F} fragment F on Query{a: leads(orderBy: $o){asOf}}`: 0,
		`query($o: [LeadOrder!]){leads(orderBy: $o){asOf}}`:                                                                       0,
		`query($o: LeadOrder! = {field: STATUS}){leads(orderBy: [$o]){asOf}}`:                                                     0,
		`query($o: LeadOrder){leads(orderBy: [$o]){asOf}}`:                                                                        1,
		`query($o: [LeadOrder]){leads(orderBy: $o){asOf}}`:                                                                        1,
		`query($o: LeadFilter){leads(orderBy: $o){asOf}}`:                                                                         1,
		`query($f: LeadFilter){leads(filter: {and: $f}){asOf}}`:                                                                   1,
		`query($s: LeadStatus!){leads(filter: {status: $s}){asOf}}`:                                                               1,
	} {
		if errs := faults(newExecutor(), document); len(errs) != want {
			t.Errorf("%s: %q, want %d errors", document, errs, want)
		}
	}
}

// TestDeferLabels has the verdicts of DeferStreamDirectiveLabelRule of graphql-js.
func TestDeferLabels(t *testing.T) {
	t.Parallel()
	const f = " fragment F on Query{leads{... @defer(label: \"inner\"){asOf}}}"
	for document, want := range map[string]int{
		`{... @defer{leads{asOf}} ... @defer{leadStats{asOf}}}`:                             0,
		`{... @defer(label: "a"){leads{asOf}} ... @defer(label: "b"){leadStats{asOf}}}`:     0,
		`{... @defer(label: "a"){leads{asOf}} ... @defer(label: """b"""){leadStats{asOf}}}`: 0,
		`{...F ...F ... {...F}}` + f:        0,
		`{...F @defer(label: "outer")}` + f: 0,
		`{... @defer(label: "a"){leads{asOf}} ... @defer(label: "a"){leadStats{asOf}}}`:     1,
		`{... @defer(label: "a"){leads{asOf}} ... @defer(label: """a"""){leadStats{asOf}}}`: 1,
		`{...F @defer(label: "inner")}` + f:                                                 1,
		`query A{...F @defer(label: "x")} query B{...F @defer(label: "x")}` + f:             1,
		`query($l: String){... @defer(label: $l){leads{asOf}}}`:                             1,
		`query($l: String! = "a"){... @defer(label: $l){leads{asOf}}}`:                      1,
		`{... @defer(label: null){leads{asOf}}}`:                                            1,
		`{... @defer(label: 1){leads{asOf}}}`:                                               1,
	} {
		if errs := faults(newExecutor(), document); len(errs) != want {
			t.Errorf("%s: %q, want %d errors", document, errs, want)
		}
	}
}

func TestRulesWithoutSuggestions(t *testing.T) {
	t.Parallel()
	exec := executor.New(generated.NewExecutableSchema(generated.Config{}))
	exec.SetDisableSuggestion(true)
	exec.SetDefaultRulesFn(limits.Rules(maxErrors, false))
	for _, document := range []string{
		"{leadd}", "{leads}", "{leads(frist: 1){asOf}}",
		"{node(id: 1){...F}} fragment F on Leadd{id}", "{leads @skp(if: true){asOf}}",
	} {
		errs := faults(exec, document)
		if len(errs) == 0 || strings.Contains(strings.Join(errs, "\n"), "Did you mean") {
			t.Errorf("%s: %q", document, errs)
		}
	}
}
