// Package walks checks the guarantee of a walk: page by page through one list, no lead
// is left out, whatever happens between the pages. It runs the whole program, on a
// platform whose leads it changes at random.
package walks

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"leadgraph/internal/app"
	"leadgraph/internal/apptest"
)

var (
	walks = flag.Int("walks", 100, "number of walks of each kind; make walks makes 10,000")
	seed  = flag.Uint64("seed", 0, "repeat the walks with this seed only; 0 means all")
)

// run is the program under test.
var run apptest.Run

func TestMain(m *testing.M) {
	schema, err := os.ReadFile("../../schema.graphqls")
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err) // nowhere left to report to
		os.Exit(1)
	}
	run = app.Program{Schema: string(schema)}.Run
	os.Exit(apptest.RunTests(m))
}
