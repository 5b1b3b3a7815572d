package catalogue_test

import (
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"weak"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/leadtest"
)

// everything compares snapshots with all their indexes.
var everything = gocmp.Options{gocmp.Exporter(func(reflect.Type) bool { return true }), cmpopts.EquateEmpty(), cmpopts.IgnoreFields(catalogue.Snapshot{}, "own")}

func someLeads(ids ...string) []*lead.Lead {
	leads := make([]*lead.Lead, len(ids))
	for i, id := range ids {
		leads[i] = &lead.Lead{ID: id, TenantID: id}
	}
	return leads
}

// readAgain returns the leads as another reading has them, after some edits.
func readAgain(t *rapid.T, leads []*lead.Lead) []*lead.Lead {
	again := make([]*lead.Lead, len(leads))
	for i, l := range leads {
		again[i] = lead.Copy(l)
	}
	for range rapid.IntRange(0, 12).Draw(t, "edits") {
		at := rapid.IntRange(0, len(again)).Draw(t, "at")
		other := leadtest.GenLead().Draw(t, "other")
		if rapid.IntRange(0, 9).Draw(t, "long id") == 0 {
			other.ID += strings.Repeat("x", 44)
		}
		kind := rapid.SampledFrom([]string{"value", "value", "one", "one", "delete", "insert", "move", "reverse"}).Draw(t, "kind")
		switch {
		case at == len(again) || kind == "insert":
			again = slices.Insert(again, at, other)
		case kind == "value":
			other.ID = again[at].ID
			again[at] = other
		case kind == "one":
			again[at].Status, again[at].ConsentedOn = other.Status, other.ConsentedOn
		case kind == "delete":
			again = slices.Delete(again, at, at+1)
		case kind == "move":
			moved := again[at]
			again = slices.Insert(slices.Delete(again, at, at+1), rapid.IntRange(0, len(again)-1).Draw(t, "to"), moved)
		default:
			slices.Reverse(again[at:])
		}
	}
	return again
}

// A snapshot that was built after another one is the same as one that was built alone,
// to the last index, and answers as plain Go does.
func TestSnapshotAfterAnotherOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		leads := rapid.SliceOfN(leadtest.GenLead(), 0, 50).Draw(t, "leads")
		previous := catalogue.Build(leads, time.Time{}, nil)
		for range 2 {
			leads = readAgain(t, leads)
			s, alone := catalogue.Build(leads, time.Time{}, previous), catalogue.Build(leads, time.Time{}, nil)
			if diff := gocmp.Diff(alone, s, everything); diff != "" {
				t.Fatalf("not as built alone: %s", diff)
			}
			f, o := leadtest.GenFilter(2).Draw(t, "filter"), leadtest.GenOrders().Draw(t, "orders")
			if got, want := leadtest.IDs(s.Select(f, o...).Slice(0, len(leads))), leadtest.IDs(plainSelect(leads, f, o...)); !slices.Equal(got, want) {
				t.Fatalf("got %v, want %v", got, want)
			}
			previous = s
		}
	})
}

func TestWithin(t *testing.T) {
	t.Parallel()
	s := catalogue.Build(someLeads("b", "a", "c"), time.Time{}, nil)
	for list, want := range map[string]bool{"a b c": true, "c d b a": true, "a b": false, "a b b": false, "": false} {
		if got := s.Within(someLeads(strings.Fields(list)...)); got != want {
			t.Errorf("Within(%s) = %v", list, got)
		}
	}
	var none *catalogue.Snapshot
	if !none.Within(nil) || !catalogue.Build(nil, time.Time{}, nil).Within(nil) {
		t.Error("no lead is missing")
	}
}

// A snapshot must not keep the previous one in memory, nor leads that have
// disappeared.
func TestBuildForgetsThePrevious(t *testing.T) {
	t.Parallel()
	s := catalogue.Build(someLeads("a", "b"), time.Time{}, nil)
	previous, gone := weak.Make(s), weak.Make(s.ByID("b"))
	s = catalogue.Build(someLeads("a"), time.Time{}, s)
	runtime.GC()
	if previous.Value() != nil || gone.Value() != nil || s.Len() != 1 {
		t.Error("the previous snapshot or its lead is still in memory")
	}
}
