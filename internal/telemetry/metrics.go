package telemetry

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const namespace = "leadgraph_"

// other is the label of what is not on a closed list.
const other = "other"

// The closed lists of labels. All of their series exist from the start, so that
// the first of a kind is an increase.
var (
	kinds    = []string{"lead", "leads", "online", "token"}
	outcomes = []string{"ok", "status", "timeout", "connection", "cut", "too_large", "bad_response", "canceled", "refused"}
	plans    = []string{"cache", "single reads", "catalogue", "mixed"}
)

// The outcomes of refreshes.
const (
	refreshRead     = "read"   // from the platform
	refreshShared   = "shared" // from another replica
	refreshFailed   = "failed"
	refreshCanceled = "canceled"
)

// codeOK is the code of an operation without errors.
const codeOK = "OK"

// closedCodes is the closed list of docs/design.md section 6, the gravest first: an
// operation with several errors counts once.
var closedCodes = []string{
	"INTERNAL_SERVER_ERROR", "UPSTREAM_AUTH", "UPSTREAM_BAD_RESPONSE", "UPSTREAM_REJECTED", "UPSTREAM_UNAVAILABLE",
	"UPSTREAM_TIMEOUT", "UPSTREAM_RATE_LIMITED", "OVERLOADED", "QUERY_TOO_COMPLEX", "UNAUTHENTICATED", "FORBIDDEN",
	"BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED",
	"PERSISTED_QUERY_REQUIRED", "PERSISTED_QUERY_NOT_SUPPORTED", "PERSISTED_QUERY_NOT_FOUND",
}

// gravest returns the label for the codes of one operation.
func gravest(of []string) string {
	if len(of) == 0 {
		return codeOK
	}
	for _, code := range closedCodes {
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

// metrics are the families that are counted as things happen; scraped has those
// that are asked for.
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

	lookups   *prometheus.CounterVec
	batches   prometheus.Histogram
	planned   *prometheus.CounterVec
	refreshes *prometheus.CounterVec
	refresh   prometheus.Histogram
}

// Buckets in seconds, for servers that scrape no native histograms. By
// docs/bench.md one lead takes a third of a millisecond and 20,000 take 40; the
// platform's answer adds tens of milliseconds to seconds; a request has 10 s, the
// largest page 30.
var (
	answerBuckets  = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	refreshBuckets = []float64{.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120}
	// A table's page of lookups is read singly up to 20 tenants.
	batchBuckets = []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000}
)

func newMetrics() metrics {
	m := metrics{
		operations: counters("operations_total", "GraphQL operations answered, by name and by the gravest error code, OK if none.", "operation", "code"),
		errors:     counters("errors_total", "GraphQL operations with an error, by code; one with several codes counts for each.", "code"),
		duration:   histograms("operation_duration_seconds", "Time from a request to its answer.", answerBuckets, "operation"),
		inFlight:   prometheus.NewGauge(prometheus.GaugeOpts{Name: namespace + "operations_in_flight", Help: "GraphQL operations being answered."}),
		refused:    counters("refused_requests_total", "Requests refused before they became an operation, by error code.", "code"),
		stale:      counter("stale_answers_total", "Operations answered from a catalogue that is older than it should be, because the platform fails."),

		attempts:        counters("upstream_attempts_total", "Requests to the platform, each retry counted, by kind and outcome.", "kind", "outcome"),
		attemptDuration: histograms("upstream_attempt_duration_seconds", "Time of one request to the platform until the last byte of its answer.", answerBuckets, "kind"),
		received:        counters("upstream_received_bytes_total", "Bytes of the platform's answers, decompressed.", "kind"),
		retries:         counters("upstream_retries_total", "Requests to the platform that repeat a failed one.", "kind"),

		lookups:   counters("lookups_total", "Lookups of a tenant's leads, by whether they took no waiting for a read (hit) or did (miss).", "result"),
		batches:   histogram("lookup_batch_tenants", "Distinct tenants that one operation looked up together.", batchBuckets),
		planned:   counters("lookup_plans_total", "How the tenants of a batch were found.", "plan"),
		refreshes: counters("catalogue_refreshes_total", "Readings of all leads: from the platform (read), from another replica (shared), failed or canceled.", "outcome"),
		refresh:   histogram("catalogue_refresh_duration_seconds", "Time of one reading of all leads that succeeded.", refreshBuckets),
	}
	m.begin()
	return m
}

// begin makes the series of the closed lists.
func (m metrics) begin() {
	for _, kind := range kinds {
		for _, outcome := range outcomes {
			m.attempts.WithLabelValues(kind, outcome)
		}
		m.attemptDuration.WithLabelValues(kind)
		m.received.WithLabelValues(kind)
		m.retries.WithLabelValues(kind)
	}
	for _, code := range closedCodes {
		m.errors.WithLabelValues(code)
		m.refused.WithLabelValues(code)
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
		m.attempts, m.attemptDuration, m.received, m.retries,
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

// bothForms are options of a histogram with classic buckets and native ones, of
// which Prometheus takes what it is set to.
func bothForms(name, help string, buckets []float64) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{
		Name: namespace + name, Help: help, Buckets: buckets,
		NativeHistogramBucketFactor:     1.1,
		NativeHistogramMaxBucketNumber:  100,
		NativeHistogramMinResetDuration: time.Hour,
	}
}
