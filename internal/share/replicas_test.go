package share_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
	"pgregory.net/rapid"

	"leadgraph/internal/share"
	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/changes"
	"leadgraph/lead/leadtest"
)

// world is a list of leads that changes, a server, and replicas that share the list.
type world struct {
	*rapid.T
	ctx     context.Context
	redis   *miniredis.Miniredis
	leads   []*lead.Lead
	during  func() // happens while the platform is read, once
	nodes   []*node
	clients []*watcher
	losses  int  // events after which positions may have expired
	apart   bool // replicas have not agreed since the last one

	mu  sync.Mutex
	off bool // the server fails
}

// node is a replica.
type node struct {
	store     *share.Store
	source    *share.Source
	catalogue *catalogue.Catalogue
	log       *changes.Log
}

// AllLeads implements catalogue.Source.
func (w *world) AllLeads(context.Context, time.Time) (catalogue.Reading, error) {
	copies := make([]*lead.Lead, len(w.leads))
	for i, l := range w.leads {
		copies[i] = lead.Clone(l)
	}
	if during := w.during; during != nil {
		w.during = nil
		during()
	}
	return catalogue.Reading{Leads: copies, Complete: true, Calls: 1}, nil
}

// start starts a replica that knows nothing.
func (w *world) start() *node {
	n, err := startNode(w.redis.Addr(), w, share.SourceOptions{Keep: time.Hour})
	if err != nil {
		w.Fatal(err)
	}
	return n
}

func startNode(addr string, platform catalogue.Source, o share.SourceOptions) (*node, error) {
	n := &node{}
	var err error
	n.store, err = share.Open(share.Options{URL: "redis://" + addr, Key: make([]byte, 32), Bound: 20 * time.Second})
	if err != nil {
		return nil, err
	}
	n.store.PageCap() // it is connected
	o.Latest = func() *catalogue.Snapshot { return n.catalogue.Current(context.Background()) }
	n.source = n.store.Source(platform, o)
	n.catalogue = catalogue.New(n.source, catalogue.Options{
		TTL: time.Hour, NoCacheInterval: -1,
		OnPublish: func(ctx context.Context, s *catalogue.Snapshot) { n.log.Publish(ctx, s) },
	})
	n.log = changes.NewLog(changes.Options{History: n.source, CatchUp: n.adopt})
	return n, nil
}

func (n *node) adopt(ctx context.Context) { n.catalogue.Adopt(ctx, n.source.Newer) }

func (n *node) stop() {
	n.catalogue.Close()
	n.store.Close()
}

func (w *world) change() {
	w.leads = slices.Clone(w.leads)
	for range rapid.IntRange(0, 3).Draw(w.T, "edits") {
		fresh := leadtest.GenLead().Draw(w.T, "lead")
		fresh.ID, fresh.TenantID, fresh.UMPCustomerGUID = fmt.Sprint(rapid.IntRange(0, 9).Draw(w.T, "id")), tenantA, nil
		to := rapid.IntRange(0, len(w.leads)).Draw(w.T, "to")
		at := slices.IndexFunc(w.leads, func(l *lead.Lead) bool { return l.ID == fresh.ID })
		switch kind := rapid.IntRange(0, 3).Draw(w.T, "kind"); {
		case at < 0:
			w.leads = slices.Insert(w.leads, to, fresh)
		case kind == 0:
			w.leads = slices.Delete(w.leads, at, at+1)
		case kind == 1:
			moved := w.leads[at]
			w.leads = slices.Delete(w.leads, at, at+1)
			w.leads = slices.Insert(w.leads, min(to, len(w.leads)), moved)
		default:
			w.leads[at] = fresh
		}
	}
}

// read has a replica read the platform. Then all that it stores is stored.
func (w *world) read(n *node) *catalogue.Snapshot {
	s, _, err := n.catalogue.Snapshot(w.ctx, lead.Freshness{NoCache: true})
	if err != nil {
		w.Fatal(err)
	}
	for !w.off && (len(keysOf(w.redis, leaseKey)) > 0 || s.Revision() != catalogue.Revision{} && !w.whole()) {
		runtime.Gosched()
	}
	return s
}

// whole reports whether all leads are stored that the head names.
func (w *world) whole() bool {
	for _, key := range keysOf(w.redis, headKey) {
		if text, err := w.redis.Get(key); err == nil {
			return w.redis.Exists(key + ":" + strings.Fields(text)[6] + ":0")
		}
	}
	return false
}

func (w *world) some(name string) *node {
	return w.nodes[rapid.IntRange(0, len(w.nodes)-1).Draw(w.T, name)]
}

// fail makes every command fail without a consequence for the next one.
func (w *world) fail(off bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.off = off
}

// watcher lists at one replica and reads changes at any.
type watcher struct {
	filter *lead.Filter
	at     changes.Position
	has    map[string]string
	losses int  // that had happened when it got its position
	apart  bool // it got that from a replica that others may not have agreed with
}

func shownBy(s *catalogue.Snapshot, filter *lead.Filter) map[string]string {
	view, has := s.Select(filter, lead.Order{}), map[string]string{}
	for _, l := range view.Slice(0, view.Total()) {
		has[l.ID] = textOf(l)
	}
	return has
}

// textOf returns all values of a lead but the time of the reading.
func textOf(l *lead.Lead) string {
	values := *l
	values.AsOf = time.Time{}
	text, err := json.Marshal(&values)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func (w *world) list(c *watcher, n *node) {
	s := n.catalogue.Current(w.ctx)
	if s == nil {
		s = w.read(n)
	}
	*c = watcher{filter: c.filter, at: n.log.Of(s), has: shownBy(s, c.filter), losses: w.losses, apart: w.apart}
}

// follow reads changes at a replica, and lists again if the position has expired and may
// have.
func (w *world) follow(c *watcher, n *node) {
	if err := n.log.Find(w.ctx, c.at); err != nil {
		if c.losses == w.losses && !c.apart { // it is expired, or of a replica that was ahead
			w.Fatalf("position %v: %v", c.at, err)
		}
		w.list(c, n)
	}
	for {
		batch, err := n.log.Read(c.at, c.filter, 2)
		if err != nil {
			w.Fatal(err)
		}
		for _, e := range batch.Entries {
			if e.Kind == changes.Removed || e.Kind == changes.Left {
				delete(c.has, e.Before.ID)
			} else {
				c.has[e.After.ID] = textOf(e.After)
			}
		}
		if c.at = batch.Next; !batch.More {
			c.losses, c.apart = w.losses, w.apart
			return
		}
		if rapid.IntRange(0, 2).Draw(w.T, "goes elsewhere") == 0 {
			w.follow(c, w.some("elsewhere"))
			return
		}
	}
}

// lose is an event after which positions may expire.
func (w *world) lose(event func()) {
	w.losses, w.apart = w.losses+1, true
	event()
}

// events are what can happen.
func (w *world) events() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"a reading": func(*rapid.T) { w.change(); w.read(w.some("reader")) },
		"taken over": func(*rapid.T) {
			n := w.some("follower")
			n.adopt(w.ctx)
		},
		"a list": func(t *rapid.T) {
			c := &watcher{filter: leadtest.GenFilter(2).Draw(t, "filter")}
			w.list(c, w.some("lister"))
			w.clients = append(w.clients, c)
		},
		"a page with a newer lead": func(t *rapid.T) {
			w.agree() // what has been lost cannot be told
			c, n := &watcher{filter: leadtest.GenFilter(2).Draw(t, "filter")}, w.some("lister")
			w.list(c, n)
			if ids := slices.Sorted(maps.Keys(c.has)); len(ids) > 0 {
				id := rapid.SampledFrom(ids).Draw(t, "newer")
				if c.has[id] = "newer, and then the platform goes back"; rapid.Bool().Draw(t, "left out") {
					delete(c.has, id)
				}
				n.log.Unsettle([]string{id})
				for len(keysOf(w.redis, `}:unsettled$`)) == 0 {
					runtime.Gosched()
				}
				w.agree()
			}
			w.clients = append(w.clients, c)
		},
		"changes": func(*rapid.T) {
			for _, c := range w.clients {
				w.follow(c, w.some("teller"))
			}
		},
		"a restart": func(t *rapid.T) {
			i := rapid.IntRange(0, len(w.nodes)-1).Draw(t, "node")
			w.nodes[i].stop()
			w.nodes[i] = w.start()
		},
		"a holder that is late": func(t *rapid.T) {
			late := rapid.IntRange(0, len(w.nodes)-1).Draw(t, "late")
			w.during = func() {
				for _, key := range keysOf(w.redis, leaseKey) {
					w.redis.Del(key)
				}
				w.change()
				w.read(w.nodes[(late+1)%len(w.nodes)])
			}
			w.read(w.nodes[late])
			w.during = nil
		},
		"an agreement": func(*rapid.T) { w.agree() },
		"data is lost": func(*rapid.T) { w.lose(func() { w.redis.FlushAll() }) },
		"a key is lost": func(t *rapid.T) {
			if keys := w.redis.Keys(); len(keys) > 0 {
				w.lose(func() { w.redis.Del(rapid.SampledFrom(keys).Draw(t, "key")) })
			}
		},
		"an outage": func(*rapid.T) {
			w.lose(func() {
				w.fail(true)
				w.change()
				w.read(w.some("reader"))
				if len(w.clients) > 0 {
					w.list(w.clients[0], w.some("lister"))
				}
				w.fail(false)
			})
		},
	}
}

// A list at one replica, with the changes that any replica tells from there, is the
// platform's list at the last revision, for every filter. A position expires only if the
// server has lost something since, or could not be reached.
func TestReplicasTellTheSameChanges(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := miniredis.NewMiniRedis()
		if err := m.Start(); err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		w := &world{T: t, ctx: ctx, redis: m}
		m.Server().SetPreHook(func(c *server.Peer, command string, _ ...string) bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			fails := w.off && slices.Contains([]string{"EVALSHA", "EVAL", "GETRANGE", "SET", "PEXPIRE", "EXISTS"}, strings.ToUpper(command))
			if fails {
				c.WriteError("WRONGTYPE is an error of one command")
			}
			return fails
		})
		for range rapid.IntRange(2, 3).Draw(t, "replicas") {
			w.nodes = append(w.nodes, w.start())
		}
		defer func() {
			for _, n := range w.nodes {
				n.stop()
			}
		}()
		events := w.events()
		for range rapid.IntRange(1, 25).Draw(t, "events") {
			name := rapid.SampledFrom(slices.Sorted(maps.Keys(events))).Draw(t, "event")
			events[name](t)
		}
		w.check()
	})
}

// agree has all replicas show one revision, after one more reading. If something was lost
// that is needed to take over, others read as well.
func (w *world) agree() {
	last := w.read(w.some("last reader"))
	for rounds := 0; ; rounds++ {
		i := slices.IndexFunc(w.nodes, func(n *node) bool {
			n.adopt(w.ctx)
			s, _, err := n.catalogue.Snapshot(w.ctx, lead.Freshness{})
			return err != nil || s.Revision() != last.Revision() || s.Revision() == catalogue.Revision{}
		})
		switch {
		case i < 0:
			w.apart = false
			return
		case w.losses == 0 || rounds > 3*len(w.nodes):
			w.Fatalf("replica %d shows %v, another one %v", i, w.nodes[i].catalogue.Current(w.ctx).Revision(), last.Revision())
		}
		last = w.read(w.nodes[i])
	}
}

// check compares what everybody has with the platform.
func (w *world) check() {
	w.agree()
	want := catalogue.Build(w.leads, time.Now(), nil)
	for i, n := range w.nodes {
		if s := n.catalogue.Current(w.ctx); s != nil && !slices.Equal(leadtest.IDs(s.All()), leadtest.IDs(w.leads)) {
			w.Fatalf("replica %d shows %v, want %v", i, leadtest.IDs(s.All()), leadtest.IDs(w.leads))
		}
	}
	for i, c := range w.clients {
		w.follow(c, w.some("teller"))
		if want := shownBy(want, c.filter); !maps.Equal(c.has, want) {
			w.Fatalf("client %d has\n%v, want\n%v", i, c.has, want)
		}
	}
}
