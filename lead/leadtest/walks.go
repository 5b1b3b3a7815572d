package leadtest

import (
	"os"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// Walks checks a property with random walks: as many as the environment variable
// LEADGRAPH_WALKS says, at least 100.
func Walks(t *testing.T, property func(*rapid.T)) {
	t.Helper()
	walks, _ := strconv.Atoi(os.Getenv("LEADGRAPH_WALKS")) //nolint:forbidigo // no setting of the program
	for range max(walks/100, 1) {                          // rapid checks 100 times unless a flag says otherwise
		rapid.Check(t, property)
	}
}
