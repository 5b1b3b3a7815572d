package app_test

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"leadgraph/internal/apptest"
)

var update = flag.Bool("update", false, "write docs/metrics.md")

// watched is a running leadgraph with an admin listener.
type watched struct{ *apptest.Program }

// watch starts leadgraph. It reads OpenTelemetry's settings from the environment of
// the process, as the SDK does.
func watch(t *testing.T, args ...string) watched {
	t.Helper()
	traced := func(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
		return run(ctx, args, func(name string) string {
			if strings.HasPrefix(name, "OTEL_") {
				return os.Getenv(name)
			}
			return getenv(name)
		}, stdout, stderr)
	}
	return watched{apptest.Serve(t, traced, append([]string{"--admin-listen", "127.0.0.1:0", "--allow-check-online"}, args...)...)}
}

// stop ends the program and returns when it has ended.
func (w watched) stop(t *testing.T) {
	t.Helper()
	w.Stop()
	if err := w.Wait(); err != nil {
		t.Error(err)
	}
}

func (w watched) query(t *testing.T, document string, headers ...string) {
	t.Helper()
	apptest.Query(t, w.Endpoint(), document, headers...)
}

// metrics returns the text of /metrics.
func (w watched) metrics(t *testing.T) string {
	t.Helper()
	status, text := get(t, w.URL("admin:")+"metrics")
	if status != http.StatusOK {
		t.Fatal(status, text)
	}
	return text
}

// unused are the flags of a webhook that gets nothing, because no lead changes.
var unused = []string{"--webhook-url", "http://127.0.0.1:9/", "--webhook-secret", firstSecret}

// mixedTraffic runs operations of every kind that has its own metrics.
func (w watched) mixedTraffic(t *testing.T) {
	t.Helper()
	for _, document := range []string{
		`query Whole { leads(first: 1000) { nodes { id } } }`, // which shows how the list ends
		firstQuery,
		`query Twice { a: lead(tenantId: "9e2d4c10-77aa-4b7e-8f53-5a1c2be0d902") { id } b: lead(tenantId: "00000000-0000-4000-8000-000000000000") { id } }`,
		`query Online { lead(tenantId: "9e2d4c10-77aa-4b7e-8f53-5a1c2be0d902", checkOnline: true) { id } }`,
		`query Page { leads(first: 3) { nodes { id } } }`,
		`query Stats { leadStats { total } }`,
		`query Wrong { nope }`,
	} {
		w.query(t, document)
	}
	w.query(t, `{ leadStats { total } }`, "Origin", "https://foreign.example")
}

// families returns the metrics by name.
func (w watched) families(t *testing.T) map[string]*dto.MetricFamily {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(w.metrics(t)))
	if err != nil {
		t.Fatal(err)
	}
	return families
}

func labelsOf(family *dto.MetricFamily) []string {
	labels := map[string]bool{}
	for _, metric := range family.GetMetric() {
		for _, label := range metric.GetLabel() {
			labels[label.GetName()] = true
		}
	}
	var names []string
	for name := range labels {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func TestMetricsAreDocumented(t *testing.T) {
	t.Parallel()
	w := watch(t, append(unused, "--sandbox-leads", "100")...)
	w.mixedTraffic(t)
	var table strings.Builder
	_, _ = table.WriteString(`# Metrics

On the admin listener (` + "`--admin-listen`" + `) Prometheus finds these at ` + "`/metrics`" + `, along with the usual ` + "`go_*` and `process_*`" + `.
Histograms are native if Prometheus asks for native ones, otherwise they have classic buckets. ` + "`operation`" + ` is the name of the
client's operation. It is empty if the operation has no name, and ` + "`other`" + ` after the first 100 names. Trusted documents always keep
their names. No label holds a tenant, a caller or a host. A test writes this page from the answer of the program
(` + "`go test ./internal/app -run TestMetricsAreDocumented -update`" + `).

| metric | type | labels | |
|---|---|---|---|
`)
	families := w.families(t)
	var names []string
	for name := range families {
		if strings.HasPrefix(name, "leadgraph_") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		labels := ""
		if of := labelsOf(families[name]); len(of) > 0 {
			labels = "`" + strings.Join(of, "`, `") + "`"
		}
		_, _ = fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", name, strings.ToLower(families[name].GetType().String()), labels, families[name].GetHelp())
	}
	const page = root + "docs/metrics.md"
	if *update {
		if err := os.WriteFile(page, []byte(table.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if written, err := os.ReadFile(page); err != nil || string(written) != table.String() {
		t.Errorf("%s differs from the metrics of the program (%v); -update writes it:\n%s", page, err, table.String())
	}
}

// expressions returns the PromQL expressions of the dashboard and of the alert rules
// by their place.
func expressions(t *testing.T) map[string]string {
	t.Helper()
	found := dashboardExpressions(t)
	maps.Copy(found, alertExpressions(t))
	if len(found) < 40 {
		t.Fatalf("%d expressions", len(found))
	}
	return found
}

func dashboardExpressions(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	var dashboard struct {
		SchemaVersion int
		Panels        []struct {
			Title, Type string
			Targets     []struct{ Expr string }
		}
		Templating struct {
			List []struct{ Name, Definition string }
		}
	}
	read(t, "deploy/observability/leadgraph.json", &dashboard, json.Unmarshal)
	for _, panel := range dashboard.Panels {
		if panel.Type != "row" && len(panel.Targets) == 0 {
			t.Errorf("panel %s has no query", panel.Title)
		}
		for i, target := range panel.Targets {
			found[fmt.Sprintf("panel %s %d", panel.Title, i)] = target.Expr
		}
	}
	for _, variable := range dashboard.Templating.List {
		if variable.Definition != "" {
			found["variable "+variable.Name] = variable.Definition
		}
	}
	if dashboard.SchemaVersion == 0 {
		t.Error("the dashboard has no schema version")
	}
	return found
}

func alertExpressions(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	var rules struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	read(t, "deploy/observability/alerts.yml", &rules, func(text []byte, into any) error { return yaml.UnmarshalWithOptions(text, into, yaml.Strict()) })
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			found["alert "+rule.Alert] = rule.Expr
			if _, err := time.ParseDuration(cmp.Or(rule.For, "0s")); err != nil {
				t.Errorf("alert %s: %v", rule.Alert, err)
			}
			if rule.Labels["severity"] == "" || rule.Annotations["summary"] == "" || rule.Annotations["description"] == "" {
				t.Errorf("alert %s lacks a severity, a summary or a description", rule.Alert)
			}
			if want := "docs/operations.md#alert-" + strings.ToLower(rule.Alert); rule.Annotations["runbook_url"] != want {
				t.Errorf("alert %s points to %q, want %s", rule.Alert, rule.Annotations["runbook_url"], want)
			}
		}
	}
	return found
}

// read decodes a file of the repository.
func read(t *testing.T, file string, into any, decode func([]byte, any) error) {
	t.Helper()
	text, err := os.ReadFile(root + file)
	if err != nil {
		t.Fatal(err)
	}
	if err := decode(text, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

var (
	quoted     = regexp.MustCompile(`"[^"]*"`)
	variables  = regexp.MustCompile(`\$\w+`)
	ranges     = regexp.MustCompile(`\[[^\]]*\]`)
	grouping   = regexp.MustCompile(`\b(?:by|without|on|ignoring)\s*\(([^)]*)\)`)
	selector   = regexp.MustCompile(`([a-zA-Z_:][\w:]*)\s*(?:\{([^}]*)\})?`)
	matcher    = regexp.MustCompile(`(\w+)\s*(=~|!~|!=|=)\s*"(\d+)"`)
	vocabulary = strings.Fields("sum max min rate increase histogram_quantile max_over_time min_over_time absent vector time and or unless label_values job instance")
)

// TestDashboardAndAlertsNameOnlyWhatExists checks that the program exposes every
// metric, label and label value that the expressions name.
func TestDashboardAndAlertsNameOnlyWhatExists(t *testing.T) {
	t.Parallel()
	w := watch(t, unused...)
	w.mixedTraffic(t)
	there := samples{"up": {}}
	for name, family := range w.families(t) {
		there.add(name, family)
	}
	for where, expression := range expressions(t) {
		for _, fault := range there.check(expression) {
			t.Errorf("%s: %s", where, fault)
		}
	}
}

// samples holds the label values of each metric: by metric, then by label.
type samples map[string]map[string][]string

func (s samples) add(name string, family *dto.MetricFamily) {
	names, further := []string{name}, map[string][]string{}
	switch family.GetType() {
	case dto.MetricType_HISTOGRAM:
		names, further["le"] = []string{name + "_sum", name + "_count", name + "_bucket"}, nil
	case dto.MetricType_SUMMARY:
		names, further["quantile"] = append(names, name+"_sum", name+"_count"), []string{"0", "0.5", "1"}
	default:
	}
	for _, name := range names {
		s[name] = maps.Clone(further)
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				s[name][label.GetName()] = append(s[name][label.GetName()], label.GetValue())
			}
		}
	}
}

// check returns what an expression names that does not exist.
func (s samples) check(expression string) (faults []string) {
	var texts []string
	plain := quoted.ReplaceAllStringFunc(expression, func(text string) string {
		texts = append(texts, strings.Trim(text, `"`))
		return fmt.Sprintf(`"%d"`, len(texts)-1)
	})
	plain = variables.ReplaceAllString(ranges.ReplaceAllString(plain, ""), "0")
	known := map[string][]string{"job": nil, "instance": nil} // Prometheus adds them
	metrics := 0
	for _, part := range selector.FindAllStringSubmatch(grouping.ReplaceAllString(plain, ""), -1) {
		name := part[1]
		if slices.Contains(vocabulary, name) {
			continue
		}
		labels, exists := s[name]
		if !exists {
			faults = append(faults, "there is no "+name)
			continue
		}
		metrics++
		maps.Copy(known, labels)
		for _, match := range matcher.FindAllStringSubmatch(part[2], -1) {
			label, place := match[1], 0
			_, _ = fmt.Sscan(match[3], &place)
			values, has := labels[label]
			switch {
			case label == "job", label == "instance":
			case !has:
				faults = append(faults, name+" has no label "+label)
			case !strings.HasSuffix(match[2], "~") && !slices.Contains(values, texts[place]):
				faults = append(faults, fmt.Sprintf("no %s of %s is %q", label, name, texts[place]))
			}
		}
	}
	if metrics == 0 {
		faults = append(faults, "no metric in "+expression)
	}
	for _, list := range grouping.FindAllStringSubmatch(plain, -1) {
		for label := range strings.SplitSeq(list[1], ",") {
			if _, has := known[strings.TrimSpace(label)]; !has {
				faults = append(faults, "nothing has a label "+label)
			}
		}
	}
	return faults
}

func TestFaultsOfExpressionsAreFound(t *testing.T) {
	t.Parallel()
	there := samples{"leadgraph_x_total": {"kind": {"lead"}}}
	for expression, want := range map[string][]string{
		`sum by (kind) (rate(leadgraph_x_total{job=~"$job",kind="lead"}[5m])) > 0`: nil,
		`rate(leadgraph_y_total[5m])`:                {"there is no leadgraph_y_total", "no metric in rate(leadgraph_y_total[5m])"},
		`leadgraph_x_total{code="x"}`:                {"leadgraph_x_total has no label code"},
		`leadgraph_x_total{kind!="leed"}`:            {`no kind of leadgraph_x_total is "leed"`},
		`sum by (kind, code) (leadgraph_x_total)`:    {"nothing has a label  code"},
		`irate(leadgraph_x_total[$__rate_interval])`: {"there is no irate"},
		`vector(1)`: {"no metric in vector(1)"},
	} {
		if got := there.check(expression); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", expression, got, want)
		}
	}
}
