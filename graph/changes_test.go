package graph_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"leadgraph/graph"
	"leadgraph/internal/apptest"
)

// change is what the tests select of a change.
type change struct {
	Kind, RemovedID, Cursor string
	Lead, Before            *struct{ ID, Status string }
	Edge                    *struct {
		Cursor string
		Node   struct{ ID string }
	}
	Changed []string
}

func (c change) String() string {
	id := c.RemovedID
	if c.Lead != nil {
		id = c.Lead.ID
	}
	return c.Kind + " " + id
}

type batch struct {
	Changes []change
	Cursor  string
	Reset   bool
}

const (
	ofChange  = `kind removedId cursor lead { id status } before { id status } edge { cursor node { id } } changed`
	ofChanges = `subscription($after: ChangeCursor, $filter: LeadFilter, $onGap: GapPolicy! = ERROR) {
		leadChanges(after: $after, filter: $filter, onGap: $onGap) { changes { ` + ofChange + ` } cursor reset asOf } }`
)

type values map[string]any

// stream is a subscription by server-sent events.
type stream struct {
	t     *testing.T
	lines *bufio.Scanner
}

// subscribe starts a subscription that ends with the test.
func (s service) subscribe(t *testing.T, document string, variables values, header ...string) stream {
	t.Helper()
	_, body := apptest.Open(t, s.url, apptest.Body(document, variables), append(header, "Accept", "text/event-stream")...)
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, 1<<20)
	return stream{t, lines}
}

func (s service) watch(t *testing.T, variables values) stream {
	t.Helper()
	return s.subscribe(t, ofChanges, variables)
}

// event returns the name and the data of the next event; nothing at the end.
func (s stream) event() (name, text string) {
	for s.lines.Scan() {
		switch field, value, _ := strings.Cut(s.lines.Text(), ":"); field {
		case "event":
			name = strings.TrimSpace(value)
		case "data":
			return name, strings.TrimSpace(value)
		}
	}
	return "", ""
}

func (s stream) answer() apptest.Answer {
	s.t.Helper()
	name, text := s.event()
	a := apptest.Answer{Body: text}
	if err := json.Unmarshal([]byte(text), &a); err != nil || name != "next" {
		s.t.Fatalf("event %q: %s %v", name, text, err)
	}
	return a
}

func (s stream) batch() batch {
	s.t.Helper()
	return data[struct{ LeadChanges batch }](s.t, s.answer()).LeadChanges
}

// changes returns the next batch with changes. Bookmarks may come before.
func (s stream) changes() batch {
	s.t.Helper()
	for {
		if b := s.batch(); len(b.Changes) > 0 {
			return b
		}
	}
}

type node struct{ ID, Status string }

// list reads the leads that match and where to watch them from.
func (s service) list(t *testing.T, filter any) (nodes []node, cursor string) {
	t.Helper()
	type list struct {
		Leads struct {
			Nodes        []node
			ChangeCursor string
		}
	}
	got := data[list](t, s.query(t, `query($f: LeadFilter) { leads(first: 1000, filter: $f) { nodes { id status } changeCursor } }`, "f", filter)).Leads
	return got.Nodes, got.ChangeCursor
}

type page struct {
	Nodes  []change
	Cursor string
	Edges  []struct {
		Cursor string
		Node   struct{ Kind string }
	}
	PageInfo struct {
		HasNextPage bool
		EndCursor   string
	}
	HasNextPage bool
}

// poll asks for the changes after a position, of leads that are read now.
func (s service) poll(t *testing.T, after string, filter any, first int) apptest.Answer {
	t.Helper()
	return s.post(t, apptest.Body(`query($after: ChangeCursor!, $filter: LeadFilter, $first: Int) { leadChanges(after: $after, filter: $filter, first: $first) {
		nodes { `+ofChange+` } edges { cursor node { kind } } pageInfo { hasNextPage endCursor } cursor hasNextPage asOf } }`,
		values{"after": after, "filter": filter, "first": first}), "Cache-Control", "no-cache")
}

func (s service) polled(t *testing.T, after string, filter any, first int) page {
	t.Helper()
	return data[struct{ LeadChanges page }](t, s.poll(t, after, filter, first)).LeadChanges
}

const often = time.Millisecond // the poller rests ten times longer than it reads

var active = values{"status": []string{"ACTIVE"}}

func TestListAndWatch(t *testing.T) {
	t.Parallel()
	for _, textbook := range []bool{false, true} {
		s := newService(t, serviceOptions{interval: often, graph: func(o *graph.Options) { o.Textbook = textbook }})
		nodes, from := s.list(t, active)
		stream := s.watch(t, values{"after": from, "filter": active})
		if first := stream.batch(); len(first.Changes) > 0 || first.Reset || first.Cursor == "" { // leads may have been read again
			t.Fatalf("the first batch is %+v", first)
		}
		id := nodes[0].ID
		s.platform.Edit(id, values{"status": "Suspended"})
		if c := stream.changes().Changes[0]; c.Kind != "LEFT" || c.RemovedID != id || c.Lead.Status != "SUSPENDED" || c.Before.Status != "ACTIVE" ||
			c.Edge != nil || !slices.Equal(c.Changed, []string{"Lead.status", "Lead.statusText"}) {
			t.Errorf("the lead left as %+v", c)
		}
		s.platform.Edit(id, values{"status": "Active"})
		entered := stream.changes()
		if c := entered.Changes[0]; c.Kind != "ENTERED" || c.RemovedID != "" || c.Lead.ID != id || c.Edge == nil || c.Edge.Node.ID != id || c.Cursor != entered.Cursor {
			t.Errorf("the lead entered as %+v", c)
		}
		s.platform.Edit(id, values{"comments": "A remark"})
		if c := stream.changes().Changes[0]; c.Kind != "UPDATED" || c.RemovedID != "" || c.Edge != nil || !slices.Equal(c.Changed, []string{"Lead.comments"}) {
			t.Errorf("the lead was updated as %+v", c)
		}
	}
}

func TestLeadsComeAndGo(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{interval: often})
	stream := s.watch(t, nil)
	stream.batch() // the leads before have been read
	gone := s.platform.Remove(3, 1)[0]
	if c := stream.changes().Changes[0]; c.String() != "REMOVED "+gone || c.Lead != nil || c.Before.ID != gone {
		t.Errorf("%+v", c)
	}
	created := s.platform.Insert(0, 1)[0]
	c := stream.changes().Changes[0]
	if c.String() != "CREATED "+created || c.Before != nil || c.Edge == nil {
		t.Fatalf("%+v", c)
	}
	s.platform.Move(0, 5) // a move is no change
	s.platform.Edit(created, values{"channelId": "7"})
	if c := stream.changes().Changes; len(c) != 1 || c[0].String() != "UPDATED "+created {
		t.Errorf("%v", c)
	}
	after := s.query(t, `query($after: Cursor!) { leads(first: 1000, after: $after) { nodes { id } } }`, "after", c.Edge.Cursor)
	if last := s.platform.IDs()[len(s.platform.IDs())-1]; !strings.Contains(after.Body, last) {
		t.Errorf("after the edge come %s", after.Body)
	}
}

// A subscription, a page and another page size show the same log, and a repeated cursor
// shows it again.
func TestPollingAndSubscriptionAgree(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{interval: often})
	_, from := s.list(t, nil)
	var want []string
	for at, id := range s.platform.IDs()[:7] {
		s.platform.Edit(id, values{"channelId": fmt.Sprint(1000 + at)})
		want = append(want, "UPDATED "+id)
	}
	s.polled(t, from, nil, 0)
	s.platform.Edit(s.platform.IDs()[1], values{"channelId": "2000"})
	want = append(want, "UPDATED "+s.platform.IDs()[1])
	for _, first := range []int{2, 50} {
		var got []string
		for at, more := from, true; more; {
			p := s.polled(t, at, nil, first)
			for i, c := range p.Nodes {
				got = append(got, c.String())
				if p.Edges[i].Cursor != c.Cursor || p.Edges[i].Node.Kind != c.Kind {
					t.Errorf("the edge is %+v, the node %+v", p.Edges[i], c)
				}
			}
			if at = p.Cursor; p.PageInfo.EndCursor != at || p.PageInfo.HasNextPage != p.HasNextPage {
				t.Errorf("%+v", p)
			}
			more = p.HasNextPage
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages of %d show\n%v, want\n%v", first, got, want)
		}
	}
	for range 2 {
		var got []string
		for stream := s.watch(t, values{"after": from}); len(got) < len(want); {
			for _, c := range stream.batch().Changes {
				got = append(got, c.String())
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("the subscription shows\n%v, want\n%v", got, want)
		}
	}
}

func TestChangeCursorsAreChecked(t *testing.T) {
	t.Parallel()
	s, other := newService(t, serviceOptions{}), newService(t, serviceOptions{})
	_, from := s.list(t, active)
	_, foreign := other.list(t, active)
	_, page := s.list(t, nil)
	anchor := data[struct {
		Leads struct{ PageInfo struct{ EndCursor string } }
	}](t, s.query(t, `{ leads(first: 1) { pageInfo { endCursor } } }`)).Leads.PageInfo.EndCursor
	for _, test := range []struct{ name, after, code, reason string }{
		{"another log", foreign, "CHANGE_CURSOR_EXPIRED", ""},
		{"another filter", page, "BAD_USER_INPUT", "list"},
		{"a cursor of a list", anchor, "BAD_USER_INPUT", "malformed"},
		{"no cursor", "x", "BAD_USER_INPUT", "malformed"},
		{"a good one", from, "", ""},
	} {
		for how, a := range map[string]apptest.Answer{
			"page":         s.poll(t, test.after, active, 5),
			"subscription": s.watch(t, values{"after": test.after, "filter": active}).answer(),
		} {
			code, reason := "", ""
			if len(a.Errors) > 0 {
				code, _ = a.Errors[0].Extensions["code"].(string)
				reason, _ = a.Errors[0].Extensions["reason"].(string)
			}
			if code != test.code || reason != test.reason {
				t.Errorf("%s, %s: %s", test.name, how, a.Body)
			}
		}
	}
	stream := s.watch(t, values{"after": foreign, "filter": active, "onGap": "RESET"})
	if first := stream.batch(); !first.Reset || len(first.Changes) > 0 {
		t.Errorf("after a gap comes %+v", first)
	}
}

func TestSubscriptionEnds(t *testing.T) {
	t.Parallel()
	expires := time.Now().Add(time.Second)
	s := newService(t, serviceOptions{graph: func(o *graph.Options) { o.Expires = func(context.Context) time.Time { return expires } }})
	stream := s.watch(t, nil)
	stream.batch()
	if last := stream.answer(); !slices.Equal(last.Codes(), []string{"UNAUTHENTICATED"}) || string(last.Data) != "null" && last.Data != nil {
		t.Errorf("the last response is %s", last.Body)
	}
	if name, _ := stream.event(); name != "complete" {
		t.Errorf("the stream ends with %q", name)
	}
}

// A subscription has no single answer.
func TestSubscriptionsNeedAStream(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{graph: func(o *graph.Options) { o.MaxBatch = 2 }})
	document := `subscription { leadChanges { cursor } }`
	if a := s.query(t, document); a.Status != 400 || !slices.Equal(a.Codes(), []string{"BAD_USER_INPUT"}) {
		t.Errorf("status %d: %s", a.Status, a.Body)
	}
	if a := s.post(t, "["+apptest.Body(document, nil)+"]"); !strings.Contains(a.Body, "needs a stream") {
		t.Errorf("an array is answered with %s", a.Body)
	}
}

func TestSocketSubscribes(t *testing.T) {
	t.Parallel()
	closing := make(chan struct{})
	s := newService(t, serviceOptions{interval: often, graph: func(o *graph.Options) { o.Closing = closing }})
	c := s.open(t)
	c.subscribe("1", `subscription { leadChanges { changes { kind lead { id } } reset } }`)
	c.want(`{"type":"next","id":"1","payload":{"data":{"leadChanges":{"changes":[],"reset":false}}}}`)
	id := s.platform.IDs()[0]
	s.platform.Edit(id, values{"channelId": "9"})
	c.want(`{"type":"next","id":"1","payload":{"data":{"leadChanges":{"changes":[{"kind":"UPDATED","lead":{"id":"` + id + `"}}],"reset":false}}}}`)
	c.send(frame{ID: "1", Type: "complete"})
	c.subscribe("2", `subscription { leadChanges { reset } }`)
	c.want(`{"type":"next","id":"2","payload":{"data":{"leadChanges":{"reset":false}}}}`)
	stream := s.watch(t, nil)
	stream.batch()
	close(closing)
	c.wantClose(1001) // a client comes back for its subscription
	if name, text := stream.event(); name != "" {
		t.Errorf("the stream ends with %s %s, so that its client does not come back", name, text)
	}
}

// A page shows newer leads than the catalogue if a lookup has just read them. If the
// platform goes back, the catalogue stays the same, but those who watch must learn of it.
func TestPageThatIsAheadOfItsCursor(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	id := s.idOf(t, seedTenant)
	s.list(t, nil)
	s.platform.Edit(id, values{"status": "Suspended"})
	s.post(t, apptest.Body(fmt.Sprintf(`{ lead(tenantId: %q) { status } }`, seedTenant), nil), "Cache-Control", "no-cache")
	nodes, from := s.list(t, nil)
	if at := slices.Index(nodes, node{id, "SUSPENDED"}); at < 0 {
		t.Fatalf("the page does not have what the lookup read: %v", nodes)
	}
	s.platform.Edit(id, values{"status": "Active"})
	if p := s.polled(t, from, nil, 50); len(p.Nodes) != 1 || p.Nodes[0].String() != "UPDATED "+id || p.Nodes[0].Lead.Status != "ACTIVE" {
		t.Errorf("the changes are %v", p.Nodes)
	}
}

// idOf returns the id of a tenant's lead.
func (s service) idOf(t *testing.T, tenant string) string {
	t.Helper()
	return data[struct{ Lead node }](t, s.query(t, fmt.Sprintf(`{ lead(tenantId: %q) { id } }`, tenant))).Lead.ID
}

// Callers without the scope for personal data see neither the data nor that they have
// changed.
func TestChangesArePersonal(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{interval: often, graph: func(o *graph.Options) {
		o.SeesPII = func(context.Context) bool { return false }
	}})
	document := `subscription { leadChanges { changes { kind changed lead { id comments } before { comments } } } }`
	stream := s.subscribe(t, document, nil)
	for _, err := range stream.answer().Errors {
		if err.Extensions["code"] != "FORBIDDEN" {
			t.Errorf("%+v", err)
		}
	}
	s.platform.Edit(s.platform.IDs()[0], values{"comments": "Dana Levi is ill", "channelId": "5"})
	if a := stream.answer(); strings.Contains(a.Body, "Dana") || !strings.Contains(a.Body, `"changed":["Lead.channelId"]`) {
		t.Errorf("%s", a.Body)
	}
	watched := s.watch(t, values{"filter": values{"search": "Dana"}})
	watched.answer() // none of them
	s.platform.Edit(s.platform.IDs()[0], values{"contactDetails": values{"fullName": "Dana Levi", "companyName": "Fabrikam"}})
	s.platform.Edit(s.platform.IDs()[2], values{"contactDetails": values{"fullName": "Noa Bar", "companyName": "Dana"}})
	if told := watched.changes().Changes; len(told) != 1 || told[0].Kind != "ENTERED" || told[0].Lead.ID != s.platform.IDs()[2] {
		t.Errorf("%v", told)
	}
}
