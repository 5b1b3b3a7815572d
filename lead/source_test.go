package lead_test

import (
	"context"
	"testing"
	"time"

	"leadgraph/lead"
)

// copies is a source with a copy of what others read from the platform.
type copies struct {
	*platform
	copied    time.Time
	notBefore time.Time // as last asked for
}

func (c *copies) AllLeads(ctx context.Context, notBefore time.Time) (lead.Reading, error) {
	c.notBefore = notBefore
	if c.copied.Before(notBefore) {
		return c.platform.AllLeads(ctx, notBefore)
	}
	return lead.Reading{Leads: []*lead.Lead{{ID: "copy"}}, Complete: true, AsOf: c.copied}, nil
}

func withCopies(t *testing.T, opts lead.CatalogueOptions, test func(t *testing.T, c *lead.Catalogue, source *copies)) {
	t.Helper()
	inBubble(t, opts, func(t *testing.T, _ *lead.Catalogue, p *platform) {
		source := &copies{platform: p}
		c := lead.NewCatalogue(source, opts)
		defer c.Close()
		test(t, c, source)
	})
}

func TestCopiesAreAsOldAsTheyAre(t *testing.T) {
	t.Parallel()
	withCopies(t, options(), func(t *testing.T, c *lead.Catalogue, source *copies) {
		source.copied = time.Now().Add(-ttl / 2)
		wantAnswer(t, c, whatever, "read copy in 0s")
		s, _, err := c.Snapshot(t.Context(), whatever)
		if err != nil {
			t.Fatal(err)
		}
		if !s.AsOf().Equal(source.copied) {
			t.Errorf("as of %v, not %v", s.AsOf(), source.copied)
		}
		wantAnswer(t, c, maxAge(ttl/2), "read copy cached in 0s")
		wantAnswer(t, c, maxAge(ttl/2-1), "read 1 calls 3 in 1s") // not a copy that is too old
		source.copied = time.Now()
		pass(ttl)
		wantAnswer(t, c, whatever, "read 1 cached in 0s")
		pass(0)
		wantAnswer(t, c, whatever, "read copy cached in 0s")
		pass(1)
		wantAnswer(t, c, whatever, "read copy cached in 0s") // older than the TTL from its own beginning
		pass(readTime)
		wantAnswer(t, c, whatever, "read 2 cached in 0s")
	})
}

// NoCache means the platform, unless another replica began after the request.
func TestCopiesAndNoCache(t *testing.T) {
	t.Parallel()
	withCopies(t, options(), func(t *testing.T, c *lead.Catalogue, source *copies) {
		source.copied = time.Now().Add(-1)
		wantAnswer(t, c, noCache, "read 1 calls 3 in 1s")
		source.copied = time.Now()
		wantAnswer(t, c, noCache, "read copy in 0s")
		pass(1)
		wantAnswer(t, c, noCache, "read 2 calls 3 in 1s")
	})
}

// With the TTL's jitter a refresh can come before the copy that is held is too
// old: it must not get that again.
func TestCopiesAreNotTakenTwice(t *testing.T) {
	t.Parallel()
	opts := options()
	opts.Jitter, opts.Rand = 0.5, func() float64 { return 0 }
	withCopies(t, opts, func(t *testing.T, c *lead.Catalogue, source *copies) {
		source.copied = time.Now().Add(-ttl / 2)
		wantAnswer(t, c, whatever, "read copy in 0s")
		if want := time.Now().Add(-ttl); !source.notBefore.Equal(want) {
			t.Errorf("asked for leads since %v, want %v", source.notBefore, want)
		}
		pass(1)
		wantAnswer(t, c, whatever, "read copy cached in 0s")
		pass(readTime)
		wantAnswer(t, c, whatever, "read 1 cached in 0s")
	})
}

// A request does not board a refresh that may give it a copy that is too old.
func TestCopiesAndThoseWhoWait(t *testing.T) {
	t.Parallel()
	withCopies(t, options(), func(t *testing.T, c *lead.Catalogue, _ *copies) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			wantAnswer(t, c, whatever, "read 1 calls 3 in 1s")
		}()
		pass(readTime / 2)
		wantAnswer(t, c, maxAge(readTime), "read 1 in 500ms") // it was no copy
		<-done
		wantAnswer(t, c, maxAge(readTime-1), "read 2 calls 3 in 1s")
	})
}

func TestCopiesFromTheFuture(t *testing.T) {
	t.Parallel()
	withCopies(t, options(), func(t *testing.T, c *lead.Catalogue, source *copies) {
		source.copied = time.Now().Add(time.Hour)
		now := time.Now()
		s, _, err := c.Snapshot(t.Context(), whatever)
		if err != nil {
			t.Fatal(err)
		}
		if !s.AsOf().Equal(now) {
			t.Errorf("as of %v, not %v", s.AsOf(), now)
		}
	})
}
