package conns

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"leadgraph/upstream/sandbox"
)

// faults are those of the sandbox, one by one.
var faults = map[string]sandbox.Fault{
	"none": {}, "400": {Status: 400, Body: "{}"}, "401": {Status: 401}, "404": {Status: 404, HTML: true}, "429": {Status: 429, Body: "{}", RetryAfter: "7200"},
	"503": {Status: 503, Body: "{}"}, "HTML": {HTML: true}, "another body": {Body: "{}"}, "expired token": {ExpiredToken: true},
	"headers": {Header: map[string]string{"retry-after-ms": "300"}}, "latency": {Latency: time.Hour}, "stall": {Stall: time.Hour},
	"short stall": {Stall: time.Millisecond}, "cut": {CutBody: 500}, "cut gzip": {Gzip: true, CutBody: 200}, "padded": {PadBody: 1 << 20},
	"padded, chunked": {PadBody: 1 << 20, Chunked: true}, "padded gzip": {PadBody: 5 << 20, Gzip: true}, "gzip": {Gzip: true},
	"chunked gzip": {Gzip: true, Chunked: true}, "chunked": {Chunked: true}, "cut, chunked": {Chunked: true, CutBody: 500},
	"not gzip": {Header: map[string]string{"Content-Encoding": "gzip"}}, "bad JSON": {BadJSON: true}, "reset": {Reset: true},
	"rows": {RepeatRows: true, Endless: true, Set: map[string]any{"id": nil}},
}

// TestFaultsOfTheSandbox makes the second of three calls fail.
func TestFaultsOfTheSandbox(t *testing.T) {
	t.Parallel()
	for name, fault := range faults {
		for _, times := range []int{1, -1} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				type seen struct {
					Results []result
					Calls   sandbox.Calls
				}
				meet := func(via func(*Transport) http.RoundTripper) seen {
					platform, err := sandbox.New(sandbox.Options{Leads: 20, NoAuth: true})
					if err != nil {
						t.Fatal(err)
					}
					server := httptest.NewServer(platform)
					defer server.Close()
					base, err := url.Parse(server.URL)
					if err != nil {
						t.Fatal(err)
					}
					own := New(Options{Base: base, MaxConcurrent: 4, AttemptTimeout: time.Second})
					defer own.CloseIdleConnections()
					var s seen
					for i := range 3 {
						if i == 1 {
							struck := fault
							struck.Times = times
							platform.Inject(struck)
						}
						limit := time.Minute
						if fault.Latency+fault.Stall > time.Minute {
							limit = time.Second
						}
						ctx, cancel := context.WithTimeout(t.Context(), limit)
						r := ask(ctx, via(own), base)
						delete(r.Header, "Date")
						if ctx.Err() != nil {
							r = result{Err: r.Err} // how much had arrived is chance
						}
						cancel()
						s.Results = append(s.Results, r)
					}
					s.Calls = platform.Calls()
					s.Calls.Recent, s.Calls.Peak = nil, 0 // calls that the client has given up may overlap others
					return s
				}
				got := meet(func(own *Transport) http.RoundTripper { return own })
				want := meet(func(own *Transport) http.RoundTripper { return own.general })
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("net/http (-) and this transport (+) differ:\n%s", diff)
				}
			})
		}
	}
}
