package upstream_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"leadgraph/lead"
	"leadgraph/upstream"
	"leadgraph/upstream/sandbox"
)

// loneHole is an answer with one row, which cannot be read, to whatever was asked.
func loneHole(times, every int) sandbox.Fault {
	return sandbox.Fault{Kind: sandbox.KindPage, Body: `[{"id":"1","status":"Active"}]`, Times: times, Every: every}
}

// refusal is the answer of a page past the end, to whatever was asked.
func refusal(status, times, every int) sandbox.Fault {
	return sandbox.Fault{Kind: sandbox.KindPage, Status: status, Times: times, Every: every}
}

// disturbed calls each for platforms that fail for a while, beginning with one of the first
// calls, or with every second or third call from then on.
func disturbed(t *testing.T, each func(t *testing.T, platform *sandbox.Server, client *upstream.Client)) {
	t.Helper()
	all := quirks()
	all["from 1, page 0 refused"] = sandbox.Options{Leads: quirkLeads, FirstPage: 1, PageZero: sandbox.PageZeroError}
	all["short"] = sandbox.Options{Leads: 4}
	for _, name := range []string{
		"plain", "short", "from 1, page 0 refused", "from 1, page 0 empty", "from 1, page 0 repeats", "cut at 7", "cut at 100, offsets kept", "past the end 404", "cut, from 1, past the end 400",
	} {
		o := all[name]
		for _, f := range []sandbox.Fault{
			loneHole(1, 0), loneHole(3, 0), loneHole(-1, 2), refusal(400, 1, 0), refusal(404, -1, 2), refusal(404, -1, 3),
		} {
			t.Run(fmt.Sprintf("%s, status %d, %d times, every %d", name, f.Status, f.Times, f.Every), func(t *testing.T) {
				t.Parallel()
				for begin := 1; begin <= 6; begin++ {
					platform, client, _ := newSandbox(t, o, nil)
					if begin > 3 { // the client knows how the platform pages
						_, _ = client.AllLeads(t.Context(), 0) // which fails if page 0 is refused
						_, _ = client.LeadsPage(t.Context(), o.Leads/50, 50, lead.AllParts)
					}
					calls := 0
					platform.OnPage(func(sandbox.PageCall) {
						if calls++; calls == 1+begin%3 {
							platform.Inject(f)
						}
					})
					each(t, platform, client)
				}
			})
		}
	}
}

// A walk that met answers without a readable row, or refusals that mean nothing, fails, or
// says that the list changed, or has all leads. It does not learn from them.
func TestWalkAmongFailures(t *testing.T) {
	t.Parallel()
	disturbed(t, func(t *testing.T, platform *sandbox.Server, client *upstream.Client) {
		walk, err := client.AllLeads(t.Context(), 70)
		if err == nil && walk.Complete && !walk.Changed && !slices.Equal(platform.IDs(), ids(walk.Leads)) {
			t.Errorf("%d leads, %d unreadable, first %v", len(walk.Leads), walk.Unreadable, ids(walk.Leads)[:min(3, len(walk.Leads))])
		}
		if most := client.Facts().Cap; most == 1 {
			t.Error("a cap of one lead was learnt")
		}
	})
}

// The same for pages: none ends the list early.
func TestPagesAmongFailures(t *testing.T) {
	t.Parallel()
	disturbed(t, func(t *testing.T, platform *sandbox.Server, client *upstream.Client) {
		all := platform.IDs()
		for start, size := 0, 50; start < len(all); start += size {
			for size = min(size, client.MaxPageSize()); start%size != 0; {
				size--
			}
			leads, err := client.LeadsPage(t.Context(), start/size, size, lead.AllParts)
			if want := all[start:min(start+size, len(all))]; err == nil && (slices.Contains(leads, nil) || !slices.Equal(want, ids(leads))) {
				t.Errorf("page %d of %d: %d rows, want %d", start/size, size, len(leads), len(want))
			}
			if err != nil && !errors.Is(err, lead.ErrPageCut) {
				return
			}
		}
		if most := client.Facts().Cap; most == 1 {
			t.Error("a cap of one lead was learnt")
		}
	})
}

// Rows that cannot be read at the end of a list do not hide the others.
func TestUnreadableEnd(t *testing.T) {
	t.Parallel()
	for _, o := range []sandbox.Options{{Leads: 11}, {Leads: 13}, {Leads: 51}, {Leads: 53, PastEnd: "404"}, {Leads: 102, CutAbove: 25}} {
		for _, size := range []int{5, 10, 50} {
			platform, client, _ := newSandbox(t, o, nil)
			for at := o.Leads - o.Leads%10; at < o.Leads; at++ {
				platform.Spoil(at, map[string]any{"id": nil})
			}
			rows := 0
			for start, full := 0, true; full; {
				s := min(size, client.MaxPageSize())
				leads, err := client.LeadsPage(t.Context(), start/s, s, lead.AllParts)
				if errors.Is(err, lead.ErrPageCut) && client.MaxPageSize() < s {
					continue
				}
				if err != nil {
					t.Fatalf("%d leads, pages of %d, page %d: %v", o.Leads, size, start/s, err)
				}
				rows, start, full = rows+len(leads), start+s, len(leads) == s
			}
			if rows != o.Leads {
				t.Errorf("%d leads, pages of %d: %d rows", o.Leads, size, rows)
			}
		}
	}
}
