package sandbox_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"leadgraph/upstream/sandbox"
)

func BenchmarkNew(b *testing.B) {
	for _, n := range []int{sandbox.DefaultLeads, 100_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := sandbox.New(sandbox.Options{Leads: n}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkPage(b *testing.B) {
	s, err := sandbox.New(sandbox.Options{Leads: 20_000, NoAuth: true})
	if err != nil {
		b.Fatal(err)
	}
	for _, size := range []int{100, 20_000} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			b.ReportAllocs()
			r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, leadPath+"?PageNumber=0&PageSize="+strconv.Itoa(size), nil)
			for b.Loop() {
				s.ServeHTTP(discard{}, r)
			}
		})
	}
}

// discard is a response writer that discards everything.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}
