package httpd

import (
	"net/http"
	"net/http/pprof"
)

// Admin returns the handler of the admin listener, which only operators should
// reach. It serves health, metrics at /metrics unless metrics is nil, and the
// profiles of net/http/pprof. It does not serve pprof's command line, which can
// contain secrets.
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
