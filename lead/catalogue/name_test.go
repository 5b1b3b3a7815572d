package catalogue_test

import (
	"slices"
	"testing"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"

	"pgregory.net/rapid"
)

// Snapshots that are built from each other have the same name only if they have the same
// leads in the same order, and keep it while nothing changes.
func TestNamesOfSnapshots(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var leads []*lead.Lead
		for _, id := range rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z]{3}`), 1, 20, rapid.ID).Draw(t, "ids") {
			leads = append(leads, &lead.Lead{ID: id, TenantID: "t"})
		}
		s := catalogue.Build(leads, time.Unix(0, 0), nil)
		names := map[catalogue.Revision]bool{s.Name(): true}
		for i := range rapid.IntRange(1, 5).Draw(t, "readings") {
			next := make([]*lead.Lead, len(leads))
			for k, l := range leads {
				next[k] = lead.Clone(l) // read again
			}
			changed := true
			switch rapid.IntRange(0, 3).Draw(t, "change") {
			case 0:
				changed = false
			case 1:
				next[0].Status = lead.Status(uint8(next[0].Status)%4 + 1)
				changed = next[0].Status != leads[0].Status
			case 2:
				slices.Reverse(next)
				changed = len(next) > 1
			case 3:
				next = append(next, &lead.Lead{ID: "new" + string(rune('a'+i)), TenantID: "t"})
			}
			leads = next
			now := catalogue.Build(leads, time.Unix(int64(i), 0), s)
			if known := names[now.Name()]; known == changed || !changed && now.Name() != s.Name() {
				t.Fatalf("changed %t, name %v after %v", changed, now.Name(), s.Name())
			}
			names[now.Name()], s = true, now
		}
	})
}
