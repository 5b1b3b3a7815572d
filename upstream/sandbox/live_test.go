package sandbox_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"leadgraph/upstream/sandbox"
)

// content returns the JSON of each lead by its id.
func content(s *sandbox.Server) map[string]string {
	leads := map[string]string{}
	for _, id := range s.IDs() {
		leads[id] = string(s.Row(id))
	}
	return leads
}

// live lets a sandbox change by itself n times, and calls each after every change.
func live(t *testing.T, opts sandbox.Options, n int, each func(s *sandbox.Server)) {
	t.Helper()
	s, err := sandbox.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go s.Live(ctx, sandbox.DefaultLiveInterval)
	for range n {
		<-time.After(sandbox.DefaultLiveInterval)
		synctest.Wait()
		each(s)
	}
}

func TestLiveChangesOneLeadAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const leads, changes = 50, 1000
		s, err := sandbox.New(sandbox.Options{Leads: leads})
		if err != nil {
			t.Fatal(err)
		}
		before := content(s)
		samples := s.IDs()[:4]
		kinds := map[string]int{}
		live(t, sandbox.Options{Leads: leads}, changes, func(s *sandbox.Server) {
			after := content(s)
			kind, id := difference(t, before, after)
			kinds[kind]++
			if slices.Contains(samples, id) {
				t.Errorf("sample %s was changed", id)
			}
			checkDate(t, kind, after[id])
			if n := len(after); n < leads*3/4 || n > leads*5/4 {
				t.Errorf("there are %d leads", n)
			}
			before = after
		})
		for _, kind := range []string{"consent", "removal", "status", "contactDetails", "civicAddresses", "comments", "umpCustomerGuid"} {
			if kinds[kind] < changes/100 {
				t.Errorf("%d times %s in %d changes: %v", kinds[kind], kind, changes, kinds)
			}
		}
	})
}

// difference returns what happened to the only lead that differs.
func difference(t *testing.T, before, after map[string]string) (kind, id string) {
	t.Helper()
	for key := range after {
		switch old, known := before[key]; {
		case !known:
			kind, id = kind+"consent", key
		case old != after[key]:
			kind, id = kind+edited(t, old, after[key]), key
		}
	}
	for key := range before {
		if _, kept := after[key]; !kept {
			kind, id = kind+"removal", key
		}
	}
	return kind, id
}

// edited returns the member in which two leads differ, besides lastModifiedOn and the
// channel, which comes with the customer's GUID.
func edited(t *testing.T, before, after string) string {
	t.Helper()
	var old, now map[string]any
	decode(t, before, &old)
	decode(t, after, &now)
	var names []string
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if !cmp.Equal(old[name], now[name]) && name != "lastModifiedOn" && name != "ovocChannelId" {
			names = append(names, name)
		}
	}
	return strings.Join(names, " and ")
}

// checkDate checks that a change is dated now, as precisely as the sandbox writes times.
func checkDate(t *testing.T, kind, lead string) {
	t.Helper()
	if kind == "removal" {
		return
	}
	var l struct{ ConsentedOn, LastModifiedOn string }
	decode(t, lead, &l)
	changed, err := time.Parse(time.RFC3339, l.LastModifiedOn)
	if age := time.Since(changed); err != nil || age < 0 || age > time.Second {
		t.Errorf("%s: changed on %s: %v", kind, l.LastModifiedOn, err)
	}
	if kind == "consent" && l.ConsentedOn != l.LastModifiedOn {
		t.Errorf("consented on %s, changed on %s", l.ConsentedOn, l.LastModifiedOn)
	}
}

func TestLiveIsDeterministic(t *testing.T) {
	t.Parallel()
	var ends []map[string]string
	for _, seed := range []uint64{1, 1, 2} {
		synctest.Test(t, func(t *testing.T) {
			var last map[string]string
			live(t, sandbox.Options{Leads: 20, Seed: seed}, 100, func(s *sandbox.Server) { last = content(s) })
			ends = append(ends, last)
		})
	}
	if diff := cmp.Diff(ends[0], ends[1]); diff != "" {
		t.Errorf("the same seed and the same times gave different leads: %s", diff)
	}
	if cmp.Equal(ends[0], ends[2]) {
		t.Error("another seed gave the same leads")
	}
}

// Without leads, or with the samples alone, there is nothing to edit or to remove.
func TestLiveBeginsWithFewLeads(t *testing.T) {
	t.Parallel()
	for _, opts := range []sandbox.Options{{Empty: true}, {Leads: 1}} {
		synctest.Test(t, func(t *testing.T) {
			came := 0
			live(t, opts, 200, func(s *sandbox.Server) { came = max(came, len(s.IDs())) })
			if came < 2 || came > 30 {
				t.Errorf("there were up to %d leads", came)
			}
		})
	}
}
