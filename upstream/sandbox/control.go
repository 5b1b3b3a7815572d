package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// maxControl bounds the body of a control call, in bytes.
const maxControl = 1 << 20

// routeControl adds the control endpoints listed in the package comment.
func (s *Server) routeControl() {
	sameOrigin := http.NewCrossOriginProtection()
	handle := func(pattern string, h http.HandlerFunc) { s.mux.Handle(pattern, sameOrigin.Handler(h)) }
	handle("GET /sandbox/calls", func(w http.ResponseWriter, _ *http.Request) { reply(w, s.Calls()) })
	handle("POST /sandbox/calls/reset", func(w http.ResponseWriter, _ *http.Request) {
		s.ResetCalls()
		w.WriteHeader(http.StatusNoContent)
	})
	handle("POST /sandbox/faults", s.serveInject)
	handle("DELETE /sandbox/faults", func(w http.ResponseWriter, _ *http.Request) {
		s.ClearFaults()
		w.WriteHeader(http.StatusNoContent)
	})
	handle("POST /sandbox/shift", s.serveShift)
}

// faultBody is a Fault with durations as strings.
type faultBody struct {
	Fault
	Latency string `json:"latency"`
	Stall   string `json:"stall"`
}

func (b faultBody) fault() (Fault, error) {
	f := b.Fault
	switch kind, _, _ := strings.Cut(f.Kind, ":"); kind {
	case "", KindLead, KindToken, KindTenant, KindPage:
	default:
		return Fault{}, fmt.Errorf("kind must be lead, token, tenant[:id] or page[:number], not %q", f.Kind)
	}
	if f.Status != 0 && (f.Status < 200 || f.Status > 999) {
		return Fault{}, fmt.Errorf("status must be between 200 and 999, not %d", f.Status)
	}
	for _, d := range []struct {
		text string
		into *time.Duration
	}{{b.Latency, &f.Latency}, {b.Stall, &f.Stall}} {
		if d.text == "" {
			continue
		}
		var err error
		if *d.into, err = time.ParseDuration(d.text); err != nil {
			return Fault{}, err
		}
	}
	return f, nil
}

func (s *Server) serveInject(w http.ResponseWriter, r *http.Request) {
	var body faultBody
	if !readBody(w, r, &body) {
		return
	}
	f, err := body.fault()
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.Inject(f)
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) serveShift(w http.ResponseWriter, r *http.Request) {
	var by Shift
	if !readBody(w, r, &by) {
		return
	}
	if by.Insert > MaxLeads {
		http.Error(w, fmt.Sprintf("insert must be at most %d, not %d", MaxLeads, by.Insert), http.StatusBadRequest)
		return
	}
	inserted, removed := s.shift(by)
	reply(w, map[string][]string{"inserted": inserted, "removed": removed})
}

// readBody decodes the body of a control call, or answers 400 and returns
// false. It refuses unknown fields, because a misspelt field would queue a fault
// without the intended effect.
func readBody(w http.ResponseWriter, r *http.Request, into any) bool {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxControl))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return false
	}
	return true
}

func reply(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", jsonType)
	_ = json.NewEncoder(w).Encode(value) // fails only if the client has left
}
