package app_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"leadgraph/internal/apptest"
	"leadgraph/internal/doctor"
	"leadgraph/upstream/sandbox"
)

// TestDoctorAndServeAgree asks the doctor and a server about the same platform. The doctor
// calls it unusable if and only if the server, with the doctor's settings, answers with an
// error, or warns that a list on several pages has no order. Both count the same leads and
// the same rows that cannot be read, and warn of the same things.
func TestDoctorAndServeAgree(t *testing.T) {
	t.Parallel()
	for name, o := range oddPlatforms() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			access, tenants := o.start(t)
			report := diagnosis(t, access)
			flags := slices.Concat(strings.Fields(report.Command)[2:], access.secret)
			few, many := serveAll(t, flags, tenants, 20), serveAll(t, flags, tenants, 100)
			errors := slices.Concat(few.errors, many.errors)
			says := len(errors) > 0 || o.unusable == "order" && few.warnsOfOrder && many.warnsOfOrder
			if (report.Verdict == doctor.Unusable) != says {
				t.Errorf("the doctor: %s %+v\nthe server: %v", report.Verdict, report.Checks, errors)
			}
			o.compare(t, report, few)
			o.compare(t, report, many)
		})
	}
}

// compare compares what both say about single leads.
func (o oddPlatform) compare(t *testing.T, report doctor.Report, served served) {
	t.Helper()
	facts := report.Facts
	if got := result(t, report, "unknown-tenant"); got != doctor.Skipped && (got == doctor.OK) == served.nobodyFails {
		t.Errorf("unknown tenant: the doctor says %s, the server fails: %v", got, served.nobodyFails)
	}
	if report.Verdict == doctor.Unusable {
		if o.unusable == "" || result(t, report, o.unusable) != doctor.Failed {
			t.Errorf("unusable: %+v", report.Checks)
		}
		return
	}
	if o.unusable != "" {
		t.Errorf("verdict %s", report.Verdict)
	}
	if *facts.Leads != len(served.ids) || *facts.Leads != served.total || *facts.UnreadableRows != served.unreadable || *facts.UnreadableRows != o.unreadable {
		t.Errorf("the doctor: %d leads, %d rows that cannot be read; the server: %d on pages, %d in all, %d; want %d",
			*facts.Leads, *facts.UnreadableRows, len(served.ids), served.total, served.unreadable, o.unreadable)
	}
	if *facts.Leads == 0 {
		return
	}
	values := *facts.UnreadableTimes + *facts.OddValues
	if served.warnsOfValues != (values > 0) || served.warnsOfValues != o.oddValue {
		t.Errorf("the doctor: %d values; the server warns: %v; want %v", values, served.warnsOfValues, o.oddValue)
	}
	if values+*facts.UnreadableRows > 0 && result(t, report, "content") != doctor.Warning {
		t.Errorf("no warning: %+v", report.Checks)
	}
}

func result(t *testing.T, report doctor.Report, name string) doctor.Result {
	t.Helper()
	i := slices.IndexFunc(report.Checks, func(c doctor.Check) bool { return c.Name == name })
	if i < 0 {
		t.Fatalf("there is no check %q", name)
	}
	return report.Checks[i].Result
}

// access is how to reach a platform: the flags of all commands.
type access struct{ flags, secret []string }

// start starts the platform. It also returns some tenants whose lead is as it should be.
func (o oddPlatform) start(t *testing.T) (a access, tenants []string) {
	t.Helper()
	o.quirks.Leads = cmp.Or(o.quirks.Leads, 45)
	platform, err := sandbox.New(o.quirks)
	if err != nil {
		t.Fatal(err)
	}
	if o.edit != nil {
		platform.Edit(platform.IDs()[3], o.edit)
	}
	for row, members := range o.spoil {
		platform.Spoil(row, members)
	}
	server := httptest.NewServer(reshaping(platform, o.reshape))
	t.Cleanup(server.Close)
	if all := platform.Tenants(); len(all) > 15 {
		tenants = all[10:13]
	}
	return access{
		flags: []string{
			"--upstream-url", server.URL + sandbox.BasePath, "--token-url", server.URL + sandbox.TokenPath,
			"--client-id", sandbox.DefaultClientID, "--scope", sandbox.DefaultScope, "--upstream-rate", "10000",
		},
		secret: []string{"--client-secret", sandbox.DefaultClientSecret, "--upstream-retries", "0"},
	}, tenants
}

// reshaping changes the arrays that a platform answers.
func reshaping(platform http.Handler, reshape func([]byte) []byte) http.Handler {
	if reshape == nil {
		return platform
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		platform.ServeHTTP(answer, r)
		body := answer.Body.Bytes()
		if bytes.HasPrefix(body, []byte("[")) {
			body = reshape(body)
		}
		w.Header().Set("Content-Type", "text/html") // the content counts
		w.WriteHeader(answer.Code)
		_, _ = w.Write(body)
	})
}

// diagnosis returns the doctor's report.
func diagnosis(t *testing.T, a access) (report doctor.Report) {
	t.Helper()
	var out bytes.Buffer
	failure := run(t.Context(), slices.Concat([]string{"doctor", "--json"}, a.flags, a.secret), noSettings, &out, io.Discard)
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatal(err, failure)
	}
	if (failure != nil) != (report.Verdict == doctor.Unusable) {
		t.Fatal(report.Verdict, failure)
	}
	return report
}

// served is what a server answers.
type served struct {
	errors            []string // of pages, statistics and lookups of known tenants
	ids               []string // of the leads on pages
	total, unreadable int
	warnsOfValues     bool
	warnsOfOrder      bool
	nobodyFails       bool // the lookup of a tenant without leads
}

// serveAll starts a server and asks it for the leads of some tenants, for all leads page by
// page, so many on each, and for their number.
func serveAll(t *testing.T, flags, tenants []string, first int) (s served) {
	t.Helper()
	program := apptest.Serve(t, run, flags...)
	ask := func(document string, into any) (ok bool) {
		answer := apptest.Query(t, program.Endpoint(), document, "Cache-Control", "no-cache")
		for _, e := range answer.Errors {
			s.errors = append(s.errors, fmt.Sprint(e.Extensions["code"], ": ", e.Message))
		}
		if err := json.Unmarshal(answer.Data, into); err != nil {
			t.Fatal(err)
		}
		return len(answer.Errors) == 0
	}
	s.nobodyFails = len(apptest.Query(t, program.Endpoint(), `{ lead(tenantId: "11111111-2222-4333-8444-555555555555") { id } }`).Errors) > 0
	for _, tenant := range tenants {
		var found struct{ Lead *struct{ ID string } }
		if ask(`{ lead(tenantId: "`+tenant+`") { id } }`, &found) && found.Lead == nil {
			t.Errorf("the lead of %s is not found", tenant)
		}
	}
	for after, more := "null", true; more; {
		var page struct {
			Leads struct {
				Nodes    []struct{ ID string }
				PageInfo struct {
					HasNextPage bool
					EndCursor   string
				}
			}
		}
		more = ask(fmt.Sprintf(`{ leads(first: %d, after: %s) { nodes { id } pageInfo { hasNextPage endCursor } } }`, first, after), &page) && page.Leads.PageInfo.HasNextPage
		for _, l := range page.Leads.Nodes {
			s.ids = append(s.ids, l.ID)
		}
		after = fmt.Sprintf("%q", page.Leads.PageInfo.EndCursor)
	}
	var stats struct {
		LeadStats struct{ Total, Unreadable int }
	}
	ask(`{ leadStats { total unreadable } }`, &stats)
	s.total, s.unreadable = stats.LeadStats.Total, stats.LeadStats.Unreadable
	s.warnsOfOrder = strings.Contains(program.Log.String(), "order of the platform's list changed")
	s.warnsOfValues = strings.Contains(program.Log.String(), "values that could not be used")
	return s
}
