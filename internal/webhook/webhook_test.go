package webhook_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"leadgraph/internal/apptest"
	"leadgraph/internal/webhook"
	"leadgraph/lead"
	"leadgraph/lead/changes"
	"leadgraph/lead/leadtest"
)

// Over real HTTP: a lead is created, changed and removed.
func TestChangesAreSent(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{}, 10)
	r := &receiver{t: t, answer: func(http.ResponseWriter, *http.Request, int) { arrived <- struct{}{} }}
	front := newFront(t, r)
	p := newPlatform(changes.Options{}, &lead.Lead{ID: "old"})
	store := &positions{}
	start(t, p, func(o *webhook.Options) {
		o.URLs, o.Positions, o.Source = []string{front + "/hook"}, store, "https://leads.example"
	})
	store.begins(t)
	p.put("a")
	<-arrived
	p.put("a")
	<-arrived
	p.remove("a")
	<-arrived
	r.want(p.told)
	wanted := []string{"com.leadgraph.lead.created", "com.leadgraph.lead.updated", "com.leadgraph.lead.removed"}
	for i, e := range r.all() {
		if e.SpecVersion != "1.0" || e.Type != wanted[i] || e.Source != "https://leads.example" || e.Subject != "a" || e.DataContentType != "application/json" || time.Since(e.Time) > time.Minute {
			t.Errorf("%s", e.body)
		}
		if changed := fmt.Sprint(e.Data.Changed); (changed == "[Lead.statusText]") != (i == 1) {
			t.Errorf("changed: %s", changed)
		}
	}
}

// bubble runs a test with a receiver in a bubble.
func bubble(t *testing.T, answer func(w http.ResponseWriter, r *http.Request, n int), test func(t *testing.T, p *platform, r *receiver, transport http.RoundTripper)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{t: t, answer: answer}
		test(t, newPlatform(changes.Options{}), r, inBubble(t, r))
	})
}

func status(code int) func(http.ResponseWriter, *http.Request, int) {
	return func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(code) }
}

// A receiver that is out for an hour gets everything, and the log says it once.
func TestAnHourOfOutage(t *testing.T) {
	t.Parallel()
	var back time.Time
	out := func(w http.ResponseWriter, _ *http.Request, _ int) {
		if time.Now().Before(back) {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}
	bubble(t, out, func(t *testing.T, p *platform, r *receiver, transport http.RoundTripper) {
		var lines apptest.Buffer
		s := start(t, p, func(o *webhook.Options) {
			o.Transport, o.Logger = transport, slog.New(slog.NewTextHandler(&lines, nil))
		})
		synctest.Wait()
		back = time.Now().Add(time.Hour)
		for i := range 60 {
			p.put(fmt.Sprint("lead ", i%7))
			leadtest.Pass(time.Minute)
		}
		if state := s.State()[0]; state.Sent != 0 || state.Failed < 10 || state.Lag < 59*time.Minute {
			t.Errorf("during the outage: %+v", state)
		}
		leadtest.Pass(10 * time.Minute)
		r.want(p.told)
		if state := s.State()[0]; state.Sent != 60 || state.Lag != 0 {
			t.Errorf("afterwards: %+v", state)
		}
		text := lines.String()
		if strings.Count(text, "does not accept") != 1 || strings.Count(text, "accepts events again") != 1 || strings.Contains(text, "s3cret") || !strings.Contains(text, "receiver.example") {
			t.Error(text)
		}
	})
}

// A receiver that is gone gets one request, until a restart. Its position stays.
func TestAReceiverThatIsGone(t *testing.T) {
	t.Parallel()
	bubble(t, status(http.StatusGone), func(t *testing.T, p *platform, r *receiver, transport http.RoundTripper) {
		store := &positions{}
		options := func(o *webhook.Options) { o.Transport, o.Positions = transport, store }
		s := start(t, p, options)
		synctest.Wait()
		p.put("a")
		leadtest.Pass(time.Hour)
		p.put("b")
		leadtest.Pass(time.Hour)
		if state := s.State()[0]; len(r.all()) != 1 || !state.Gone || state.Failed != 1 || p.listeners != 0 {
			t.Errorf("%d requests, %+v, %d listeners", len(r.all()), state, p.listeners)
		}
		s.Close()
		r.answer = nil
		start(t, p, options)
		leadtest.Pass(time.Minute)
		r.want(p.told)
	})
}

// The pauses depend on the answer.
func TestPauses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer       func(http.ResponseWriter, *http.Request, int)
		least, first time.Duration
	}{
		"Retry-After": {func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.Header().Set("Retry-After", "77")
			w.WriteHeader(http.StatusTooManyRequests)
		}, 77 * time.Second, 95 * time.Second},
		"for a day": {func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.Header().Set("Retry-After", "86400")
			w.WriteHeader(http.StatusServiceUnavailable)
		}, time.Hour, 73 * time.Minute},
		"unavailable":  {status(503), time.Second, 2 * time.Second},
		"too early":    {status(425), time.Second, 2 * time.Second},
		"unauthorized": {status(401), time.Minute, 73 * time.Second},
		"elsewhere": {func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.Header().Set("Location", "/x")
			w.WriteHeader(http.StatusTemporaryRedirect)
		}, time.Minute, 73 * time.Second},
		"cut":    {func(http.ResponseWriter, *http.Request, int) { panic(http.ErrAbortHandler) }, time.Second, 2 * time.Second},
		"silent": {func(_ http.ResponseWriter, r *http.Request, _ int) { <-r.Context().Done() }, 11 * time.Second, 12 * time.Second},
		"endless": {func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.WriteHeader(http.StatusInternalServerError)
			endless(w)
		}, time.Second, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, c.answer, func(t *testing.T, p *platform, r *receiver, transport http.RoundTripper) {
				start(t, p, func(o *webhook.Options) { o.Transport = transport })
				synctest.Wait()
				p.put("a")
				leadtest.Pass(5 * time.Hour)
				got := r.all()
				if len(got) < 3 {
					t.Fatalf("%d requests", len(got))
				}
				if first := got[1].at.Sub(got[0].at); first < c.least || first > c.first {
					t.Errorf("the first pause is %v", first)
				}
				for i, e := range got[1:] {
					if wait := e.at.Sub(got[i].at); e.ID != got[0].ID || wait < c.least || wait > 73*time.Minute {
						t.Errorf("%s again after %v", e.ID, wait)
					}
				}
			})
		})
	}
}

// endless writes until it is cut off.
func endless(w io.Writer) {
	for {
		if _, err := w.Write(make([]byte, 64<<10)); err != nil {
			return
		}
	}
}

// Different leads do not wait for each other, up to eight at a time.
func TestLeadsAreSentAtTheSameTime(t *testing.T) {
	t.Parallel()
	slow := func(_ http.ResponseWriter, r *http.Request, _ int) { <-r.Context().Done() }
	bubble(t, slow, func(t *testing.T, p *platform, r *receiver, transport http.RoundTripper) {
		start(t, p, func(o *webhook.Options) { o.Transport = transport })
		synctest.Wait()
		p.mu.Lock()
		for i := range 20 {
			p.leads = append(p.leads, &lead.Lead{ID: fmt.Sprint(i)})
		}
		p.publish()
		p.mu.Unlock()
		leadtest.Pass(time.Second)
		var subjects []string
		for _, e := range r.all() {
			subjects = append(subjects, e.Subject)
		}
		slices.Sort(subjects)
		if got := slices.Compact(subjects); len(got) != 8 || len(r.all()) != 8 {
			t.Errorf("%v at a time", subjects)
		}
	})
}

// If the log no longer knows what follows a position, the receiver is told to list again.
func TestAnExpiredPositionIsAReset(t *testing.T) {
	t.Parallel()
	for name, stored := range map[string]string{"of another log": "abc-1-0", "damaged": "damaged", "of the future": "x"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, nil, func(t *testing.T, p *platform, r *receiver, transport http.RoundTripper) {
				store := &positions{text: stored}
				start(t, p, func(o *webhook.Options) { o.Transport, o.Positions = transport, store })
				leadtest.Pass(time.Minute)
				p.put("a")
				leadtest.Pass(time.Minute)
				got := r.all()
				if len(got) != 2 || got[0].Type != "com.leadgraph.leads.reset" || got[0].Data.Kind != "RESET" || got[0].Subject != "" || got[1].Subject != "a" {
					t.Errorf("%+v", got)
				}
			})
		})
	}
}

// If more changes while a receiver is out than the log keeps, the receiver is told so, and
// gets what follows.
func TestALogThatIsFull(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var back atomic.Bool
		r := &receiver{t: t, answer: func(w http.ResponseWriter, _ *http.Request, _ int) {
			if !back.Load() {
				w.WriteHeader(http.StatusBadGateway)
			}
		}}
		transport, p := inBubble(t, r), newPlatform(changes.Options{MaxBytes: 20 << 10})
		start(t, p, func(o *webhook.Options) { o.Transport = transport })
		synctest.Wait()
		for i := range 100 {
			p.put(fmt.Sprint(i))
			leadtest.Pass(time.Second)
		}
		back.Store(true)
		leadtest.Pass(time.Hour)
		p.put("last")
		leadtest.Pass(time.Second)
		var types []string
		for _, e := range r.all() {
			types = append(types, e.Type+" "+e.Subject)
		}
		want := []string{"com.leadgraph.lead.created 0", "com.leadgraph.leads.reset ", "com.leadgraph.lead.created last"}
		if got := slices.Compact(types); !slices.Equal(got, want) {
			t.Errorf("got %q", got)
		}
	})
}

// The secret may change while the sender runs.
func TestANewSecret(t *testing.T) {
	t.Parallel()
	bubble(t, nil, func(t *testing.T, p *platform, r *receiver, transport http.RoundTripper) {
		key, err := webhook.ParseSecret(secret)
		if err != nil {
			t.Fatal(err)
		}
		s := start(t, p, func(o *webhook.Options) { o.Transport, o.Secret = transport, []byte("another, of at least 24 bytes") })
		s.Resign(key)
		synctest.Wait()
		p.put("a")
		leadtest.Pass(time.Second)
		r.want(p.told)
	})
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		secret: true, strings.TrimPrefix(secret, "whsec_"): true, "": false, "whsec_": false, "whsec_c2hvcnQ=": false, "!!!!": false, strings.Repeat("QUFB", 22): false,
	} {
		if _, err := webhook.ParseSecret(text); (err == nil) != ok || err != nil && len(text) > 10 && strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
