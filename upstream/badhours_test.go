package upstream_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"leadgraph/lead"
	"leadgraph/upstream"
)

// A flood of calls meets a platform that limits the rate. All calls that were sent are
// answered 429 together; after that the platform must see no more than a few.
func TestFloodStopsAtTheFirst429(t *testing.T) {
	t.Parallel()
	for name, header := range map[string][2]string{
		"seconds":           {"Retry-After", "30"},
		"a fraction":        {"Retry-After", "29.5"},
		"a date":            {"Retry-After", "in a minute"},
		"milliseconds":      {"retry-after-ms", "30000"},
		"x-ms milliseconds": {"x-ms-retry-after-ms", "30000"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const callers, atATime, few = 300, 16, 10
			var sent atomic.Int32
			all := make(chan struct{})
			client := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
				if sent.Add(1) == atATime {
					close(all)
				}
				<-all
				value := header[1]
				if value == "in a minute" { // from now: the test may have waited for others
					value = time.Now().Add(time.Minute).UTC().Format(http.TimeFormat)
				}
				w.Header().Set(header[0], value)
				w.WriteHeader(http.StatusTooManyRequests)
			}, func(o *upstream.Options) { o.MaxConcurrent, o.Retries = atATime, 2 })
			var flood sync.WaitGroup
			for range callers {
				flood.Go(func() {
					_, err := client.LeadsByTenant(t.Context(), tenantA, false)
					if source := sourceError(t, err, lead.FailureRateLimited); source.RetryAfter <= 10*time.Second {
						t.Errorf("told to wait for %v", source.RetryAfter)
					}
				})
			}
			flood.Wait()
			if after := sent.Load() - atATime; after > few {
				t.Errorf("%d calls were sent after the first 429", after)
			}
		})
	}
}

// Whatever is not leads counts for the breaker like a 500.
func TestBreakerAndAnswersThatAreNotLeads(t *testing.T) {
	t.Parallel()
	const calls, most = 200, 20
	for name, answer := range map[string]http.HandlerFunc{
		"HTML with 200": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			write(w, "<!DOCTYPE html><html><body>We will be back soon.</body></html>")
		},
		"text":           func(w http.ResponseWriter, _ *http.Request) { write(w, "Maintenance") },
		"another object": func(w http.ResponseWriter, _ *http.Request) { write(w, `{"message":"maintenance"}`) },
		"another array":  func(w http.ResponseWriter, _ *http.Request) { write(w, `["maintenance"]`) },
		"other objects":  func(w http.ResponseWriter, _ *http.Request) { write(w, `[{"message":"maintenance"},null]`) },
		"no JSON":        func(w http.ResponseWriter, _ *http.Request) { write(w, `[{"id":`+"\x00") },
		"no gzip": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			write(w, "<html>Maintenance</html>")
		},
		"a redirect": http.RedirectHandler("/maintenance", http.StatusFound).ServeHTTP,
		"408":        func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusRequestTimeout) },
		"425":        func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooEarly) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sent atomic.Int32
			client := newClient(t, func(w http.ResponseWriter, r *http.Request) { sent.Add(1); answer(w, r) }, nil)
			for range calls {
				if _, err := client.LeadsByTenant(t.Context(), tenantA, false); err == nil {
					t.Fatal("no error")
				}
			}
			if state := client.State(); state.Breaker == "closed" || sent.Load() > most {
				t.Errorf("%d calls were sent, the breaker is %s", sent.Load(), state.Breaker)
			}
		})
	}
}

// 408 and 425 are time-outs that may be tried again.
func TestTimeoutStatuses(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusRequestTimeout, http.StatusTooEarly} {
		var sent atomic.Int32
		var broken atomic.Bool
		client := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
			if sent.Add(1) == 1 || broken.Load() {
				w.WriteHeader(status)
				return
			}
			write(w, "["+row("1")+"]")
		}, func(o *upstream.Options) { o.Retries = 1 })
		if _, err := client.LeadsPage(t.Context(), 0, 1, lead.AllParts); err != nil {
			t.Errorf("%d once: %v", status, err)
		}
		broken.Store(true)
		_, err := client.LeadsPage(t.Context(), 0, 1, lead.AllParts)
		if source := sourceError(t, err, lead.FailureTimeout); source.Status != status {
			t.Errorf("the status is %d, want %d", source.Status, status)
		}
	}
}
