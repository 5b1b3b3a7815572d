package share_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"leadgraph/internal/share"
	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/lookup"
)

// redisServer is a real server that a test can kill and restart.
type redisServer struct {
	addr    string
	command func() *exec.Cmd
	running *exec.Cmd
}

// newRedis starts a redis-server on a free port of the loopback interface. If the
// program is not installed the test is skipped, or fails if the environment requires
// it.
func newRedis(t *testing.T, settings ...string) *redisServer {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("LEADGRAPH_REQUIRE_REDIS") == "1" {
			t.Fatal("redis-server is required but not in PATH")
		}
		t.Skip("redis-server is not in PATH")
	}
	free, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &redisServer{addr: free.Addr().String()}
	_, port, err := net.SplitHostPort(r.addr)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	r.command = func() *exec.Cmd {
		args := append([]string{"--bind", "127.0.0.1", "--port", port, "--dir", dir, "--save", "", "--appendonly", "no"}, settings...)
		return exec.CommandContext(context.Background(), binary, args...)
	}
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	r.start(t)
	t.Cleanup(func() { r.kill(t) })
	return r
}

func (r *redisServer) start(t *testing.T) {
	t.Helper()
	r.running = r.command()
	if err := r.running.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "redis-server listens", func() bool {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", r.addr)
		return err == nil && conn.Close() == nil
	})
}

func (r *redisServer) kill(t *testing.T) {
	t.Helper()
	if err := r.running.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = r.running.Wait() // reports that it was killed
}

// LeadsByTenant makes the platform a lead.TenantSource.
func (p *platform) LeadsByTenant(_ context.Context, tenantID string, _ bool) ([]*lead.Lead, error) {
	return []*lead.Lead{{ID: "of " + tenantID, TenantID: tenantID}}, nil
}

// process is one replica.
type process struct {
	store     *share.Store
	catalogue *catalogue.Catalogue
	lookups   *lookup.Lookups
}

func startProcess(t *testing.T, addr string, p *platform, adjust func(*share.Options)) *process {
	t.Helper()
	s := &process{store: open(t, addr, adjust)}
	s.catalogue = catalogue.New(s.store.Source(p, kept), catalogue.Options{TTL: keep})
	t.Cleanup(s.catalogue.Close)
	s.lookups = lookup.New(p, nil, lookup.Options{Shared: s.store.Lookups(lookup.DefaultLookupTTL)})
	t.Cleanup(s.lookups.Close)
	return s
}

func TestReplicasOverRedis(t *testing.T) {
	t.Parallel()
	redis, p := newRedis(t), newPlatform()
	a, b := startProcess(t, redis.addr, p, nil), startProcess(t, redis.addr, p, nil)
	var callers sync.WaitGroup
	var calls atomic.Int64
	for i := range 200 {
		callers.Go(func() {
			s, state, err := []*process{a, b}[i%2].catalogue.Snapshot(t.Context(), lead.Freshness{})
			if err != nil || s.All()[0].ID != "read 1" {
				t.Errorf("%v, %v", s, err)
			}
			calls.Add(int64(state.Calls))
		})
	}
	callers.Wait()
	p.wantReads(t, 1)
	if calls.Load() != 1 {
		t.Errorf("%d calls counted", calls.Load())
	}
	s, state, err := b.catalogue.Snapshot(t.Context(), lead.Freshness{NoCache: true})
	if err != nil || s.All()[0].ID != "read 2" || state.Calls != 1 {
		t.Errorf("%+v, %v", state, err)
	}
	p.wantReads(t, 2)

	if found, report := a.lookups.ByTenants(t.Context(), []string{strings.ToUpper(tenantA)}, lead.Freshness{}); found[0].Err != nil || report.UpstreamCalls != 1 {
		t.Errorf("%+v, %+v", found, report)
	}
	eventually(t, "a lookup is shared", func() bool {
		found, report := startProcess(t, redis.addr, p, nil).lookups.ByTenants(t.Context(), []string{tenantA}, lead.Freshness{})
		return found[0].Err == nil && found[0].Leads[0].ID == "of "+tenantA && report.UpstreamCalls == 0
	})
}

func TestRedisRestartsUnderLoad(t *testing.T) {
	t.Parallel()
	redis, p := newRedis(t), newPlatform()
	var lines log
	logged := func(o *share.Options) { o.Logger = lines.logger(t) }
	replicas := []*process{startProcess(t, redis.addr, p, logged), startProcess(t, redis.addr, p, logged)}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() { // nobody waits for these reads
		for range p.begun {
			continue
		}
	}()
	var callers sync.WaitGroup
	for i := range 50 {
		callers.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				r := replicas[(i+n)%2]
				want := []lead.Freshness{{}, {NoCache: true}, {MaxAge: new(20 * time.Millisecond)}}[i%3]
				if _, _, err := r.catalogue.Snapshot(t.Context(), want); err != nil {
					t.Errorf("catalogue: %v", err)
				}
				if found, _ := r.lookups.ByTenants(t.Context(), []string{fmt.Sprintf("%08d%s", n%100, tenantA[8:])}, want); found[0].Err != nil {
					t.Errorf("lookup: %v", found[0].Err)
				}
			}
		})
	}
	times := func(text string, n int) {
		t.Helper()
		eventually(t, text, func() bool { return lines.count(text) >= n })
	}
	for round := range 2 {
		times("shared state is reachable", 2+2*round)
		times("leads shared", lines.count("leads shared")+1)
		redis.kill(t)
		times("shared state is unreachable", 2+2*round)
		redis.start(t)
	}
	times("shared state is reachable", 6)
	times("leads shared", lines.count("leads shared")+1)
	stop()
	callers.Wait()
	close(p.begun)
}
