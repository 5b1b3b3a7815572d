package upstream

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"leadgraph/lead"
	"leadgraph/upstream/sandbox"
)

// BenchmarkRead compares the reader with the reference, for pages of the
// sandbox's leads.
func BenchmarkRead(b *testing.B) {
	platform, err := sandbox.New(sandbox.Options{Leads: MaxPageSize, NoAuth: true})
	if err != nil {
		b.Fatal(err)
	}
	reader, keeper := newRows(), newKeeper()
	each := func(want lead.Fields, each func(*lead.Lead) error) func([]byte) error {
		return func(body []byte) error {
			_, _, err := reader.read(bytes.NewReader(body), want, each)
			return err
		}
	}
	var kept []*lead.Lead
	for _, size := range []int{1, 100, 1000, MaxPageSize} {
		body := pageOf(b, platform, size)
		for name, read := range map[string]func([]byte) error{
			"reference": func(body []byte) error { _, _, err := referenceLeads(body); return err },
			"all":       each(lead.AllFields, func(*lead.Lead) error { return nil }),
			"some":      each(lead.FieldStatus|lead.FieldConsentedOn, func(*lead.Lead) error { return nil }),
			"kept": func(body []byte) error {
				kept = make([]*lead.Lead, 0, size)
				return each(lead.AllFields, func(l *lead.Lead) error { kept = append(kept, keeper.keep(l)); return nil })(body)
			},
		} {
			b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
				b.SetBytes(int64(len(body)))
				b.ReportAllocs()
				for b.Loop() {
					if err := read(body); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func pageOf(b *testing.B, platform http.Handler, size int) []byte {
	b.Helper()
	answer := httptest.NewRecorder()
	target := fmt.Sprintf("%s%s?PageNumber=0&PageSize=%d", sandbox.BasePath, leadPath, size)
	platform.ServeHTTP(answer, httptest.NewRequestWithContext(b.Context(), http.MethodGet, target, nil))
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.Code != http.StatusOK {
		b.Fatalf("status %d, error %v", answer.Code, err)
	}
	return body
}

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
