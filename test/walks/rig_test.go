package walks

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"leadgraph/internal/apptest"
	"leadgraph/upstream/sandbox"
)

// rig is a platform and the servers that read it.
type rig struct {
	t        testing.TB
	platform *sandbox.Server
	world    atomic.Pointer[world]
	args     []string
	replicas []*apptest.Program
	about    string
}

// newRig starts a platform and one to three servers with random settings.
func newRig(t testing.TB, number uint64, redis string, dice *rand.Rand) *rig {
	t.Helper()
	id := fmt.Sprintf("walker-%s-%d", strings.ReplaceAll(t.Name(), "/", "-"), number)
	options := sandbox.Options{
		Empty: true, ClientID: id, FirstPage: dice.IntN(2),
		CutAbove: []int{0, 0, 0, 10}[dice.IntN(4)],
	}
	platform, err := sandbox.New(options)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, platform: platform}
	server := httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(server.Close)
	varied := []string{
		"--first-page", fmt.Sprint(options.FirstPage),
		"--catalogue-page-size", []string{"20000", "20", "7"}[dice.IntN(3)],
		"--catalogue-ttl", []string{"1m", "1m", "1ms"}[dice.IntN(3)],
	}
	if dice.IntN(6) == 0 {
		varied = append(varied, "--pages-from-catalogue")
	}
	r.args = append([]string{
		"--upstream-url", server.URL + sandbox.BasePath, "--token-url", server.URL + sandbox.TokenPath,
		"--client-id", id, "--client-secret", sandbox.DefaultClientSecret, "--scope", sandbox.DefaultScope,
		"--log-level", "warn", "--no-playground", "--no-cache-interval", "0s", // or a rig would show the leads of the walk before
	}, varied...)
	if redis != "" {
		r.args = append(r.args, "--redis-url", "redis://"+redis, "--redis-timeout", "2s")
	}
	for range 1 + dice.IntN(3) {
		r.replicas = append(r.replicas, apptest.Serve(t, run, r.args...))
	}
	r.about = fmt.Sprintf("%d servers, Redis: %t, pages cut at %d, %s", len(r.replicas), redis != "", options.CutAbove, strings.Join(varied, " "))
	return r
}

// serve answers as the platform and tells the world of each call for leads.
func (r *rig) serve(w http.ResponseWriter, request *http.Request) {
	r.platform.ServeHTTP(w, request)
	if current := r.world.Load(); current != nil && request.Method == http.MethodGet {
		current.called()
	}
}

// restart replaces a server by a new one with the same settings.
func (r *rig) restart(replica int) {
	old := r.replicas[replica]
	old.Stop()
	if err := old.Wait(); err != nil {
		r.t.Error(err)
	}
	r.replicas[replica] = apptest.Serve(r.t, run, r.args...)
}

// refresh makes a server read the whole catalogue.
func (r *rig) refresh(replica int) {
	a := r.ask(replica, `{ leadStats { total } }`, nil, "Cache-Control", "no-cache")
	if a.Errors != nil {
		r.t.Errorf("refresh: %s", a.Body)
	}
}

func (r *rig) ask(replica int, document string, variables map[string]any, headers ...string) apptest.Answer {
	return apptest.Post(r.t, r.replicas[replica].Endpoint(), apptest.Body(document, variables), headers...)
}

// startRedis starts a redis-server and returns its address, or nothing if the program
// is not installed. The environment may require it.
func startRedis(t *testing.T) (address string) {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("LEADGRAPH_REQUIRE_REDIS") == "1" {
			t.Fatal("redis-server is required but not in PATH")
		}
		return ""
	}
	free, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(address)
	redis := exec.CommandContext(context.Background(), binary, "--bind", "127.0.0.1", "--port", port, "--dir", t.TempDir(), "--save", "", "--appendonly", "no")
	output, err := redis.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := redis.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = redis.Process.Kill()
		_ = redis.Wait() // reports that it was killed
	})
	for lines := bufio.NewScanner(output); lines.Scan(); {
		if strings.Contains(lines.Text(), "Ready to accept connections") {
			go func() { _, _ = io.Copy(io.Discard, output) }() // ends with the server
			return address
		}
	}
	t.Fatal("redis-server does not listen")
	return ""
}
