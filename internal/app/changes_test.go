package app_test

import (
	"bufio"
	"encoding/json"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"leadgraph/internal/apptest"
	"leadgraph/upstream/sandbox"
)

// listed is the answer to a list, to a page of changes or to a batch.
type listed struct {
	Data struct {
		Leads struct {
			Nodes        []struct{ ID string }
			ChangeCursor string
		}
		LeadChanges struct {
			Changes []told
			Nodes   []told
			Cursor  string
		}
	}
	Errors []apptest.Error
}

type told struct {
	Kind, RemovedID string
	Lead            struct{ ID, Status string }
}

const watchActive = `subscription($after: ChangeCursor, $filter: LeadFilter) {
	leadChanges(after: $after, filter: $filter) { changes { kind removedId lead { id status } } cursor } }`

// watchBySSE subscribes by server-sent events. The function returns the next batch with
// changes, or what else ends the stream.
func watchBySSE(t *testing.T, endpoint string, variables map[string]any, headers ...string) (next func() listed) {
	t.Helper()
	_, body := apptest.Open(t, endpoint, apptest.Body(watchActive, variables), append(headers, "Accept", "text/event-stream")...)
	lines := bufio.NewScanner(body)
	return func() (answer listed) {
		t.Helper()
		for lines.Scan() {
			text, is := strings.CutPrefix(lines.Text(), "data: ")
			if !is {
				continue
			}
			if err := json.Unmarshal([]byte(text), &answer); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			if len(answer.Errors) > 0 || len(answer.Data.LeadChanges.Changes) > 0 {
				return answer
			}
		}
		return listed{}
	}
}

// List, watch, change a lead on the platform, receive the change; then come back after an
// interruption, and after a restart, which is a new log.
func TestListWatchAndComeBack(t *testing.T) {
	t.Parallel()
	platform, err := sandbox.New(sandbox.Options{Leads: 300, NoAuth: true})
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(platform)
	t.Cleanup(front.Close)
	flags := []string{
		"--upstream-url", front.URL + sandbox.BasePath, "--upstream-token", "any", "--changes-interval", "10ms", "--no-cache-interval", "0",
		"--admin-listen", "127.0.0.1:0",
	}
	server := apptest.Serve(t, run, flags...)
	endpoint := server.Endpoint()
	active := map[string]any{"status": []string{"ACTIVE"}}
	list := func() (page listed) {
		t.Helper()
		a := apptest.Post(t, endpoint, apptest.Body(`query($f: LeadFilter) { leads(first: 1000, filter: $f) { nodes { id } changeCursor } }`, map[string]any{"f": active}))
		if err := json.Unmarshal([]byte(a.Body), &page); err != nil || len(page.Errors) > 0 {
			t.Fatalf("%s: %v", a.Body, err)
		}
		return page
	}
	page := list()
	id := page.Data.Leads.Nodes[0].ID
	next := watchBySSE(t, endpoint, map[string]any{"after": page.Data.Leads.ChangeCursor, "filter": active})
	platform.Edit(id, map[string]any{"status": "Suspended"})
	left := next().Data.LeadChanges
	if c := left.Changes[0]; c.Kind != "LEFT" || c.RemovedID != id || c.Lead.Status != "SUSPENDED" {
		t.Errorf("%+v", c)
	}
	platform.Edit(id, map[string]any{"status": "Active"})
	if c := next().Data.LeadChanges.Changes[0]; c.Kind != "ENTERED" || c.Lead.ID != id {
		t.Errorf("%+v", c)
	}
	gone := platform.Remove(slices.Index(platform.IDs(), id), 1)[0]
	if c := next().Data.LeadChanges.Changes[0]; c.Kind != "REMOVED" || c.RemovedID != gone {
		t.Errorf("%+v", c)
	}
	// A client that was away since the first change gets the others.
	back := watchBySSE(t, endpoint, map[string]any{"after": left.Cursor, "filter": active})
	var kinds []string
	for len(kinds) < 2 {
		for _, c := range back().Data.LeadChanges.Changes {
			kinds = append(kinds, c.Kind)
		}
	}
	if !slices.Equal(kinds, []string{"ENTERED", "REMOVED"}) {
		t.Errorf("after an interruption come %v", kinds)
	}
	metrics := server.URL("admin:") + "metrics"
	listeners, kept := apptest.Metric(t, metrics, "leadgraph_change_listeners"), apptest.Metric(t, metrics, "leadgraph_change_log_bytes")
	revision := apptest.Metric(t, metrics, "leadgraph_change_revision")
	if listeners != 2 || kept <= 0 || revision != 4 {
		t.Errorf("metrics count %v listeners, and %v bytes of changes up to revision %v", listeners, kept, revision)
	}
	begun := time.Now()
	server.Stop()
	if last := next(); len(last.Errors) > 0 {
		t.Errorf("the shutdown is told as %+v", last)
	}
	if err := server.Wait(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("streams hold up the shutdown for %s", took)
	}
	endpoint = apptest.Serve(t, run, flags...).Endpoint()
	expired := watchBySSE(t, endpoint, map[string]any{"after": left.Cursor, "filter": active})()
	if len(expired.Errors) != 1 || expired.Errors[0].Extensions["code"] != "CHANGE_CURSOR_EXPIRED" {
		t.Errorf("after a restart comes %+v", expired)
	}
}
