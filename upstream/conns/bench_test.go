package conns

import (
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"leadgraph/upstream/guard"
)

// oneLead is an answer of the size of one lead, as the platform sends it.
var oneLead = reply{text: "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nDate: Sun, 29 Nov 2026 17:00:00 GMT\r\n" +
	"Content-Length: 1502\r\n\r\n[" + strings.Repeat("x", 1500) + "]"}

// fields are the header of each request.
var fields = http.Header{"Accept": {"application/json"}, "User-Agent": {"leadgraph"}, "Authorization": {"Bearer " + strings.Repeat("t", 1000)}}

// getter reads one lead as the client does: with one attempt of the guard.
type getter struct {
	wire *guard.Wire
	base *url.URL
}

func newGetter(via http.RoundTripper, base *url.URL) getter {
	return getter{guard.NewWire(guard.WireOptions{Transport: via, MaxBody: 1 << 20, Logger: slog.New(slog.DiscardHandler)}), base}
}

func (g getter) get(tb testing.TB) {
	target := *g.base
	target.Path, target.RawQuery = "/tenantui/api/v2/oc/lead", "PageNumber=0&PageSize=100&msTenantID=f94238e5-4f2c-4e1b-8125-2d27122ca75f"
	req := (&http.Request{Method: http.MethodGet, URL: &target, Host: target.Host, Header: fields}).WithContext(tb.Context())
	call := &guard.Call{Kind: guard.KindLead, AttemptTimeout: 3 * time.Second, Consume: func(body io.Reader) error {
		_, err := io.Copy(io.Discard, body)
		return err
	}}
	if answer, err := g.wire.Send(req, call); err != nil || answer.Status != http.StatusOK {
		tb.Fatal(answer, err)
	}
}

// BenchmarkGet reads one lead over loopback. "general" is net/http's transport with the
// same settings. The server allocates nothing, so that allocations are those of the client.
func BenchmarkGet(b *testing.B) {
	for _, scheme := range []string{"http", "https"} {
		s := serve(b, scheme, func(int) reply { return oneLead })
		own := s.transport(b)
		for name, transport := range map[string]http.RoundTripper{"own": own, "general": own.general} {
			g := newGetter(transport, s.base)
			b.Run(scheme+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					g.get(b)
				}
			})
		}
	}
}
