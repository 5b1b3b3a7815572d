package backend_test

import (
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"leadgraph/internal/backend"
	"leadgraph/internal/config"
	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/changes"
)

// sharing opens a platform that shares revisions with others.
func sharing(t *testing.T, p *fakePlatform, redis *miniredis.Miniredis) *backend.Platform {
	t.Helper()
	return open(t, p, func(o *backend.Options) {
		o.Caller, o.Upstream.StaticToken = nil, "token"
		o.Caches.RedisURL, o.Caches.RedisTimeout = config.Secret("redis://"+redis.Addr()), 5*time.Second
		o.Caches.ChangesInterval, o.Caches.ChangesMemory, o.Caches.ChangesRetention = time.Hour, 64<<20, time.Hour
	})
}

func revision(t *testing.T, b *backend.Platform) catalogue.Revision {
	t.Helper()
	s := b.Current(t.Context())
	if s == nil {
		return catalogue.Revision{}
	}
	return s.Revision()
}

func logOf(t *testing.T, b *backend.Platform) *changes.Log {
	t.Helper()
	log, err := b.Log(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return log
}

// One replica reads the platform; the others show the same revision without being asked, and
// a position of one is valid at all others, also after all have restarted.
func TestReplicasFollow(t *testing.T) {
	t.Parallel()
	p, redis := newFakePlatform(t), miniredis.RunT(t)
	a, b := sharing(t, p, redis), sharing(t, p, redis)
	for _, replica := range []*backend.Platform{a, b} {
		if _, _, err := replica.Snapshot(t.Context(), lead.Freshness{}); err != nil {
			t.Fatal(err)
		}
	}
	settle(redis)
	log := logOf(t, b)
	at, _ := log.End()
	news := log.News(at)
	id := p.IDs()[3]
	p.Edit(id, map[string]any{"channelId": "77"})
	p.ResetCalls()
	s, _, err := a.Snapshot(t.Context(), lead.Freshness{NoCache: true})
	if err != nil {
		t.Fatal(err)
	}
	calls := p.Calls().Pages
	<-news
	if got := revision(t, b); got != s.Revision() || got.Number != at.Revision.Number+1 {
		t.Errorf("the other shows %v, want %v", got, s.Revision())
	}
	if got := p.Calls().Pages; got != calls {
		t.Errorf("%d calls, the first made %d", got, calls)
	}
	batch, err := log.Read(at, nil, 10)
	if err != nil || len(batch.Entries) != 1 || batch.Entries[0].After.ID != id {
		t.Errorf("%+v %v", batch, err)
	}
	settle(redis)
	a.Close()
	b.Close()
	c := sharing(t, p, redis)
	if _, _, err := c.Snapshot(t.Context(), lead.Freshness{}); err != nil {
		t.Fatal(err)
	}
	if batch, err := logOf(t, c).Read(at, nil, 10); err != nil || len(batch.Entries) != 1 || batch.Entries[0].After.ID != id {
		t.Errorf("after a restart: %+v %v", batch, err)
	}
}

// A replica that has just started tells that a lead is gone only if it is absent from two
// readings, although it has read none before.
func TestRestartNeedsTwoReadingsForGone(t *testing.T) {
	t.Parallel()
	p, redis := newFakePlatform(t), miniredis.RunT(t)
	a := sharing(t, p, redis)
	if _, _, err := a.Snapshot(t.Context(), lead.Freshness{}); err != nil {
		t.Fatal(err)
	}
	at, _ := logOf(t, a).End()
	settle(redis)
	a.Close()
	gone := p.IDs()[5]
	p.Remove(5, 1)
	b := sharing(t, p, redis)
	p.ResetCalls()
	if _, _, err := b.Snapshot(t.Context(), lead.Freshness{NoCache: true}); err != nil {
		t.Fatal(err)
	}
	twice := p.Calls().Pages
	settle(redis)
	p.ResetCalls()
	if _, _, err := b.Snapshot(t.Context(), lead.Freshness{NoCache: true}); err != nil {
		t.Fatal(err)
	}
	if once := p.Calls().Pages; twice != 2*once {
		t.Errorf("%d calls, %d for one reading", twice, once)
	}
	if batch, err := logOf(t, b).Read(at, nil, 10); err != nil || len(batch.Entries) != 1 || batch.Entries[0].Kind != changes.Removed || batch.Entries[0].Before.ID != gone {
		t.Errorf("%+v %v", batch, err)
	}
}
