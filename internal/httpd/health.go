package httpd

import (
	"encoding/json"
	"net/http"
	"sync/atomic"
)

// Readiness describes whether a server, or something that it depends on, works.
type Readiness string

// A degraded server still answers, though not every request or not well. It stays
// in the load balancer, because its replicas have the same dependencies and are no
// better off.
const (
	Ready    Readiness = "ready"
	Degraded Readiness = "degraded"
	NotReady Readiness = "not ready"

	draining Readiness = "draining"
)

// Check checks something that a server depends on.
type Check struct {
	// Name and Detail must name no host and contain no personal data: they are
	// shown to everybody while the check fails.
	Name, Detail string
	// Fault is the server's readiness while the check fails: Degraded or NotReady.
	Fault Readiness
	// Fails reports whether the check fails. It is called for each request for
	// /readyz. It must not block and must be safe for concurrent use.
	Fails func() bool
}

// Health reports the state of one server. It is safe for concurrent use.
type Health struct {
	checks   []Check
	draining atomic.Bool
	closing  chan struct{}
}

// NewHealth returns the health of a server with the given checks.
func NewHealth(checks ...Check) *Health {
	return &Health{checks: checks, closing: make(chan struct{})}
}

// Closing returns a channel that is closed when the server starts to close its
// connections. Connections without an end of their own, such as WebSockets, must
// end then.
func (h *Health) Closing() <-chan struct{} { return h.closing }

// drain marks the server as shutting down. close, called later, tells connections
// to end.
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

// mount adds the endpoints for orchestrators: /healthz answers while the process
// works, and /readyz tells whether the server should get requests. Neither needs
// authentication or checks the Host, because probes have no token and do not know
// the host name.
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

// report is the body of a health answer.
type report struct {
	Status Readiness `json:"status"`
	Checks []finding `json:"checks,omitempty"`
}

// finding describes a check that fails.
type finding struct {
	Name   string    `json:"name"`
	Status Readiness `json:"status"`
	Detail string    `json:"detail"`
}

// report returns the failing checks. Its status is that of the worst of them.
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

// answerHealth answers GET and HEAD. Errors have no body, since a prober does not
// expect GraphQL.
func answerHealth(w http.ResponseWriter, r *http.Request, status int, found report) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	body, err := json.Marshal(found)
	if err != nil { // strings always encode
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // fails only if the prober has left
}
