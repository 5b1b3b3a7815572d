package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"leadgraph/upstream/sandbox"
)

// TestDoctorsSettings serves platforms with only the settings that the doctor prints
// for them. Paging must return every lead.
func TestDoctorsSettings(t *testing.T) {
	t.Parallel()
	for name, quirks := range map[string]sandbox.Options{
		"documented":        {},
		"several":           {FirstPage: 1, PageZero: sandbox.PageZeroError, Nested: true, Envelope: true, TenantParam: "msTenantId", UnknownTenant404: true},
		"page size ignored": {FirstPage: 1, PageZero: sandbox.PageZeroEmpty, IgnorePageSize: true},
		"pages cut":         {CutAbove: 30},
		"no order":          {Unordered: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			quirks.Leads = 150
			platform, err := sandbox.New(quirks)
			if err != nil {
				t.Fatal(err)
			}
			server := httptest.NewServer(platform)
			t.Cleanup(server.Close)
			access := []string{
				"--upstream-url", server.URL + sandbox.BasePath, "--token-url", server.URL + sandbox.TokenPath,
				"--client-id", sandbox.DefaultClientID, "--scope", sandbox.DefaultScope,
			}
			secret := []string{"--client-secret", sandbox.DefaultClientSecret}
			var out bytes.Buffer
			args := slices.Concat([]string{"doctor", "--json", "--upstream-rate", "10000"}, access, secret)
			if err := run(t.Context(), args, noSettings, &out, io.Discard); err != nil {
				t.Fatal(err)
			}
			var report struct{ Command string }
			if err := json.Unmarshal(out.Bytes(), &report); err != nil {
				t.Fatal(err)
			}
			words := strings.Fields(report.Command)
			if !slices.Equal(words[2:2+len(access)], access) {
				t.Fatalf("command %q", report.Command)
			}
			got := allLeadIDs(t, startServer(t, append(words[2:], secret...)...))
			want := platform.IDs()
			if quirks.Unordered {
				slices.Sort(want)
				slices.Sort(got)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("leads (-want +got):\n%s", diff)
			}
		})
	}
}

// allLeadIDs pages through the leads as a client does.
func allLeadIDs(t *testing.T, endpoint string) []string {
	t.Helper()
	var ids []string
	for after := "null"; ; {
		var answer struct {
			Data struct {
				Leads struct {
					Nodes    []struct{ ID string }
					PageInfo struct {
						HasNextPage bool
						EndCursor   string
					}
				}
			}
		}
		text := post(t, endpoint, fmt.Sprintf("{ leads(first: 40, after: %s) { nodes { id } pageInfo { hasNextPage endCursor } } }", after), nil)
		if err := json.Unmarshal([]byte(text), &answer); err != nil {
			t.Fatal(err)
		}
		for _, n := range answer.Data.Leads.Nodes {
			ids = append(ids, n.ID)
		}
		if page := answer.Data.Leads.PageInfo; page.HasNextPage {
			after = fmt.Sprintf("%q", page.EndCursor)
			continue
		}
		return ids
	}
}

// TestDoctor checks that the doctor examines the sandbox if no platform is set, and
// that it returns an error, which becomes the exit status, if it cannot reach one.
func TestDoctor(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), []string{"doctor", "--sandbox-leads", "30", "--upstream-rate", "10000"}, noSettings, &out, io.Discard); err != nil {
		t.Error(err)
	}
	if !strings.Contains(out.String(), "\n  leadgraph serve --upstream-rate 10000\n\nverdict: usable as configured") {
		t.Errorf("report:\n%s", &out)
	}
	out.Reset()
	err := run(t.Context(), []string{"doctor", "--upstream-url", "http://127.0.0.1:1", "--upstream-token", "canary"}, noSettings, &out, io.Discard)
	if err == nil || err.Error() != "the platform cannot be used" || !strings.Contains(out.String(), "failed   platform        TCP: the connection was refused") || strings.Contains(out.String(), "canary") {
		t.Errorf("error %v, report:\n%s", err, &out)
	}
	interrupted, interrupt := context.WithCancel(t.Context())
	interrupt()
	if err := run(interrupted, []string{"doctor"}, noSettings, &out, io.Discard); err == nil || err.Error() != "it is unknown whether the platform can be used" {
		t.Errorf("interrupted: %v", err)
	}
	if err := run(t.Context(), []string{"doctor", "--doctor-timeout", "0s"}, noSettings, &out, io.Discard); err == nil || !strings.Contains(err.Error(), "--doctor-timeout") {
		t.Errorf("no time: %v", err)
	}
}
