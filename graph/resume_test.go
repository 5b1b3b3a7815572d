package graph_test

import (
	"encoding/json"
	"mime"
	"mime/multipart"
	"strings"
	"testing"

	"leadgraph/internal/apptest"
)

// identified returns the id of the next event and its batch.
func (s stream) identified() (id string, b batch) {
	s.t.Helper()
	for s.lines.Scan() {
		switch field, value, _ := strings.Cut(s.lines.Text(), ": "); field {
		case "id":
			id = value
		case "data":
			var a struct{ Data struct{ LeadChanges batch } }
			if err := json.Unmarshal([]byte(value), &a); err != nil {
				s.t.Fatal(err)
			}
			return id, a.Data.LeadChanges
		}
	}
	s.t.Fatal("the stream has ended")
	return "", b
}

// TestEventsResume continues after each event of a stream by its id, as browsers do: they
// send the first variables again.
func TestEventsResume(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{interval: often})
	_, from := s.list(t, active)
	stream := s.watch(t, values{"after": from, "filter": active})
	first, _ := stream.identified()
	if first != from {
		t.Errorf("the first event has the id %q, want the cursor of the list", first)
	}
	received := []string{first} // ids
	var changes []string        // what came after the id of the same place
	for _, id := range s.platform.IDs()[:3] {
		s.platform.Edit(id, values{"comments": "A remark for " + id, "status": "Active"})
		event, b := stream.identified()
		for len(b.Changes) == 0 { // a bookmark
			event, b = stream.identified()
		}
		if event != b.Cursor || len(b.Changes) != 1 {
			t.Fatalf("event %q has %+v", event, b)
		}
		received, changes = append(received, event), append(changes, b.Changes[0].String())
	}
	for i, last := range received[:len(changes)] {
		again := s.subscribe(t, ofChanges, values{"after": from, "filter": active}, "Last-Event-ID", last)
		_, b := again.identified()
		if len(b.Changes) == 0 || b.Changes[0].String() != changes[i] {
			t.Errorf("after %d events comes %+v, want %s", i, b.Changes, changes[i])
		}
	}
	unknown := s.subscribe(t, ofChanges, values{"after": from, "filter": active}, "Last-Event-ID", "unknown")
	if a := unknown.answer(); len(a.Errors) != 1 || a.Errors[0].Extensions["code"] != "BAD_USER_INPUT" {
		t.Errorf("an unknown id is answered with %s", a.Body)
	}
}

// TestPayloads reads changes as Apollo Client does.
func TestPayloads(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{interval: often})
	_, from := s.list(t, nil)
	answer, body := apptest.Open(t, s.url, apptest.Body(ofChanges, values{"after": from}), "Accept", apolloEvent)
	_, parameters, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if err != nil || parameters["subscriptionspec"] != "1.0" {
		t.Fatalf("status %d and %q", answer.Status, answer.Header.Get("Content-Type"))
	}
	parts := multipart.NewReader(body, parameters["boundary"])
	next := func() batch {
		t.Helper()
		for {
			part, err := parts.NextPart()
			if err != nil {
				t.Fatal(err)
			}
			var a struct {
				Payload *struct{ Data struct{ LeadChanges batch } }
			}
			if err := json.NewDecoder(part).Decode(&a); err != nil {
				t.Fatal(err)
			}
			if a.Payload != nil { // otherwise a heartbeat
				return a.Payload.Data.LeadChanges
			}
		}
	}
	if first := next(); first.Cursor != from || len(first.Changes) > 0 {
		t.Errorf("the first batch is %+v", first)
	}
	id := s.platform.IDs()[1]
	s.platform.Edit(id, values{"comments": "A remark"})
	b := next()
	for len(b.Changes) == 0 {
		b = next()
	}
	if b.Changes[0].String() != "UPDATED "+id {
		t.Errorf("the change is %+v", b)
	}
}
