package telemetry

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Sources are asked on every scrape; each may be nil.
type Sources struct {
	Upstream   func() Upstream
	Projection func() Projection
	Queue      func() Queue
	// Callers is the number of callers whose leads are held apart.
	Callers func() int
}

// Queue is what the server has been asked at a moment: operations that run, of
// at most Limit, and that wait for their turn.
type Queue struct{ Limit, Running, Waiting int }

// Upstream is the state of the client of the platform.
type Upstream struct {
	// Breaker is closed, open or half_open.
	Breaker string
	// Limit is the most requests at a time, of which InFlight are under way and
	// Queued wait.
	Limit, InFlight, Queued int
	// TokenExpires is zero if there is no token or it never does.
	TokenExpires time.Time
}

// Projection counts fields since the start.
type Projection struct {
	Hits      uint64
	Fallbacks map[string]uint64
	Ended     uint64
}

type published struct {
	asOf  time.Time
	leads int
}

var (
	catalogueAge   = desc("catalogue_age_seconds", "Age of the catalogue of all leads that is held; absent until there is one.")
	catalogueLeads = desc("catalogue_leads", "Leads in the catalogue that is held.")

	breakerState = desc("upstream_breaker_state", "1 for the state that the circuit breaker is in.", "state")
	upstreamBusy = desc("upstream_in_flight", "Requests to the platform under way.")
	upstreamMax  = desc("upstream_concurrency_limit", "Most requests to the platform at a time.")
	upstreamWait = desc("upstream_queued", "Requests to the platform that wait for their turn.")
	tokenExpiry  = desc("upstream_token_expiry_timestamp_seconds", "When the access token expires; absent without one that does.")

	queueLimit   = desc("admission_limit", "Most operations that run at a time.")
	queueRunning = desc("admission_running", "Operations that hold a slot of the server.")
	queueWaiting = desc("admission_waiting", "Operations that wait for a slot.")

	callersHeld = desc("callers", "Callers whose leads are held apart, where each reads with the own token.")

	projected = desc("projection_hits_total", "Fields answered by the compiled projection.")
	fallbacks = desc("projection_fallbacks_total", "Fields left to the generated executor, by reason.", "reason")
	givenUp   = desc("projection_ended_total", "Fields given up because their request had ended.")
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(namespace+name, help, labels, nil)
}

// scraped collects what is known elsewhere.
type scraped struct {
	now       func() time.Time
	published atomic.Pointer[published]

	mu      sync.Mutex
	sources []Sources
}

// Watch adds sources. Each thing is to have one.
func (t *Telemetry) Watch(s Sources) {
	t.scraped.mu.Lock()
	defer t.scraped.mu.Unlock()
	t.scraped.sources = append(t.scraped.sources, s)
}

// Describe implements prometheus.Collector.
func (*scraped) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		catalogueAge, catalogueLeads, breakerState, upstreamBusy, upstreamMax, upstreamWait, tokenExpiry, queueLimit, queueRunning, queueWaiting,
		callersHeld, projected, fallbacks, givenUp,
	} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (s *scraped) Collect(to chan<- prometheus.Metric) {
	out := sink(to)
	if p := s.published.Load(); p != nil {
		out.gauge(catalogueAge, max(0, s.now().Sub(p.asOf).Seconds()))
		out.gauge(catalogueLeads, float64(p.leads))
	}
	s.mu.Lock()
	sources := slices.Clone(s.sources)
	s.mu.Unlock()
	for _, source := range sources {
		source.collect(out)
	}
}

func (s Sources) collect(out sink) {
	if s.Upstream != nil {
		out.upstream(s.Upstream())
	}
	if s.Queue != nil {
		q := s.Queue()
		out.gauge(queueLimit, float64(q.Limit))
		out.gauge(queueRunning, float64(q.Running))
		out.gauge(queueWaiting, float64(q.Waiting))
	}
	if s.Callers != nil {
		out.gauge(callersHeld, float64(s.Callers()))
	}
	if s.Projection != nil {
		p := s.Projection()
		out.count(projected, p.Hits)
		out.count(givenUp, p.Ended)
		for reason, n := range p.Fallbacks {
			out.count(fallbacks, n, reason)
		}
	}
}

// sink takes the samples of one scrape.
type sink chan<- prometheus.Metric

func (s sink) gauge(d *prometheus.Desc, value float64, labels ...string) {
	s <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}

func (s sink) count(d *prometheus.Desc, value uint64, labels ...string) {
	s <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value), labels...)
}

func (s sink) upstream(u Upstream) {
	for _, state := range []string{"closed", "open", "half_open"} {
		is := 0.0
		if u.Breaker == state {
			is = 1
		}
		s.gauge(breakerState, is, state)
	}
	s.gauge(upstreamBusy, float64(u.InFlight))
	s.gauge(upstreamMax, float64(u.Limit))
	s.gauge(upstreamWait, float64(u.Queued))
	if !u.TokenExpires.IsZero() {
		s.gauge(tokenExpiry, float64(u.TokenExpires.UnixMilli())/1000)
	}
}
