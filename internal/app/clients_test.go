package app_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"leadgraph/internal/apptest"
)

const clientsDir = root + "test/clients"

// TestClients runs the client libraries of front-ends, headless, against one server, and
// against replicas that show leads which change by themselves. Two of the replicas are
// stopped while clients watch.
func TestClients(t *testing.T) {
	t.Parallel()
	node := findNode(t)
	endpoint, schemaFile := startServer(t, "--max-in-flight", "0"), writeSchema(t)
	live := startReplicas(t)
	for _, name := range []string{"audit", "apollo", "urql", "relay", "codegen", "graphql-ws", "graphql-sse", "plain"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, stop := context.WithTimeout(t.Context(), 3*time.Minute)
			defer stop()
			script := exec.CommandContext(ctx, node, name+".mjs")
			script.Dir = clientsDir
			script.Env = append(script.Environ(),
				"LEADGRAPH_URL="+endpoint, "LEADGRAPH_LIVE_URL="+live, "LEADGRAPH_SCHEMA="+schemaFile, "TMPDIR="+t.TempDir())
			if report, err := script.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, report)
			}
		})
	}
}

// startReplicas starts three replicas of a live sandbox and returns an endpoint that leads to
// one of them. Each is stopped after some connections, but the last.
func startReplicas(t *testing.T) (endpoint string) {
	t.Helper()
	redis := miniredis.RunT(t)
	_, flags := apptest.Sandbox(t, run, "--sandbox-live", "--sandbox-live-interval", "100ms", "--sandbox-leads", "200")
	flags = append(flags, "--changes-interval", "50ms", "--max-in-flight", "0", "--redis-timeout", "20s", "--redis-url", "redis://"+redis.Addr(), "--cursor-key", base64.StdEncoding.EncodeToString(make([]byte, 32)))
	replicas := []*apptest.Program{apptest.Serve(t, run, flags...), apptest.Serve(t, run, flags...), apptest.Serve(t, run, flags...)}
	front, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var forwarding sync.WaitGroup
	t.Cleanup(func() {
		_ = front.Close()
		forwarding.Wait()
	})
	forwarding.Go(func() {
		const each = 12 // about two for each program that watches
		for accepted := 0; ; accepted++ {
			client, err := front.Accept()
			if err != nil {
				return
			}
			serving := min(accepted/each, len(replicas)-1)
			if serving > 0 {
				replicas[serving-1].Stop()
			}
			forwarding.Go(func() { forward(t.Context(), client, replicas[serving].Endpoint()) })
		}
	})
	u, err := url.Parse(replicas[0].Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	u.Host = front.Addr().String()
	return u.String()
}

// forward connects a client with a server until one of them leaves, or ctx ends.
func forward(ctx context.Context, client net.Conn, endpoint string) {
	defer func() { _ = client.Close() }()
	u, err := url.Parse(endpoint)
	if err != nil {
		return
	}
	server, err := (&net.Dialer{}).DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return
	}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	go func() {
		_, _ = io.Copy(server, client)
		_ = server.Close()
	}()
	_, _ = io.Copy(client, server)
}

// TestVerdictsAreThoseOfTheInstalledGraphQLJS checks the verdicts that package coercion
// is tested against.
func TestVerdictsAreThoseOfTheInstalledGraphQLJS(t *testing.T) {
	t.Parallel()
	script := exec.CommandContext(t.Context(), findNode(t), "coercion.mjs")
	script.Dir = clientsDir
	verdicts, err := script.Output()
	if err != nil {
		t.Fatal(err)
	}
	known, err := os.ReadFile(root + "graph/coercion/testdata/graphql-js.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(verdicts, known) {
		t.Errorf("the verdicts have changed; the head of %s/coercion.mjs says how to write them again", clientsDir)
	}
}

// findNode returns the path of Node. If Node or the packages are missing, it skips
// the test, or fails it if LEADGRAPH_REQUIRE_NODE is 1.
func findNode(t *testing.T) string {
	t.Helper()
	return findNodeFor(t, clientsDir, "LEADGRAPH_REQUIRE_NODE")
}

// findNodeFor is findNode for the packages of a folder and another variable. Node itself
// may be one of the packages.
func findNodeFor(t *testing.T, folder, required string) string {
	t.Helper()
	_, err := os.Stat(filepath.Join(folder, "node_modules"))
	node := filepath.Join(folder, "node_modules/.bin/node")
	if _, absent := os.Stat(node); absent == nil {
		node, err = filepath.Abs(node)
	} else if err == nil {
		node, err = exec.LookPath("node")
	}
	if err == nil {
		return node
	}
	if os.Getenv(required) == "1" {
		t.Fatal(err)
	}
	t.Skipf("needs Node and `npm ci` in %s: %v", folder, err)
	return ""
}

// writeSchema writes the output of `leadgraph schema` to a file and returns its path.
func writeSchema(t *testing.T) string {
	t.Helper()
	var printed bytes.Buffer
	if err := run(t.Context(), []string{"schema"}, noSettings, &printed, io.Discard); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "schema.graphql")
	if err := os.WriteFile(file, printed.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
