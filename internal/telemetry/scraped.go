package telemetry

import (
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Sources are functions that are called on every scrape. Each may be nil.
type Sources struct {
	Upstream   func() Upstream
	Projection func() Projection
	Queue      func() Queue
	Shared     func() Shared
	// Callers returns the number of callers with a cache of their own.
	Callers func() int
	Changes func() Changes
	// Webhooks returns the states of the receivers of changes, in the order of the settings.
	Webhooks func() []Webhook
}

// Webhook is the state of the sender to one receiver.
type Webhook struct {
	// Sent counts the events that were accepted, and Failed the requests that were not.
	Sent, Failed uint64
	// Lag is the age of the oldest change that was read and not accepted yet.
	Lag time.Duration
	// Gone says that the receiver wants no more events.
	Gone bool
}

// Changes is the state of all logs of changes together.
type Changes struct {
	// Listeners is the number of subscriptions that follow them.
	Listeners int
	// Revision is the number of the newest revision.
	Revision uint64
	// Bytes is the memory that the changes take, by estimate.
	Bytes int64
}

// Queue is the state of admission.
type Queue struct {
	// Limit is the most that operations may weigh together, and Inside what those
	// weigh that have begun.
	Limit, Inside int
	// Running operations compute and Waiting ones wait to do so.
	Running, Waiting int
	// Unsent is the size of the answers that wait for their clients, and CutOffs how
	// many clients were cut off because there were too many.
	Unsent  int64
	CutOffs int64
}

// Shared is the state of the store that replicas share: its Condition is one of
// sharedConditions, empty without a store, and Rejected counts the values that could not be used.
type Shared struct {
	Condition string
	Rejected  uint64
}

// Upstream is the state of the platform's client.
type Upstream struct {
	// Breaker is closed, open or half_open.
	Breaker string
	// Gates are the gates by the kind of requests that they hold back.
	Gates map[string]Gate
	// Limit is the maximum number of concurrent requests. InFlight of them are in
	// progress, and Queued requests wait.
	Limit, InFlight, Queued int
	// TokenExpires is zero if there is no token or it does not expire.
	TokenExpires time.Time
	// PageLeads is the largest number of leads that a page had, and PageCap the
	// number at which the platform cuts pages. 0 means unknown or none.
	PageLeads, PageCap int
	// FirstPage is the number of the first page; -1 if it is unknown.
	FirstPage int
	// ListEnd is how a page past the end is answered; empty if unknown.
	ListEnd string
}

// Gate is the state of what holds back requests while the platform limits their rate.
type Gate struct {
	// Limits says that it holds them back now.
	Limits bool
	// Refused counts the requests that could not wait.
	Refused uint64
}

// Projection counts fields since the program started.
type Projection struct {
	Hits      uint64
	Fallbacks map[string]uint64
	Ended     uint64
}

type published struct {
	asOf              time.Time
	leads, unreadable int
}

var (
	catalogueAge   = desc("catalogue_age_seconds", "Age of the catalogue in use; absent until there is one.")
	catalogueLeads = desc("catalogue_leads", "Leads in the catalogue in use.")
	catalogueHoles = desc("catalogue_unreadable_rows", "Rows of the platform that could not be read for the catalogue in use.")

	breakerState = desc("upstream_breaker_state", "1 for the current state of the circuit breaker, 0 for the others.", "state")
	gateClosed   = desc("upstream_gate_closed", "1 while no requests of this kind, or only a few, are sent because the platform limits their rate; in passthrough, those of all callers.", "kind")
	gateRefused  = desc("upstream_gate_refusals_total", "Requests that were not sent because the platform limits the rate of their kind and they could not wait; in passthrough, also that of one caller.", "kind")
	upstreamBusy = desc("upstream_in_flight", "Requests to the platform in progress.")
	upstreamMax  = desc("upstream_concurrency_limit", "Maximum number of concurrent requests to the platform.")
	upstreamWait = desc("upstream_queued", "Requests to the platform that wait for their turn to be sent.")
	tokenExpiry  = desc("upstream_token_expiry_timestamp_seconds", "When the access token expires, in Unix time; absent if there is none or it does not expire.")

	pageLeads = desc("upstream_page_leads", "Largest number of leads that a page of the platform had; absent until there was one.")
	pageCap   = desc("upstream_page_cap", "Number of leads at which the platform cuts pages; 0 if it is not known to cut any.")
	pageFirst = desc("upstream_first_page", "Number of the platform's first page; absent until it is known.")
	listEnd   = desc("upstream_list_end", "1 for how the platform answers a page past the end of the list; absent until it is known.", "answer")

	queueLimit   = desc("admission_limit", "Maximum number of operations that run or wait for the platform, by weight.")
	queueInside  = desc("admission_inside", "Operations that run or wait for the platform, by weight.")
	queueRunning = desc("admission_running", "Operations that compute.")
	queueWaiting = desc("admission_waiting", "Operations that wait until they may compute.")
	queueUnsent  = desc("unsent_bytes", "Size of the answers that wait for their clients to take them, in bytes.")
	queueCutOffs = desc("cut_off_clients_total", "Clients cut off because too many answers waited and they took nothing for the longest time.")

	sharedState    = desc("shared_state", "1 for the current condition of Redis, 0 for the others, and for all without Redis. Refusing: it answers, and refuses all or some commands.", "condition")
	sharedRejected = desc("shared_rejected_values_total", "Values in Redis that were not used because they are damaged, forged, of another key or out of bounds.")

	callersHeld = desc("callers", "Callers with a cache of their own (passthrough only).")

	changeRevision  = desc("change_revision", "Number of the newest revision of all leads that the server has; 0 before the first. Replicas that share Redis have the same within a second. In passthrough, the highest of all callers.")
	changeListeners = desc("change_listeners", "Subscriptions and webhooks that watch leads.")
	changeBytes     = desc("change_log_bytes", "Memory of the changes that are kept for those who watch, in bytes, by estimate.")

	webhookSent   = desc("webhook_events_total", "Events that the receiver of a webhook has accepted. Receivers are numbered in the order of --webhook-url.", "receiver")
	webhookFailed = desc("webhook_failures_total", "Requests to the receiver of a webhook that it did not accept.", "receiver")
	webhookLag    = desc("webhook_lag_seconds", "Age of the oldest change that the receiver of a webhook has not accepted yet; 0 if there is none, and in replicas that do not send.", "receiver")
	webhookGone   = desc("webhook_gone", "1 if the receiver of a webhook has answered 410, so that nothing is sent to it until a restart.", "receiver")

	projected = desc("projection_hits_total", "Fields answered by the compiled projection.")
	fallbacks = desc("projection_fallbacks_total", "Fields left to the generated executor, by reason.", "reason")
	givenUp   = desc("projection_ended_total", "Fields abandoned because their request had ended.")
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(namespace+name, help, labels, nil)
}

// scraped collects values that are kept elsewhere.
type scraped struct {
	now       func() time.Time
	published atomic.Pointer[published]

	mu      sync.Mutex
	sources []Sources
}

// Watch adds sources. Each metric must have at most one source.
func (t *Telemetry) Watch(s Sources) {
	t.scraped.mu.Lock()
	defer t.scraped.mu.Unlock()
	t.scraped.sources = append(t.scraped.sources, s)
}

// Describe implements prometheus.Collector.
func (*scraped) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		catalogueAge, catalogueLeads, catalogueHoles, breakerState, gateClosed, gateRefused, upstreamBusy, upstreamMax, upstreamWait, tokenExpiry,
		pageLeads, pageCap, pageFirst, listEnd, queueLimit, queueInside, queueRunning, queueWaiting, queueUnsent, queueCutOffs,
		sharedState, sharedRejected, callersHeld, changeRevision, changeListeners, changeBytes, webhookSent, webhookFailed, webhookLag, webhookGone, projected, fallbacks, givenUp,
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
		out.gauge(catalogueHoles, float64(p.unreadable))
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
		out.gauge(queueInside, float64(q.Inside))
		out.gauge(queueUnsent, float64(q.Unsent))
		out.count(queueCutOffs, uint64(max(0, q.CutOffs)))
	}
	if s.Shared != nil {
		out.shared(s.Shared())
	}
	if s.Callers != nil {
		out.gauge(callersHeld, float64(s.Callers()))
	}
	if s.Changes != nil {
		c := s.Changes()
		out.gauge(changeRevision, float64(c.Revision))
		out.gauge(changeListeners, float64(c.Listeners))
		out.gauge(changeBytes, float64(c.Bytes))
	}
	if s.Webhooks != nil {
		out.webhooks(s.Webhooks())
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

// oneOf sets the sample of the current value to 1 and those of the others to 0.
func (s sink) oneOf(d *prometheus.Desc, current string, all []string) {
	for _, value := range all {
		s.gauge(d, indicator(value == current), value)
	}
}

func indicator(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

func (s sink) shared(of Shared) {
	s.oneOf(sharedState, of.Condition, sharedConditions)
	s.count(sharedRejected, of.Rejected)
}

func (s sink) webhooks(all []Webhook) {
	for i, w := range all {
		receiver := strconv.Itoa(i + 1)
		s.count(webhookSent, w.Sent, receiver)
		s.count(webhookFailed, w.Failed, receiver)
		s.gauge(webhookLag, w.Lag.Seconds(), receiver)
		s.gauge(webhookGone, indicator(w.Gone), receiver)
	}
}

func (s sink) upstream(u Upstream) {
	s.oneOf(breakerState, u.Breaker, []string{"closed", "open", "half_open"})
	for kind, gate := range u.Gates {
		s.gauge(gateClosed, indicator(gate.Limits), listed(kinds, kind))
		s.count(gateRefused, gate.Refused, listed(kinds, kind))
	}
	s.gauge(upstreamBusy, float64(u.InFlight))
	s.gauge(upstreamMax, float64(u.Limit))
	s.gauge(upstreamWait, float64(u.Queued))
	if !u.TokenExpires.IsZero() {
		s.gauge(tokenExpiry, float64(u.TokenExpires.UnixMilli())/1000)
	}
	if u.PageLeads > 0 {
		s.gauge(pageLeads, float64(u.PageLeads))
	}
	s.gauge(pageCap, float64(u.PageCap))
	if u.FirstPage >= 0 {
		s.gauge(pageFirst, float64(u.FirstPage))
	}
	if u.ListEnd != "" {
		s.gauge(listEnd, 1, listed(listEnds, u.ListEnd))
	}
}
