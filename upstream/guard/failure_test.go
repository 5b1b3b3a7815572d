package guard

import (
	"net"
	"testing"
)

func TestNameFailuresDoNotNameTheHost(t *testing.T) {
	t.Parallel()
	for want, failure := range map[string]*net.DNSError{
		"the host name does not resolve": {Name: "live.example", Server: "10.0.0.53:53", IsNotFound: true},
		"no name server answered":        {Name: "live.example", Server: "10.0.0.53:53", IsTimeout: true},
		"the name server failed":         {Name: "live.example", Server: "10.0.0.53:53", Err: "server misbehaving"},
	} {
		wrapped := &net.OpError{Op: "dial", Net: "tcp", Err: failure}
		if got := cause(wrapped).Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
