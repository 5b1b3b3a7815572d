package leadtest

import (
	"os"
	"strconv"
)

// Walks returns how many random walks a property test makes of each kind of list: the
// number in the environment variable LEADGRAPH_WALKS, or 100.
func Walks() int {
	walks, err := strconv.Atoi(os.Getenv("LEADGRAPH_WALKS")) //nolint:forbidigo // no setting of the program
	if err != nil {
		return 100
	}
	return max(walks, 100)
}
