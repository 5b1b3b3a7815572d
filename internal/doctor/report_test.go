package doctor_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"leadgraph/internal/doctor"
	"leadgraph/upstream/sandbox"
	"leadgraph/upstream/token"
)

var update = flag.Bool("update", false, "write the golden reports")

var (
	duration = regexp.MustCompile(`\b\d+(\.\d+)?(µs|ms|s)\b`)
	timing   = regexp.MustCompile(`("(?:tookMs|lookupP\d+Ms|pageP\d+Ms|catalogueMs|clockSkewSeconds)": )-?[\d.]+`)
)

// TestReport compares both formats with golden files, except for times.
func TestReport(t *testing.T) {
	t.Parallel()
	p := admit(t, sandbox.Options{Leads: 120, FirstPage: 1, TenantParam: "msTenantId", Envelope: true, RefuseAbove: 5000}, nil)
	p.options.Given = [][2]string{{"--upstream-url", "https://live.example/tenantui"}, {"--client-secret-file", "/run/secrets/live"}, {"--first-page", "0"}}
	for name, asJSON := range map[string]bool{"report.txt": false, "report.json": true} {
		var out bytes.Buffer
		if err := doctor.Run(t.Context(), p.options, asJSON, &out); err != nil {
			t.Error(err)
		}
		got := timing.ReplaceAll(duration.ReplaceAll(out.Bytes(), []byte("0s")), []byte("${1}0"))
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, got, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}

// texts collects the strings in a JSON value that are too long to occur by
// accident.
func texts(value any, into map[string]bool) {
	switch value := value.(type) {
	case string:
		if len(value) > 7 {
			into[value] = true
		}
	case []any:
		for _, v := range value {
			texts(v, into)
		}
	case map[string]any:
		for _, v := range value {
			texts(v, into)
		}
	}
}

// Reports, errors and the log contain no lead data and no secret.
func TestReportTellsNoData(t *testing.T) {
	t.Parallel()
	const bearer = "canary-token"
	const leak = `{"errors":{"x":["dana.levi@contoso.example"]},"title":"Dana Levi","detail":"f94238e5-4f2c-4e1b-8125-2d27122ca75f"}`
	for name, test := range map[string]struct {
		quirks sandbox.Options
		adjust func(*patient)
	}{
		"documented":     {},
		"several":        {quirks: sandbox.Options{FirstPage: 1, PageZero: sandbox.PageZeroError, Nested: true, IgnorePageSize: true}},
		"filter ignored": {quirks: sandbox.Options{TenantParam: "customer"}},
		"no order":       {quirks: sandbox.Options{Unordered: true}},
		"static token": {quirks: sandbox.Options{NoAuth: true}, adjust: func(p *patient) {
			p.options.Platform.StaticToken, p.options.Platform.Credentials = bearer, token.Credentials{}
		}},
		"refused": {adjust: func(p *patient) { p.Inject(sandbox.Fault{Status: http.StatusBadRequest, Body: leak, Times: -1}) }},
		"fails":   {adjust: func(p *patient) { p.Inject(sandbox.Fault{Status: http.StatusBadGateway, Body: leak, Times: -1}) }},
		"no lead": {adjust: func(p *patient) { p.Inject(sandbox.Fault{Body: leak, Times: -1}) }},
		"no JSON": {adjust: func(p *patient) { p.Inject(sandbox.Fault{Body: "Dana Levi", Times: -1}) }},
		"token refused": {adjust: func(p *patient) {
			p.Inject(sandbox.Fault{Kind: sandbox.KindToken, Status: 400, Body: `{"error":"dana.levi@contoso.example","error_description":"AADSTS7 Dana Levi"}`, Times: -1})
		}},
		"lookups refused": {adjust: func(p *patient) {
			p.Inject(sandbox.Fault{Kind: sandbox.KindTenant, Status: 400, Body: leak, Times: -1})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.quirks.Leads = 25
			p := admit(t, test.quirks, nil)
			if test.adjust != nil {
				test.adjust(p)
			}
			var out, log bytes.Buffer
			p.options.Platform.Logger = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			for _, asJSON := range []bool{false, true} {
				if err := doctor.Run(t.Context(), p.options, asJSON, &out); err != nil {
					out.WriteString(err.Error())
				}
			}
			secret := map[string]bool{bearer: true, "canary": true, sandbox.DefaultClientSecret: true, sandbox.DefaultClientID: true, "Bearer": true, "Dana": true, "@": true}
			for _, id := range p.IDs() {
				var row any
				if err := json.Unmarshal(p.Row(id), &row); err != nil {
					t.Fatal(err)
				}
				texts(row, secret)
			}
			for text := range secret {
				if strings.Contains(out.String(), text) || strings.Contains(log.String(), text) {
					t.Errorf("%q is reported:\n%s\n%s", text, &out, &log)
				}
			}
		})
	}
}
