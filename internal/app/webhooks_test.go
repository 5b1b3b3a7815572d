package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"leadgraph/internal/apptest"
	"leadgraph/lead"
	"leadgraph/upstream/sandbox"
)

// A lead of the sandbox with contacts, addresses and locations, and words in its personal
// data.
const personalTenant = "9e2d4c10-77aa-4b7e-8f53-5a1c2be0d902"

var personalWords = []string{"Dana", "Omar", "@contoso", "4255550", "Smith"}

// A secret, and one that replaces it.
const (
	firstSecret  = "whsec_Zmlyc3QtZmlyc3QtZmlyc3QtZmlyc3QtZmlyc3Qt"
	secondSecret = "whsec_c2Vjb25kLXNlY29uZC1zZWNvbmQtc2Vjb25kLQ=="
)

// hooked is an event as it arrives, and which secret has signed it.
type hooked struct {
	body   string
	secret string
}

// hook starts a receiver and returns its URL and what it gets.
func hook(t *testing.T) (url string, got chan hooked) {
	t.Helper()
	got = make(chan hooked, 100)
	front := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		for _, secret := range []string{firstSecret, secondSecret} {
			verifier, err := standardwebhooks.NewWebhook(secret)
			if err == nil && verifier.Verify(body, r.Header) == nil {
				got <- hooked{string(body), secret}
				return
			}
		}
		t.Errorf("nobody signed %s", body)
	}))
	t.Cleanup(front.Close)
	return front.URL + "/s3cret", got
}

// wholeLead selects all fields of a lead that package lead lists.
func wholeLead() string {
	return names(lead.LeadFields, map[string]string{
		"contactDetails": names(lead.DetailsFields, nil), "contacts": names(lead.ContactFields, nil),
		"civicAddresses": names(lead.AddressFields, map[string]string{"locations": names(lead.LocationFields, nil)}),
	})
}

func names[T any](fields []lead.Field[T], nested map[string]string) string {
	var text strings.Builder
	for _, f := range fields {
		text.WriteString(f.Name + " ")
		if inner := nested[f.Name]; inner != "" {
			text.WriteString("{ " + inner + "} ")
		}
	}
	return text.String()
}

// livePlatform starts a sandbox and returns the flags of a server that looks at it all the time.
func livePlatform(t *testing.T) (*sandbox.Server, []string) {
	t.Helper()
	platform, err := sandbox.New(sandbox.Options{Leads: 100, NoAuth: true})
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(platform)
	t.Cleanup(front.Close)
	return platform, []string{
		"--upstream-url", front.URL + sandbox.BasePath, "--upstream-token", "any", "--changes-interval", "10ms", "--no-cache-interval", "0", "--admin-listen", "127.0.0.1:0",
	}
}

// A change of the platform arrives at the receivers: with the values that the API answers, and
// without personal data unless it is asked for.
func TestWebhooks(t *testing.T) {
	t.Parallel()
	platform, flags := livePlatform(t)
	plain, plainGot := hook(t)
	personal, personalGot := hook(t)
	server := apptest.Serve(t, run, append(flags, "--webhook-url", plain, "--webhook-secret", firstSecret)...)
	full := apptest.Serve(t, run, append(flags, "--webhook-url", personal, "--webhook-secret", firstSecret, "--webhook-pii")...)
	id := idOf(t, server.Endpoint())
	awaitSender(server)
	awaitSender(full)
	platform.Edit(id, map[string]any{"status": "Suspended", "comments": []string{"Smith was here"}})
	for i, c := range []struct {
		server *apptest.Program
		got    chan hooked
	}{{server, plainGot}, {full, personalGot}} {
		arrived := <-c.got
		var event struct {
			Type, Subject string
			Data          struct {
				Lead    json.RawMessage
				Changed []string
			}
		}
		if err := json.Unmarshal([]byte(arrived.body), &event); err != nil || event.Type != "com.leadgraph.lead.updated" || event.Subject != id {
			t.Errorf("%v: %s", err, arrived.body)
		}
		var answer struct{ Lead json.RawMessage }
		a := apptest.Query(t, full.Endpoint(), `{ lead(tenantId: "`+personalTenant+`") { `+wholeLead()+`} }`, "Cache-Control", "no-cache")
		if err := json.Unmarshal(a.Data, &answer); err != nil {
			t.Fatal(a.Body)
		}
		if same := reflect.DeepEqual(decoded(t, event.Data.Lead), decoded(t, answer.Lead)); same != (i == 1) {
			t.Errorf("sent is    %s\nanswered is %s", event.Data.Lead, answer.Lead)
		}
		for _, word := range personalWords {
			if strings.Contains(arrived.body, word) != (i == 1) {
				t.Errorf("%q in %s", word, arrived.body)
			}
		}
		if slices.Contains(event.Data.Changed, "Lead.comments") != (i == 1) {
			t.Errorf("changed: %v", event.Data.Changed)
		}
		if log := c.server.Log.String(); strings.Contains(log, "s3cret") || !strings.Contains(log, "without --redis-url") {
			t.Error(log)
		}
	}
	metrics := server.URL("admin:") + "metrics"
	_, text := get(t, metrics)
	for _, want := range []string{`leadgraph_webhook_events_total{receiver="1"}`, `leadgraph_webhook_failures_total{receiver="1"} 0`, `leadgraph_webhook_lag_seconds{receiver="1"}`, `leadgraph_webhook_gone{receiver="1"} 0`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in the metrics", want)
		}
	}
}

func decoded(t *testing.T, text json.RawMessage) (value any) {
	t.Helper()
	if err := json.Unmarshal(text, &value); err != nil {
		t.Error(err)
	}
	return value
}

func idOf(t *testing.T, endpoint string) string {
	t.Helper()
	var data struct{ Lead struct{ ID string } }
	if err := json.Unmarshal(apptest.Query(t, endpoint, `{ lead(tenantId: "`+personalTenant+`") { id } }`).Data, &data); err != nil {
		t.Fatal(err)
	}
	return data.Lead.ID
}

// awaitSender waits until a server sends changes.
func awaitSender(server *apptest.Program) {
	for !strings.Contains(server.Log.String(), "changes are sent to a webhook") {
		runtime.Gosched()
	}
}

// A hangup replaces the secret that signs. A wrong one changes nothing.
func TestHangupReloadsTheSecretOfWebhooks(t *testing.T) {
	t.Parallel()
	platform, flags := livePlatform(t)
	url, got := hook(t)
	file := filepath.Join(t.TempDir(), "secret")
	writeFile(t, file, firstSecret+"\n")
	server, hangUp := reloadable(t, append(flags, "--webhook-url", url, "--webhook-secret-file", file)...)
	awaitSender(server)
	id, edits := idOf(t, server.Endpoint()), []string{"Suspended", "Active", "Suspended"}
	for i, want := range []string{firstSecret, secondSecret, secondSecret} {
		platform.Edit(id, map[string]any{"status": edits[i]})
		if arrived := <-got; arrived.secret != want {
			t.Errorf("event %d is signed with %s", i, arrived.secret)
		}
		writeFile(t, file, []string{secondSecret, "short", ""}[i])
		hangUp()
	}
	if log := server.Log.String(); !strings.Contains(log, "--webhook-secret must be 24 to 64 bytes") || strings.Contains(log, "whsec_c2") {
		t.Error(log)
	}
}
