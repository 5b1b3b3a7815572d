package reader

import (
	"strings"
	"testing"

	"leadgraph/lead"
)

// partIDs reads one lead and returns the ids of its addresses and locations.
func partIDs(t *testing.T, key, id, addresses string, want lead.Parts) (ids []string) {
	t.Helper()
	body := `[{"id":"` + id + `","tenantId":"` + someTenant + `","civicAddresses":` + addresses + `}]`
	for _, borrow := range []bool{true, false} {
		ids = nil
		_, err := Read(strings.NewReader(body), Leads, Options{Want: want, IDKey: []byte(key), Borrow: borrow}, func(l *lead.Lead) error {
			for _, a := range l.CivicAddresses {
				ids = append(ids, a.ID)
				for _, at := range a.Locations {
					ids = append(ids, at.ID)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return ids
}

// Parts without an id get one that is theirs alone, and the same in every answer.
func TestOwnIDs(t *testing.T) {
	t.Parallel()
	const street, other = `{"streetName":"Harbour","locations":[{"elin":"1"},{"elin":"1"},{"elin":"2"}]}`, `{"cityOrTown":"Harbour","locations":{"elin":"1"}}`
	const all = `[` + street + `,` + street + `,` + other + `,{"id":"platform","locations":[{"elin":"1"},{"id":"x"}]},{"id":"00000000-0000-0000-0000-000000000000","streetName":""}]`
	first := partIDs(t, "key", "1", all, lead.AllParts)
	if len(first) != 14 {
		t.Fatalf("%d ids", len(first))
	}
	seen := map[string]bool{}
	for _, id := range first {
		if own := strings.HasPrefix(id, OwnID); seen[id] || !own && id != "platform" && id != "x" {
			t.Errorf("id %q", id)
		}
		seen[id] = true
	}
	for i, id := range partIDs(t, "key", "1", all, lead.AllParts) {
		if id != first[i] {
			t.Errorf("part %d is %q and %q", i, first[i], id)
		}
	}
	for i, id := range partIDs(t, "key", "1", all, lead.PartCivicAddresses) {
		if want := first[[]int{0, 4, 8, 10, 13}[i]]; id != want {
			t.Errorf("without locations, address %d is %q and not %q", i, id, want)
		}
	}
	for _, different := range [][]string{partIDs(t, "another", "1", all, lead.AllParts), partIDs(t, "key", "2", all, lead.AllParts)} {
		for i, id := range different {
			if id == first[i] && strings.HasPrefix(id, OwnID) {
				t.Errorf("part %d has the same id with another key or lead", i)
			}
		}
	}
	// A part keeps its id when another one is added.
	if more := partIDs(t, "key", "1", `[`+other+`,`+street+`]`, lead.AllParts); more[0] != first[8] || more[2] != first[0] {
		t.Errorf("%q, before %q", more, first)
	}
}
