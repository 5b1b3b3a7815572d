package graph_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"leadgraph/internal/apptest"
)

// An export takes no more memory for a client that does not read, however long it is.
func TestExportsTakeLittleMemory(t *testing.T) { //nolint:paralleltest // others would take memory, too
	const leads, clients, each = 6000, 20, 1 << 20
	s := newService(t, serviceOptions{})
	s.platform.Insert(0, leads)
	body := fmt.Sprintf(`{"fields":%q}`, strings.Join(strings.Fields(everyField+" again: civicAddresses { description companyName tenantId streetName houseNumber postalOrZipCode }"), " "))
	if whole := apptest.Post(t, s.url+"/export", body); len(whole.Body) < 3*each {
		t.Fatalf("an export has %d bytes, too few to tell", len(whole.Body))
	}
	before := apptest.HeapInUse()
	for range clients {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if err := conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(conn, "POST /export HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(conn, make([]byte, 1<<10)); err != nil {
			t.Fatal(err)
		}
	}
	grown := int64(0)
	for range 100 { // those that still render make garbage meanwhile
		if grown = int64(apptest.HeapInUse()) - int64(before); grown < clients*each {
			return
		}
	}
	t.Errorf("%d exports take %d KiB", clients, grown>>10)
}
