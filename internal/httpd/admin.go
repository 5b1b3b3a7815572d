package httpd

import (
	"net/http"
	"net/http/pprof"
)

// Admin serves what only operators should see, on a listener of its own: health,
// metrics at /metrics unless they are nil, and the profiles of net/http/pprof.
// That one's command line is left out, because it can hold secrets.
func Admin(health *Health, metrics http.Handler) http.Handler {
	mux := http.NewServeMux()
	health.mount(mux)
	if metrics != nil {
		mux.Handle("/metrics", metrics)
	}
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", http.NotFound)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}
