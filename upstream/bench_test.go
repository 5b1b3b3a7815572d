package upstream

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"leadgraph/upstream/sandbox"
)

// BenchmarkLookup is a lookup over loopback; the platform's share is in it.
func BenchmarkLookup(b *testing.B) {
	platform, err := sandbox.New(sandbox.Options{Leads: 100, NoAuth: true})
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(platform)
	b.Cleanup(server.Close)
	client, err := NewClient(Options{BaseURL: server.URL + sandbox.BasePath, StaticToken: "token"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(client.Close)
	tenant := platform.Tenants()[1]
	b.ReportAllocs()
	for b.Loop() {
		if leads, err := client.LeadsByTenant(b.Context(), tenant, false); err != nil || len(leads) != 1 {
			b.Fatalf("%d leads, error %v", len(leads), err)
		}
	}
}

// answering is a wire that answers at once.
type answering struct{}

func (answering) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
}

type nothing struct{}

func (nothing) consume(io.Reader) error { return nil }

func (nothing) verdict() string { return OutcomeOK }

// BenchmarkRoundTrip is what limits, breaker, budget and time-outs cost a call.
func BenchmarkRoundTrip(b *testing.B) {
	for name, adjust := range map[string]func(*Options){
		"plain":    func(*Options) {},
		"observed": func(o *Options) { o.Observe = func(context.Context, Attempt) {} },
		"adaptive": func(o *Options) { o.Adaptive = true },
	} {
		o := Options{}
		adjust(&o)
		o = o.withDefaults()
		single := &attemptTransport{next: answering{}, maxBody: o.MaxBody, logger: o.Logger, observe: o.Observe}
		chain := newResilientTransport(single, o)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				call := callSpec{kind: KindLead, deadline: time.Now().Add(time.Hour), attemptTimeout: time.Minute, consumer: nothing{}}
				resp, err := chain.RoundTrip((&http.Request{Method: http.MethodGet}).WithContext(withCall(b.Context(), call)))
				if err != nil {
					b.Fatal(err)
				}
				_ = resp.Body.Close()
			}
		})
	}
}
