package httpd

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// requestHeaders are the headers that pages of listed origins may send: those of
// GraphQL over HTTP, and those that common clients and tracers add to every request.
// Without the latter a front-end breaks on the day when it adds tracing.
var requestHeaders = slices.Concat(clientHeaders, []string{
	"Accept", "Authorization", "Cache-Control", "Content-Encoding", "Content-Type", "If-None-Match", "Last-Event-Id", "Pragma",
	// Apollo's tools.
	"Apollo-Federation-Include-Trace", "Apollo-Query-Plan-Experimental", "Apollo-Cache-Control", "Apollo-Tracing", "X-Apollo-Tracing",
	// W3C, then Sentry, Datadog, Application Insights, Zipkin, Jaeger, AWS, New Relic, Elastic, Honeycomb, Grafana Faro.
	"Traceparent", "Tracestate", "Baggage", "Sentry-Trace",
	"X-Datadog-Trace-Id", "X-Datadog-Parent-Id", "X-Datadog-Origin", "X-Datadog-Sampling-Priority", "X-Datadog-Sampled", "X-Datadog-Tags",
	"Request-Id", "Request-Context", "X-Ms-Request-Id", "X-Ms-Request-Root-Id", "X-Ms-Client-Request-Id", "X-Ms-Correlation-Request-Id",
	"B3", "X-B3-Traceid", "X-B3-Spanid", "X-B3-Parentspanid", "X-B3-Sampled", "X-B3-Flags", "Uber-Trace-Id", "X-Amzn-Trace-Id",
	"Newrelic", "X-Newrelic-Id", "X-Newrelic-Transaction", "Elastic-Apm-Traceparent", "X-Honeycomb-Trace", "X-Faro-Session-Id",
	"X-Request-Id", "X-Correlation-Id",
})

// allowedHeaders returns the default headers and more of them, each once.
func allowedHeaders(more []string) []string {
	var names []string
	for _, name := range slices.Concat(requestHeaders, more) {
		if name = http.CanonicalHeaderKey(name); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// Bounds on what a log line shows of a refused page, in characters and names. Pages
// choose both.
const (
	maxShown = 100
	maxNames = 5
)

// refusedPages logs what a page was refused for, at most one line a second. Without
// the name of the origin or header, nobody can tell what to allow.
type refusedPages struct {
	log *slog.Logger // nil means no log
	now func() time.Time

	mu      sync.Mutex
	next    time.Time // of the next line
	skipped int
}

// newRefusedPages returns a refusedPages with a clock, which is time.Now if nil.
func newRefusedPages(log *slog.Logger, now func() time.Time) *refusedPages {
	if now == nil {
		now = time.Now
	}
	return &refusedPages{log: log, now: now}
}

func (p *refusedPages) note(r *http.Request, attrs ...slog.Attr) {
	if p.log == nil {
		return
	}
	p.mu.Lock()
	now := p.now()
	if now.Before(p.next) {
		p.skipped++
		p.mu.Unlock()
		return
	}
	skipped := p.skipped
	p.next, p.skipped = now.Add(time.Second), 0
	p.mu.Unlock()
	attrs = append(attrs, slog.String("origin", clean(r.Header.Get("Origin"))))
	if skipped > 0 {
		attrs = append(attrs, slog.Int("notShown", skipped))
	}
	p.log.LogAttrs(r.Context(), slog.LevelWarn, "a web page was refused", attrs...)
}

// clean returns a text of a client as a log may show it: bounded, and with a question
// mark for each character that origins and headers do not have.
func clean(text string) string {
	cut := text[:min(len(text), maxShown)]
	cleaned := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._:/[]", r) {
			return r
		}
		return '?'
	}, cut)
	if len(cut) < len(text) {
		cleaned += "…"
	}
	return cleaned
}

// notePreflights logs the preflights that next refuses.
func (p *refusedPages) notePreflights(o BrowserOptions, headers []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		method := r.Header.Get("Access-Control-Request-Method")
		if r.Method == http.MethodOptions && method != "" {
			if !slices.Contains(o.Origins, r.Header.Get("Origin")) {
				p.note(r, slog.String("reason", "the origin is not listed in --cors-origin"))
			} else if names := unknown(r.Header.Values("Access-Control-Request-Headers"), headers); len(names) > 0 {
				p.note(r, slog.String("reason", "a header is not listed in --cors-header"), slog.Any("headers", names))
			} else if method != http.MethodGet && method != http.MethodPost && method != "QUERY" {
				p.note(r, slog.String("reason", "the method is not GET, POST or QUERY"), slog.String("method", clean(method)))
			}
		}
		next.ServeHTTP(w, r)
	})
}

// unknown returns the names, fit for a log, that are not among the allowed ones.
func unknown(asked, allowed []string) []string {
	var names []string
	for name := range strings.SplitSeq(strings.Join(asked, ","), ",") {
		name = strings.TrimSpace(name)
		if len(names) < maxNames && name != "" && !slices.ContainsFunc(allowed, func(a string) bool { return strings.EqualFold(a, name) }) {
			names = append(names, clean(name))
		}
	}
	return names
}
