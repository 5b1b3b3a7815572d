package catalogue_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/leadtest"
)

// copies is a source with a copy that another replica read from the platform.
type copies struct {
	*leadtest.Platform
	copied    time.Time
	notBefore time.Time // of the last call
}

func (c *copies) AllLeads(ctx context.Context, notBefore time.Time) (catalogue.Reading, error) {
	c.notBefore = notBefore
	if c.copied.Before(notBefore) {
		return c.Platform.AllLeads(ctx, notBefore)
	}
	return catalogue.Reading{Leads: []*lead.Lead{{ID: "copy"}}, Complete: true, AsOf: c.copied}, nil
}

func withCopies(t *testing.T, opts catalogue.Options, test func(t *testing.T, c *catalogue.Catalogue, source *copies)) {
	t.Helper()
	inBubble(t, opts, func(t *testing.T, _ *catalogue.Catalogue, p *leadtest.Platform) {
		source := &copies{Platform: p}
		c := catalogue.New(source, opts)
		defer c.Close()
		test(t, c, source)
	})
}

func TestCopiesAreAsOldAsTheyAre(t *testing.T) {
	t.Parallel()
	withCopies(t, leadtest.Options(), func(t *testing.T, c *catalogue.Catalogue, source *copies) {
		source.copied = time.Now().Add(-leadtest.TTL / 2)
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read copy in 0s")
		s, _, err := c.Snapshot(t.Context(), leadtest.Whatever)
		if err != nil {
			t.Fatal(err)
		}
		if !s.AsOf().Equal(source.copied) {
			t.Errorf("as of %v, not %v", s.AsOf(), source.copied)
		}
		leadtest.WantAnswer(t, c, leadtest.MaxAge(leadtest.TTL/2), "read copy cached in 0s")
		leadtest.WantAnswer(t, c, leadtest.MaxAge(leadtest.TTL/2-1), "read 1 calls 3 in 1s") // not a copy that is too old
		source.copied = time.Now()
		leadtest.Pass(leadtest.TTL)
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read 1 cached in 0s")
		leadtest.Pass(0)
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read copy cached in 0s")
		leadtest.Pass(1)
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read copy cached in 0s") // older than the TTL, counted from its own read
		leadtest.Pass(leadtest.ReadTime)
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read 2 cached in 0s")
	})
}

// A request with NoCache reads the platform, unless another replica began a read
// after the request arrived.
func TestCopiesAndNoCache(t *testing.T) {
	t.Parallel()
	withCopies(t, leadtest.Options(), func(t *testing.T, c *catalogue.Catalogue, source *copies) {
		source.copied = time.Now().Add(-1)
		leadtest.WantAnswer(t, c, leadtest.NoCache, "read 1 calls 3 in 1s")
		source.copied = time.Now()
		leadtest.WantAnswer(t, c, leadtest.NoCache, "read copy in 0s")
		leadtest.Pass(1)
		leadtest.WantAnswer(t, c, leadtest.NoCache, "read 2 calls 3 in 1s")
	})
}

// With the jitter of the TTL, a refresh can begin before the current copy is too old.
// It must not get that copy again.
func TestCopiesAreNotTakenTwice(t *testing.T) {
	t.Parallel()
	opts := leadtest.Options()
	opts.Jitter, opts.Rand = 0.5, func() float64 { return 0 }
	withCopies(t, opts, func(t *testing.T, c *catalogue.Catalogue, source *copies) {
		source.copied = time.Now().Add(-leadtest.TTL / 2)
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read copy in 0s")
		if want := time.Now().Add(-leadtest.TTL); !source.notBefore.Equal(want) {
			t.Errorf("notBefore = %v, want %v", source.notBefore, want)
		}
		leadtest.Pass(1)
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read copy cached in 0s")
		leadtest.Pass(leadtest.ReadTime)
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read 1 cached in 0s")
	})
}

// A request does not join a refresh that may return a copy that is too old for it.
func TestCopiesAndThoseWhoWait(t *testing.T) {
	t.Parallel()
	withCopies(t, leadtest.Options(), func(t *testing.T, c *catalogue.Catalogue, _ *copies) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			leadtest.WantAnswer(t, c, leadtest.Whatever, "read 1 calls 3 in 1s")
		}()
		leadtest.Pass(leadtest.ReadTime / 2)
		leadtest.WantAnswer(t, c, leadtest.MaxAge(leadtest.ReadTime), "read 1 in 500ms") // it was not a copy
		<-done
		leadtest.WantAnswer(t, c, leadtest.MaxAge(leadtest.ReadTime-1), "read 2 calls 3 in 1s")
	})
}

func TestCopiesFromTheFuture(t *testing.T) {
	t.Parallel()
	withCopies(t, leadtest.Options(), func(t *testing.T, c *catalogue.Catalogue, source *copies) {
		source.copied = time.Now().Add(time.Hour)
		now := time.Now()
		s, _, err := c.Snapshot(t.Context(), leadtest.Whatever)
		if err != nil {
			t.Fatal(err)
		}
		if !s.AsOf().Equal(now) {
			t.Errorf("as of %v, not %v", s.AsOf(), now)
		}
	})
}

// fixed is a source that returns the same list each time.
type fixed []*lead.Lead

func (f fixed) AllLeads(context.Context, time.Time) (catalogue.Reading, error) {
	return catalogue.Reading{Leads: f, Complete: true}, nil
}

// A source may return leads of the snapshot before, whose readers must not see a change.
// A lead that is read again with the same values shares that one's memory.
func TestSnapshotsDoNotChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		leads := make(fixed, 3)
		for i := range leads {
			leads[i] = &lead.Lead{ID: strings.Repeat("id", i+1), TenantID: "t", Comments: []string{"c"}}
		}
		source := slices.Clone(leads)
		c := catalogue.New(source, catalogue.Options{})
		defer c.Close()
		first, _, err := c.Snapshot(t.Context(), leadtest.Whatever)
		if err != nil {
			t.Fatal(err)
		}
		begun := first.AsOf()
		leadtest.Pass(time.Minute)
		source[1], source[2] = lead.Copy(leads[1]), lead.Copy(leads[2])
		source[2].Comments[0] = "d"
		second, _, err := c.Snapshot(t.Context(), leadtest.NoCache)
		if err != nil {
			t.Fatal(err)
		}
		for i, l := range first.All() {
			now := second.All()[i]
			if !l.AsOf.Equal(begun) || !now.AsOf.Equal(begun.Add(time.Minute)) || l == now {
				t.Errorf("lead %d is of %v and %v", i, l.AsOf, now.AsOf)
			}
			if lead.Shared(l, now) != (i < 2) {
				t.Errorf("lead %d: shared %v", i, lead.Shared(l, now))
			}
		}
		if first.All()[2].Comments[0] != "c" || second.All()[2].Comments[0] != "d" {
			t.Error("a changed lead is not shown")
		}
	})
}
