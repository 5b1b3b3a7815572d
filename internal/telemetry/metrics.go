package telemetry

import (
	"slices"
	"time"

	"leadgraph/internal/errcode"

	"github.com/prometheus/client_golang/prometheus"
)

const namespace = "leadgraph_"

// other is the label of all values that are not on a closed list.
const other = "other"

// The closed lists of labels. All their series exist from the start with the value
// 0, so that the first event shows as an increase.
var (
	kinds    = []string{"lead", "leads", "online", "token"}
	outcomes = []string{"ok", "status", "timeout", "connection", "cut", "too_large", "bad_response", "canceled", "refused"}
	// The reasons are those of the package upstream/reader.
	unreadableReasons = []string{"null", "no_id", "zero_id", "no_tenant_id", "zero_tenant_id", "bad_tenant_id", "bad_list"}

	// The conditions are those of the package share.
	sharedConditions = []string{"usable", "refusing", "unreachable"}

	listEnds = []string{"empty", "400", "404", "410", "416"}
	plans    = []string{"cache", "single reads", "catalogue", "mixed"}
)

// The outcomes of catalogue refreshes.
const (
	refreshRead     = "read"   // leads came from the platform
	refreshShared   = "shared" // leads came from another replica
	refreshFailed   = "failed"
	refreshCanceled = "canceled"
)

// codeOK is the code of an operation without errors.
const codeOK = "OK"

// gravest returns the label for an operation with the given error codes.
func gravest(of []string) string {
	if len(of) == 0 {
		return codeOK
	}
	for _, code := range errcode.All() {
		if slices.Contains(of, code) {
			return code
		}
	}
	return other
}

func listed(list []string, label string) string {
	if slices.Contains(list, label) {
		return label
	}
	return other
}

// metrics holds the metric families that are updated as events happen. scraped
// holds the families that are read on each scrape.
type metrics struct {
	operations *prometheus.CounterVec
	errors     *prometheus.CounterVec
	duration   *prometheus.HistogramVec
	inFlight   prometheus.Gauge
	refused    *prometheus.CounterVec
	stale      prometheus.Counter

	attempts        *prometheus.CounterVec
	attemptDuration *prometheus.HistogramVec
	received        *prometheus.CounterVec
	retries         *prometheus.CounterVec
	unreadable      *prometheus.CounterVec
	conflicts       prometheus.Counter
	disordered      prometheus.Counter

	lookups   *prometheus.CounterVec
	batches   prometheus.Histogram
	planned   *prometheus.CounterVec
	refreshes *prometheus.CounterVec
	refresh   prometheus.Histogram
}

// Buckets in seconds, for servers that do not scrape native histograms. According
// to docs/bench.md one lead takes a third of a millisecond and 20,000 leads take
// 40 ms. The platform's answer adds tens of milliseconds to seconds. A request has
// 10 s, the largest page 30 s.
var (
	answerBuckets  = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	refreshBuckets = []float64{.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120}
	// Up to 20 tenants, such as a page of a table, are read one by one.
	batchBuckets = []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000}
)

func newMetrics() metrics {
	m := metrics{
		operations: counters("operations_total", "GraphQL operations answered, by name and by their most severe error code; OK if none.", "operation", "code"),
		errors:     counters("errors_total", "GraphQL operations with an error, by code; an operation with several codes counts once for each.", "code"),
		duration:   histograms("operation_duration_seconds", "Time from receiving a request to answering it.", answerBuckets, "operation"),
		inFlight:   prometheus.NewGauge(prometheus.GaugeOpts{Name: namespace + "operations_in_flight", Help: "GraphQL operations being answered."}),
		refused:    counters("refused_requests_total", "Requests refused before they became an operation, by error code.", "code"),
		stale:      counter("stale_answers_total", "Operations answered from a stale catalogue, because the platform is failing."),

		attempts:        counters("upstream_attempts_total", "Requests to the platform, including retries, by kind and outcome.", "kind", "outcome"),
		attemptDuration: histograms("upstream_attempt_duration_seconds", "Duration of one request to the platform, up to the last byte of the answer.", answerBuckets, "kind"),
		received:        counters("upstream_received_bytes_total", "Size of the platform's answers in bytes, after decompression.", "kind"),
		retries:         counters("upstream_retries_total", "Requests to the platform that repeat a failed one.", "kind"),
		unreadable:      counters("upstream_unreadable_rows_total", "Rows of the platform's answers that could not be read, by reason; each time they are read.", "reason"),
		disordered:      counter("upstream_disordered_walks_total", "Reads of all leads that met rows in another order than before: pages may repeat and omit leads."),
		conflicts:       counter("upstream_conflicting_rows_total", "Rows that share their id with an earlier row of a lookup or of the catalogue but differ from it; the earlier one counts."),

		lookups:   counters("lookups_total", "Lookups of a tenant's leads: hit if answered without waiting for a read, otherwise miss.", "result"),
		batches:   histogram("lookup_batch_tenants", "Distinct tenants that one operation looked up together.", batchBuckets),
		planned:   counters("lookup_plans_total", "Batches of lookups, by where the leads were read from.", "plan"),
		refreshes: counters("catalogue_refreshes_total", "Refreshes of the catalogue: from the platform (read), from another replica (shared), failed or canceled.", "outcome"),
		refresh:   histogram("catalogue_refresh_duration_seconds", "Duration of one successful refresh of the catalogue.", refreshBuckets),
	}
	m.begin()
	return m
}

// begin creates the series of the closed lists.
func (m metrics) begin() {
	for _, kind := range kinds {
		for _, outcome := range outcomes {
			m.attempts.WithLabelValues(kind, outcome)
		}
		m.attemptDuration.WithLabelValues(kind)
		m.received.WithLabelValues(kind)
		m.retries.WithLabelValues(kind)
	}
	for _, code := range errcode.All() {
		m.errors.WithLabelValues(code)
		m.refused.WithLabelValues(code)
	}
	for _, reason := range unreadableReasons {
		m.unreadable.WithLabelValues(reason)
	}
	for _, plan := range plans {
		m.planned.WithLabelValues(plan)
	}
	for _, result := range []string{"hit", "miss"} {
		m.lookups.WithLabelValues(result)
	}
	for _, outcome := range []string{refreshRead, refreshShared, refreshFailed, refreshCanceled} {
		m.refreshes.WithLabelValues(outcome)
	}
}

func (m metrics) all() []prometheus.Collector {
	return []prometheus.Collector{
		m.operations, m.errors, m.duration, m.inFlight, m.refused, m.stale,
		m.attempts, m.attemptDuration, m.received, m.retries, m.unreadable, m.conflicts, m.disordered,
		m.lookups, m.batches, m.planned, m.refreshes, m.refresh,
	}
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: namespace + name, Help: help})
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: namespace + name, Help: help}, labels)
}

func histogram(name, help string, buckets []float64) prometheus.Histogram {
	return prometheus.NewHistogram(bothForms(name, help, buckets))
}

func histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(bothForms(name, help, buckets), labels)
}

// bothForms returns options for a histogram with classic and native buckets.
// Prometheus scrapes the kind that it is configured for.
func bothForms(name, help string, buckets []float64) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{
		Name: namespace + name, Help: help, Buckets: buckets,
		NativeHistogramBucketFactor:     1.1,
		NativeHistogramMaxBucketNumber:  100,
		NativeHistogramMinResetDuration: time.Hour,
	}
}
