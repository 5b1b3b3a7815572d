package lookup_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/leadtest"
	"leadgraph/lead/lookup"
)

func TestRefreshesAreTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var told []string
		opts := leadtest.Options()
		opts.OnRefresh = func(took time.Duration, calls int, err error) {
			told = append(told, fmt.Sprint(took, " ", calls, " ", err))
		}
		p := &leadtest.Platform{}
		c := catalogue.New(p, opts)
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read 1 calls 3 in 1s")
		p.Err = &lead.SourceError{Kind: lead.FailureTimeout}
		if _, _, err := c.Snapshot(t.Context(), leadtest.NoCache); err == nil {
			t.Error("no error")
		}
		leaving, leave := context.WithCancel(t.Context())
		go func() { _, _, _ = c.Snapshot(leaving, leadtest.NoCache) }()
		leadtest.Pass(leadtest.ReadTime / 2)
		leave()
		c.Close()
		want := []string{"1s 3 <nil>", "1s 2 " + (&lead.SourceError{Kind: lead.FailureTimeout}).Error(), "500ms 1 context canceled"}
		if !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
	})
}

func TestBatchesAreTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var told []string
		d := newDirectory()
		l := lookup.New(d, nil, lookup.Options{OnBatch: func(tenants int, took lookup.Report) {
			told = append(told, fmt.Sprintf("%d %d %s", tenants, took.CacheHits, took.Plan))
		}})
		defer l.Close()
		for _, batch := range [][]string{{"a", "b", "A"}, {"b", "c"}, {"c"}} {
			l.ByTenants(t.Context(), batch, lead.Freshness{})
		}
		if want := []string{"2 0 single reads", "2 1 single reads", "1 1 cache"}; !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
	})
}

type causeKey struct{}

// causes is a platform that notes which request caused a read.
type causes struct{ seen []any }

func (c *causes) LeadsByTenant(ctx context.Context, _ string, _ bool) ([]*lead.Lead, error) {
	c.seen = append(c.seen, ctx.Value(causeKey{}))
	<-ctx.Done()
	return nil, ctx.Err()
}

func (c *causes) AllLeads(ctx context.Context, _ time.Time) (catalogue.Reading, error) {
	c.seen = append(c.seen, ctx.Value(causeKey{}))
	<-ctx.Done()
	return catalogue.Reading{}, ctx.Err()
}

// A shared read has the values of the request that caused it. It outlives that
// request if others wait for it, and ends with the program at the latest.
func TestSharedReadsHaveTheValuesOfTheirCause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		source := &causes{}
		catalogue := catalogue.New(source, leadtest.Options())
		lookups := lookup.New(source, nil, lookup.Options{})
		joinTwice(t, source, catalogue.Close, func(ctx context.Context) error {
			_, _, err := catalogue.Snapshot(ctx, leadtest.Whatever)
			return err
		})
		joinTwice(t, source, lookups.Close, func(ctx context.Context) error {
			found, _ := lookups.ByTenants(ctx, []string{"a"}, lead.Freshness{})
			return found[0].Err
		})
	})
}

// joinTwice asks for the same twice, lets the first leave, then closes.
func joinTwice(t *testing.T, source *causes, stop func(), ask func(context.Context) error) {
	t.Helper()
	source.seen = nil
	first, leave := context.WithCancel(context.WithValue(t.Context(), causeKey{}, "first"))
	failed := make(chan error, 2)
	go func() { failed <- ask(first) }()
	synctest.Wait()
	go func() { failed <- ask(context.WithValue(t.Context(), causeKey{}, "second")) }()
	synctest.Wait()
	leave()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("the first got %v", err)
	}
	synctest.Wait()
	if !slices.Equal(source.seen, []any{"first"}) || len(failed) > 0 {
		t.Errorf("reads of %v, %d ended", source.seen, len(failed))
	}
	stop()
	if err := <-failed; err == nil {
		t.Error("the second got no error")
	}
}
