// Package faults checks what leadgraph answers when the platform fails. It runs the
// whole program with every fault that docs/faults.md lists.
package faults

import (
	"fmt"
	"os"
	"testing"

	"leadgraph/internal/app"
	"leadgraph/internal/apptest"
)

// run is the program under test.
var run apptest.Run

// TestMain makes the tests' own name server resolve all names.
func TestMain(m *testing.M) {
	schema, err := os.ReadFile("../../schema.graphqls")
	if err == nil {
		err = names.open()
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err) // nowhere left to report to
		os.Exit(1)
	}
	run = app.Program{Schema: string(schema)}.Run
	os.Exit(apptest.RunTests(m, names.close))
}

// startServer starts a server and returns its endpoint.
func startServer(t *testing.T, args ...string) (endpoint string) {
	t.Helper()
	return apptest.Serve(t, run, args...).Endpoint()
}
