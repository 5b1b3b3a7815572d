package app_test

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"leadgraph/graph/federation"
	"leadgraph/graph/generated"
	"leadgraph/internal/apptest"
	"leadgraph/internal/auth"
	"leadgraph/upstream/sandbox"
)

const (
	federationDir = root + "test/federation"
	gatewayDir    = federationDir + "/gateway"
)

// federated is leadgraph beside a second subgraph.
type federated struct {
	platform  *sandbox.Server
	replicas  []string
	endpoint  string // shares the requests between the replicas
	variables []string
	folder    string // of the supergraphs
}

// TestFederation composes leadgraph with a second subgraph, by both libraries that gateways
// use, and joins 1,000 accounts to their leads by two replicas: through the library of Hive
// Gateway, and through Hive Gateway itself where that is installed.
func TestFederation(t *testing.T) {
	t.Parallel()
	f := newFederated(t, findNodeFor(t, federationDir, "LEADGRAPH_REQUIRE_NODE"))
	for _, composed := range []string{"apollo", "guild"} {
		f.join(t, "well", "SUPERGRAPH="+filepath.Join(f.folder, composed+".graphql"))
	}
	// In each of two passes the catalogue is read once for the leads and once for the tenants,
	// in two pages. Each replica may refresh it once more for the unknown lead.
	if calls := f.platform.Calls(); calls.Pages > 2*2*2+2*2 || calls.ByTenant > 2 {
		t.Errorf("%d pages and %d tenants were read", calls.Pages, calls.ByTenant)
	}
	f.platform.Inject(sandbox.Fault{Times: -1, Status: http.StatusServiceUnavailable})
	f.join(t, "failing", "SUPERGRAPH="+filepath.Join(f.folder, "apollo.graphql"))
}

// TestHiveGateway does the same through Hive Gateway. Its packages take minutes to install,
// so `make nightly` runs it.
func TestHiveGateway(t *testing.T) {
	t.Parallel()
	node22 := findNodeFor(t, gatewayDir, "LEADGRAPH_REQUIRE_GATEWAY")
	f := newFederated(t, findNodeFor(t, federationDir, "LEADGRAPH_REQUIRE_GATEWAY"))
	gateway := "GATEWAY_URL=" + startGateway(t, node22, filepath.Join(f.folder, "apollo.graphql"))
	f.join(t, "well", gateway)
	f.platform.Inject(sandbox.Fault{Times: -1, Status: http.StatusServiceUnavailable})
	f.join(t, "failing", gateway)
}

func newFederated(t *testing.T, node string) *federated {
	t.Helper()
	platform, err := sandbox.New(sandbox.Options{Leads: 1000, NoAuth: true})
	if err != nil {
		t.Fatal(err)
	}
	upstream := httptest.NewServer(platform)
	t.Cleanup(upstream.Close)
	f := &federated{platform: platform, folder: t.TempDir()}
	for range 2 {
		f.replicas = append(f.replicas, startServer(t, "--federation", "--max-in-flight", "0", "--upstream-url", upstream.URL+sandbox.BasePath,
			"--upstream-token", "any", "--upstream-retries", "0", "--catalogue-revalidate", "0s", "--catalogue-ttl", "10ms", "--lookup-ttl", "10ms", "--stale-if-error", "1h"))
	}
	f.endpoint = balance(t, f.replicas)
	f.variables = []string{"LEADGRAPH_URL=" + f.endpoint, "SUPERGRAPHS=" + f.folder}
	f.variables = append(f.variables, "ACCOUNTS_URL="+f.startAccounts(t, node))
	scoped := filepath.Join(f.folder, "scoped.graphqls")
	sdl := federation.SDL(generated.NewExecutableSchema(generated.Config{}).Schema(), federation.Scopes{Read: auth.DefaultReadScope, Personal: auth.DefaultPIIScope})
	if err := os.WriteFile(scoped, []byte(sdl), 0o600); err != nil {
		t.Fatal(err)
	}
	f.run(t, node, "compose.mjs", "SCOPED="+scoped)
	f.composeFile(t, node)
	platform.ResetCalls()
	return f
}

// balance returns the URL of a proxy that asks the endpoints in turn.
func balance(t *testing.T, endpoints []string) string {
	t.Helper()
	var asked atomic.Uint64
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		target, err := url.Parse(endpoints[int(asked.Add(1))%len(endpoints)])
		if err != nil {
			panic(err)
		}
		r.Out.URL, r.Out.Host = target, target.Host
	}})
	t.Cleanup(proxy.Close)
	return proxy.URL
}

func (f *federated) command(ctx context.Context, node, script string, variables ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, node, script)
	command.Dir = federationDir
	command.Env = append(append(command.Environ(), f.variables...), variables...)
	return command
}

func (f *federated) run(t *testing.T, node, script string, variables ...string) {
	t.Helper()
	report, err := f.command(t.Context(), node, script, variables...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, report)
	}
	t.Logf("%s", report)
}

// composeFile composes leadgraph alone, as deploy/federation does.
func (f *federated) composeFile(t *testing.T, node string) {
	t.Helper()
	file := filepath.Join(f.folder, "subgraphs.json")
	if err := os.WriteFile(file, []byte(`[{"name": "leads", "url": "http://proxy:8080/graphql", "askedAt": "`+f.endpoint+`"}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	compose := f.command(t.Context(), node, "supergraph.mjs")
	compose.Args = append(compose.Args, file)
	if supergraph, err := compose.Output(); err != nil || !strings.Contains(string(supergraph), `@join__graph(name: "leads", url: "http://proxy:8080/graphql")`) {
		t.Fatalf("%v: %.300s", err, supergraph)
	}
}

func (f *federated) join(t *testing.T, state string, through string) {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal(err)
	}
	f.run(t, node, "join.mjs", "STATE="+state, through)
}

// startAccounts starts the second subgraph and returns its URL.
func (f *federated) startAccounts(t *testing.T, node string) string {
	t.Helper()
	accounts := f.command(t.Context(), node, "accounts.mjs")
	input, err := accounts.StdinPipe() // it ends with its input
	if err != nil {
		t.Fatal(err)
	}
	output, err := accounts.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	accounts.Stderr = t.Output()
	if err := accounts.Start(); err != nil {
		t.Fatal(err)
	}
	line := bufio.NewScanner(output)
	line.Scan()
	t.Cleanup(func() {
		_ = input.Close()
		_ = accounts.Wait()
	})
	if !strings.HasPrefix(line.Text(), "http") {
		t.Fatalf("accounts.mjs printed %q", line.Text())
	}
	return line.Text()
}

// startGateway starts Hive Gateway and returns its URL once it is ready.
func startGateway(t *testing.T, node, supergraph string) string {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it ends at once
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	host, port, _ := net.SplitHostPort(address)
	program, err := filepath.Abs(gatewayDir + "/node_modules/@graphql-hive/gateway/dist/bin.js")
	if err != nil {
		t.Fatal(err)
	}
	gateway := exec.CommandContext(t.Context(), node, program, "supergraph", supergraph, "--host", host, "--port", port)
	gateway.Dir = t.TempDir() // it looks for a configuration there
	gateway.Cancel = func() error { return gateway.Process.Signal(os.Interrupt) }
	gateway.WaitDelay = 10 * time.Second
	log := &apptest.Buffer{}
	gateway.Stdout, gateway.Stderr = log, log
	if err := gateway.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = gateway.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = gateway.Process.Kill()
		<-ended
	})
	every := time.NewTicker(100 * time.Millisecond)
	defer every.Stop()
	for {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/readiness", nil)
		if err != nil {
			t.Fatal(err)
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return "http://" + address + "/graphql"
			}
		}
		select {
		case <-ended:
			t.Fatalf("Hive Gateway ended:\n%s", log)
		case <-t.Context().Done():
			t.Fatalf("Hive Gateway is not ready:\n%s", log)
		case <-every.C:
		}
	}
}
