package conns

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// TestAnswersAreNotMixedUp sends requests from many goroutines, some of which leave, to a
// server that breaks off some answers. Each answer must be that of its request.
func TestAnswersAreNotMixedUp(t *testing.T) {
	t.Parallel()
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		own := strings.Repeat(r.URL.RawQuery+" ", 1+rand.IntN(2000)) //nolint:gosec // no secret
		switch rand.IntN(8) {                                        //nolint:gosec // no secret
		case 0:
			w.Header().Set("Connection", "close")
		case 1:
			w.Header().Set("Content-Length", fmt.Sprint(len(own)+1))
			_, _ = io.WriteString(w, own) // cut, or the client has left
			panic(http.ErrAbortHandler)
		case 2:
			panic(http.ErrAbortHandler)
		case 3:
			w.Header().Set("Content-Length", fmt.Sprint(len(own)))
		}
		_, _ = io.WriteString(w, own) // the client may have left
	})
	plain, secure := httptest.NewServer(echo), httptest.NewTLSServer(echo)
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	for _, server := range []*httptest.Server{plain, secure} {
		own, _ := open(t, server.URL, roots)
		var asking sync.WaitGroup
		for asker := range 16 {
			asking.Go(func() {
				right := 0
				for i := range 50 {
					id := fmt.Sprintf("%d-%d", asker, i)
					ctx, cancel := context.WithCancel(t.Context())
					req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/?"+id, http.NoBody)
					if err != nil {
						t.Error(err)
					}
					req.Header.Set("User-Agent", "leadgraph")
					if rand.IntN(5) == 0 { //nolint:gosec // no secret
						go cancel()
					}
					got := send(own, req)
					if words := strings.Fields(got.Body); got.Err == "" && len(words) > 0 {
						right++
						for _, word := range words {
							if word != id {
								t.Errorf("got %s for %s", word, id)
								break
							}
						}
					}
					cancel()
				}
				if right == 0 {
					t.Error("no request was answered")
				}
			})
		}
		asking.Wait()
	}
}
