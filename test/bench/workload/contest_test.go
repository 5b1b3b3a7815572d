package workload

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"leadgraph/test/bench/load"
)

// TestPeerDocumentsFitTheirSchema reads the schema of the textbook server, which the
// configuration of Tailcall has in common.
func TestPeerDocumentsFitTheirSchema(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../peers/plain-gqlgen/schema.graphql")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: string(text)})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range Contests() {
		if c.Peer == nil {
			continue
		}
		for _, e := range c.Peer(someData()) {
			var body struct{ Query string }
			if err := json.Unmarshal([]byte(e.Body), &body); err != nil {
				t.Fatal(err)
			}
			if _, errs := gqlparser.LoadQueryWithRules(schema, body.Query, rules.NewDefaultRules()); errs != nil {
				t.Errorf("%s: %v", c.Name, errs)
			}
		}
	}
}

func TestEveryRequestAsksForKnownLeads(t *testing.T) {
	t.Parallel()
	data := someData()
	for _, c := range Contests() {
		known := 0
		for _, e := range c.Truth(data) {
			known += e.Rows
		}
		for name, requests := range map[string]func(Data) []*load.Exchange{"leadgraph": c.GraphQL, "peers": c.Peer, "proxies": c.REST} {
			if requests == nil {
				continue
			}
			asked, same := requests(data), len(c.GraphQL(data))
			if len(asked) != same {
				t.Errorf("%s: %d requests for %s, %d for leadgraph", c.Name, len(asked), name, same)
			}
			for i, e := range asked {
				if e.From+e.Rows > known {
					t.Errorf("%s: request %d for %s ends with lead %d of %d", c.Name, i, name, e.From+e.Rows, known)
				}
			}
		}
	}
}

func TestEveryGoalHasSomebodyToCompareWith(t *testing.T) {
	t.Parallel()
	entrants := map[string][]string{}
	for _, c := range Contests() {
		entrants[c.Name] = c.Entrants()
	}
	for _, c := range Contests() {
		if c.Goals == (Goals{}) {
			t.Errorf("%s has no goal", c.Name)
		}
		if c.Goals.OfProxy > 0 && !slices.Contains(entrants[c.ProxiesOf()], PooledProxy) {
			t.Errorf("%s: no proxy", c.Name)
		}
		if c.Goals.OfTailcall+c.Goals.OfBestPeer > 0 && !slices.Contains(entrants[c.Name], Tailcall) {
			t.Errorf("%s: no peer", c.Name)
		}
	}
}
