package httpd

import (
	"encoding/json"
	"net/http"
	"sync/atomic"
)

// Readiness is whether a server, or something that it needs, can answer.
type Readiness string

// A degraded server answers, if not all or not well, and stays in the load
// balancer: its replicas need the same things and are no better.
const (
	Ready    Readiness = "ready"
	Degraded Readiness = "degraded"
	NotReady Readiness = "not ready"

	draining Readiness = "draining"
)

// Check is something that a server needs.
type Check struct {
	// Name and, while it fails, Detail are shown to everybody: no hosts, no
	// personal data.
	Name, Detail string
	// Fault is what the server is while it fails: Degraded or NotReady.
	Fault Readiness
	// Fails is asked for each request. It must not wait, and must be safe for
	// concurrent use.
	Fails func() bool
}

// Health is what one server says of itself. It is safe for concurrent use.
type Health struct {
	checks   []Check
	draining atomic.Bool
	closing  chan struct{}
}

// NewHealth makes the health of a server that needs what is checked.
func NewHealth(checks ...Check) *Health {
	return &Health{checks: checks, closing: make(chan struct{})}
}

// Closing is closed when the server ends its connections. What has no end of its
// own, such as a WebSocket, has to end then.
func (h *Health) Closing() <-chan struct{} { return h.closing }

// drain says that the server ends; close, later, that connections do.
func (h *Health) drain() {
	if h != nil {
		h.draining.Store(true)
	}
}

func (h *Health) close() {
	if h != nil {
		close(h.closing)
	}
}

// mount adds what orchestrators ask: /healthz is answered while the process
// works, /readyz says whether it should get requests. Both are for everybody who
// reaches the server: probes have neither tokens nor the host's name.
func (h *Health) mount(mux *http.ServeMux) {
	if h == nil {
		return
	}
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, r *http.Request) {
		answerHealth(w, r, http.StatusOK, report{Status: "alive"})
	})
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, r *http.Request) {
		found := h.report()
		status := http.StatusOK
		if found.Status == NotReady || found.Status == draining {
			status = http.StatusServiceUnavailable
		}
		answerHealth(w, r, status, found)
	})
}

// report is the body of an answer.
type report struct {
	Status Readiness `json:"status"`
	Checks []finding `json:"checks,omitempty"`
}

// finding is a check that fails.
type finding struct {
	Name   string    `json:"name"`
	Status Readiness `json:"status"`
	Detail string    `json:"detail"`
}

// report is as bad as the worst of the checks.
func (h *Health) report() report {
	all := report{Status: Ready}
	for _, check := range h.checks {
		if !check.Fails() {
			continue
		}
		all.Checks = append(all.Checks, finding{check.Name, check.Fault, check.Detail})
		if all.Status != NotReady {
			all.Status = check.Fault
		}
	}
	if h.draining.Load() {
		all.Status = draining
	}
	return all
}

// answerHealth answers GET and HEAD. It is no GraphQL, so neither are errors.
func answerHealth(w http.ResponseWriter, r *http.Request, status int, found report) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	body, err := json.Marshal(found)
	if err != nil { // texts always encode
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a prober that left needs none
}
