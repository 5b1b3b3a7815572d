package lookup_test

import (
	"testing"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/lookup"
)

// BenchmarkByTenants looks up 20 cached tenants.
func BenchmarkByTenants(b *testing.B) {
	ids := tenants(20)
	for name, prepare := range map[string]func(l *lookup.Lookups){
		"cache":    func(l *lookup.Lookups) { l.ByTenants(b.Context(), ids, lead.Freshness{}) },
		"snapshot": func(l *lookup.Lookups) { feed(l, 1, time.Now(), ids...) },
	} {
		b.Run(name, func(b *testing.B) {
			d := newDirectory()
			d.latency = 0
			l := lookup.New(d, nil, lookup.Options{TTL: time.Hour})
			b.Cleanup(l.Close)
			prepare(l)
			b.ReportAllocs()
			for b.Loop() {
				if _, report := l.ByTenants(b.Context(), ids, lead.Freshness{}); report.CacheHits != len(ids) {
					b.Fatalf("%+v", report)
				}
			}
		})
	}
}
