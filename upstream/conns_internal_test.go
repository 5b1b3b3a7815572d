package upstream

import (
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"leadgraph/lead"
)

// freezer is a listener whose connections can go silent: they discard what arrives,
// without an error on either side.
type freezer struct {
	net.Listener
	frozen *atomic.Pointer[atomic.Bool] // for the connections accepted from now on
}

func (f freezer) Accept() (net.Conn, error) {
	conn, err := f.Listener.Accept()
	return frozenConn{conn, f.frozen.Load()}, err
}

type frozenConn struct {
	net.Conn
	frozen *atomic.Bool
}

func (c frozenConn) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		if err != nil || !c.frozen.Load() {
			return n, err
		}
	}
}

// Without pings this test would take minutes: an attempt that times out does not
// close the connection, and the next attempt would use it again.
func TestSilentHTTP2ConnectionIsReplaced(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			t.Errorf("asked by %s", r.Proto)
		}
		_, _ = w.Write([]byte(`[]`)) // fails if the client has left, which does not matter here
	}))
	var frozen atomic.Pointer[atomic.Bool]
	frozen.Store(&atomic.Bool{})
	server.Listener = freezer{server.Listener, &frozen}
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	client, err := NewClient(Options{
		BaseURL: server.URL, AttemptTimeout: 600 * time.Millisecond, TimePerRow: -1,
		rootCAs: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	for range 2 {
		if _, err := client.LeadsPage(t.Context(), 0, 1, lead.AllParts); err != nil {
			t.Fatal(err)
		}
		frozen.Swap(&atomic.Bool{}).Store(true)
	}
}
