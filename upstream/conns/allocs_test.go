//go:build !race

package conns

import "testing"

// mostAllocations bounds what the guard and this package allocate for one GET over a kept
// connection, with the request and the answer. net/http's transport makes four times as many.
const mostAllocations = 16

// The race detector makes sync.Pool forget, so this counts without it.
func TestGetAllocatesLittle(t *testing.T) { //nolint:paralleltest // others would be counted
	for _, scheme := range []string{"http", "https"} {
		s := serve(t, scheme, func(int) reply { return oneLead })
		g := newGetter(s.transport(t), s.base)
		if got := testing.AllocsPerRun(500, func() { g.get(t) }); got > mostAllocations {
			t.Errorf("%s: %v allocations, want at most %d", scheme, got, mostAllocations)
		}
	}
}
