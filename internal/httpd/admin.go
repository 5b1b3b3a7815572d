package httpd

import (
	"log/slog"
	"net/http"
	"net/http/pprof"
)

// AdminOptions configures the admin listener.
type AdminOptions struct {
	Health  *Health
	Metrics http.Handler // nil means no metrics
	// LoopbackOnly refuses requests whose Host is not this machine's loopback name or
	// address. It is for a listener on a loopback address; see BrowserOptions.
	LoopbackOnly bool
	// Logger receives a line about a refused page, at most one a second. Optional.
	Logger *slog.Logger
}

// Admin returns the handler of the admin listener, which only operators should
// reach. It serves health, metrics at /metrics, and the profiles of net/http/pprof.
// It does not serve pprof's command line, which can contain secrets. Pages of other
// origins are refused, as they are for the API, since an operator's browser may reach
// what its other pages must not. Health is open to every prober.
func Admin(o AdminOptions) http.Handler {
	private := http.NewServeMux()
	if o.Metrics != nil {
		private.Handle("/metrics", o.Metrics)
	}
	private.HandleFunc("/debug/pprof/", pprof.Index)
	private.HandleFunc("/debug/pprof/cmdline", http.NotFound)
	private.HandleFunc("/debug/pprof/profile", pprof.Profile)
	private.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	private.HandleFunc("/debug/pprof/trace", pprof.Trace)
	mux := http.NewServeMux()
	o.Health.mount(mux)
	protected := refuseForeign(http.NewCrossOriginProtection(), newRefusedPages(o.Logger, nil), private)
	if o.LoopbackOnly {
		protected = loopbackOnly(protected)
	}
	mux.Handle("/", withSecurityHeaders(protected))
	return mux
}
