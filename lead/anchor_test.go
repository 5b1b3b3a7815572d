package lead_test

import (
	"testing"

	"leadgraph/lead"
)

// TestAnchorHashNeverChanges keeps the cursors that clients hold readable.
func TestAnchorHashNeverChanges(t *testing.T) {
	t.Parallel()
	// The first bytes of the SHA-256 of "abc", from FIPS 180.
	if got := lead.AnchorHash("abc"); got != 0xba7816bf8f01cfea {
		t.Errorf("AnchorHash() = %#x", got)
	}
}
