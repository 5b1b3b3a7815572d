package app_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

const clientsDir = root + "test/clients"

// TestClients runs the client libraries of front-ends, headless, against one server, and
// against another one whose leads change by themselves.
func TestClients(t *testing.T) {
	t.Parallel()
	node := findNode(t)
	endpoint, schemaFile := startServer(t), writeSchema(t)
	live := startServer(t, "--sandbox-live", "--sandbox-live-interval", "100ms", "--sandbox-leads", "200", "--changes-interval", "50ms")
	for _, name := range []string{"audit", "apollo", "urql", "relay", "codegen", "graphql-ws", "graphql-sse", "plain"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			script := exec.CommandContext(t.Context(), node, name+".mjs")
			script.Dir = clientsDir
			script.Env = append(script.Environ(),
				"LEADGRAPH_URL="+endpoint, "LEADGRAPH_LIVE_URL="+live, "LEADGRAPH_SCHEMA="+schemaFile, "TMPDIR="+t.TempDir())
			if report, err := script.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, report)
			}
		})
	}
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
