package httpd_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"leadgraph/internal/httpd"
)

// TestUnsentAnswersAreBounded lets one caller ask for more than it reads. Clients
// of another caller, and clients of the same caller that read, get their answers.
func TestUnsentAnswersAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const size, each = 1000, 10 // answers in a quarter of the bound
		unsent := httpd.NewUnsent(4 * each * size)
		var most atomic.Int64
		s := serve(t, httpd.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer unsent.Begin(r.Context(), r.Header.Get("Caller"), size)()
			most.Store(max(most.Load(), unsent.State().Bytes))
			_, _ = w.Write(make([]byte, size))
			_ = http.NewResponseController(w).Flush()
		})})
		ask := func(caller string) net.Conn {
			conn, err := s.Dial(t.Context(), "", "")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: server\r\nConnection: close\r\nCaller: %s\r\n\r\n", caller); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			<-time.After(time.Millisecond)
			return conn
		}
		gets := func(conn net.Conn) bool {
			text, _ := io.ReadAll(conn)
			return len(text) > size
		}
		var silent []net.Conn
		for range 3 * each {
			silent = append(silent, ask("proxy"))
		}
		if state := unsent.State(); state != (httpd.UnsentState{Bytes: each * size, CutOffs: 2 * each}) {
			t.Errorf("state %+v", state)
		}
		for range each {
			if !gets(ask("proxy")) {
				t.Error("a client that reads was cut off on account of others with its name")
			}
		}
		for i := range 3 { // five callers want more than all may have together
			for range each {
				silent = append(silent, ask(fmt.Sprint("other ", i)))
			}
		}
		if !gets(ask("last")) {
			t.Error("another caller got no answer")
		}
		if most := most.Load(); most > 4*each*size {
			t.Errorf("%d bytes waited at a time", most)
		}
		<-time.After(10 * time.Second) // none of them takes anything
		synctest.Wait()
		if state := unsent.State(); state.Bytes != 0 {
			t.Errorf("state %+v", state)
		}
		for _, conn := range silent {
			_ = conn.Close()
		}
	})
}
