package loopback_test

import (
	"testing"

	"leadgraph/internal/loopback"
)

func TestIs(t *testing.T) {
	t.Parallel()
	for _, inside := range []string{"localhost", "LOCALHOST", "127.0.0.1", "127.0.0.2", "127.255.255.254", "::1", "::ffff:127.0.0.1"} {
		if !loopback.Is(inside) {
			t.Errorf("%s is another machine", inside)
		}
	}
	for _, outside := range []string{"", "0.0.0.0", "::", "10.0.0.1", "::ffff:10.0.0.1", "[::1]", "127.0.0.1:80", "localhost.example", "128.0.0.1"} {
		if loopback.Is(outside) {
			t.Errorf("%q is this machine", outside)
		}
	}
}
