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
	walks = flag.Int("walks", 0, "number of walks of each kind; 0 means 200, or 1,000 if LEADGRAPH_THOROUGH is set")
	seed  = flag.Uint64("seed", 0, "repeat the walks with this seed only; 0 means all")
)

// run is the program under test.
var run apptest.Run

func TestMain(m *testing.M) {
	flag.Parse()
	switch {
	case *walks > 0:
	case os.Getenv("LEADGRAPH_THOROUGH") != "":
		*walks = 1_000
	default:
		*walks = 200
	}
	schema, err := os.ReadFile("../../schema.graphqls")
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err) // nowhere left to report to
		os.Exit(1)
	}
	run = app.Program{Schema: string(schema)}.Run
	os.Exit(apptest.RunTests(m))
}
