package guard

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"
)

// answering is a transport that answers immediately.
type answering struct{}

func (answering) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
}

// BenchmarkSend measures the overhead of limits, breaker, budget and time-outs.
func BenchmarkSend(b *testing.B) {
	for name, adjust := range map[string]func(*Options){
		"plain":    func(*Options) {},
		"observed": func(o *Options) { o.Observe = func(context.Context, Attempt) {} },
		"adaptive": func(o *Options) { o.Adaptive = true },
	} {
		o := testOptions()
		adjust(&o)
		wire := NewWire(WireOptions{Transport: answering{}, MaxBody: 1 << 20, Observe: o.Observe, Logger: slog.New(slog.DiscardHandler)})
		g := New(wire, o)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				call := &Call{
					Kind: KindLead, Deadline: time.Now().Add(time.Hour), AttemptTimeout: time.Minute,
					Consume: func(io.Reader) error { return nil },
				}
				if _, err := g.Send(get(b.Context()), call); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
