package oracle

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"go.uber.org/goleak"

	"leadgraph/upstream/sandbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// begun is the time since when the platform of the tests has had its leads.
var begun = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// ages are the settings of the leadgraph that the tests imitate.
var ages = Ages{
	Lookup: 3 * time.Second, NoLead: time.Second,
	Fresh: 2 * time.Second, Revalidate: 3 * time.Second, IfFailing: 20 * time.Second,
	Reading: 6 * time.Second,
}

const nobody = "00000000-0000-4000-8000-00000000000f" // a tenant without a lead

// world is a platform without a leadgraph: the tests write the answers.
type world struct {
	*History
	everything Selection
	when       Asked
}

// newWorld returns a world with 120 leads. Two of them are of the same tenant.
func newWorld(t *testing.T) world {
	t.Helper()
	stand, err := sandbox.New(sandbox.Options{Leads: 120})
	if err != nil {
		t.Fatal(err)
	}
	var rows []*Row
	for _, id := range stand.IDs() {
		r, err := NewRow(stand.Row(id))
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	everything := whole(LeadType)
	everything.Fields = append([]Field{ID()}, everything.Fields...)
	sent := begun.Add(time.Hour)
	return world{History: NewHistory(rows, begun), everything: everything, when: Asked{Sent: sent, Answered: sent.Add(time.Second)}}
}

// whole selects all fields of a type.
func whole(of string) Selection {
	s := Selection{Of: of}
	for _, f := range members[of] {
		s.Fields = append(s.Fields, Field{Member: f, Key: f.Name, Sub: whole(f.Of)})
	}
	return s
}

// judge judges the answer to an operation with the given root fields.
func (w world) judge(a Answer, checks ...Check) []string {
	return w.Judge(w.when, a, ages, func(j *Judge) { j.Response(checks) })
}

// truth returns a value in JSON, as leadgraph would answer it.
func (w world) truth(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// says returns an answer that consists of one value in JSON.
func says(t *testing.T, key, value string) Answer {
	t.Helper()
	var a Answer
	if err := json.Unmarshal(fmt.Appendf(nil, `{"data":{%q:%s}}`, key, value), &a); err != nil {
		t.Fatal(err)
	}
	return a
}

func (w world) accept(t *testing.T, c Check, value string) {
	t.Helper()
	if wrong := w.judge(says(t, c.Key, value), c); wrong != nil {
		t.Fatalf("a right answer is judged wrong: %v\n%.500s", wrong, value)
	}
}

// refuse checks that wrong values are noticed.
func (w world) refuse(t *testing.T, c Check, lies map[string]string) {
	t.Helper()
	for name, value := range lies {
		if w.judge(says(t, c.Key, value), c) == nil {
			t.Errorf("%s: not noticed", name)
		}
	}
}

// page returns a page of rows as leadgraph answers it.
func (w world) page(rows []*Row, total int, next, previous bool) Object {
	nodes := []any{}
	for _, r := range rows {
		nodes = append(nodes, w.everything.expect(r.Raw))
	}
	return Object{"nodes": nodes, "asOf": w.when.Sent.Format(time.RFC3339Nano), "totalCount": total, "pageInfo": Object{"hasNextPage": next, "hasPreviousPage": previous}}
}
