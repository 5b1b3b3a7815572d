package upstream_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"leadgraph/lead"
	"leadgraph/upstream"
	"leadgraph/upstream/guard"
	"leadgraph/upstream/sandbox"
	"leadgraph/upstream/token"
)

// watch records attempts.
type watch struct {
	mu   sync.Mutex
	seen []guard.Attempt
}

func (w *watch) note(_ context.Context, a guard.Attempt) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if a.Took <= 0 && a.Outcome != guard.OutcomeRefused {
		a.Outcome += ", but it took no time"
	}
	a.Took = 0
	w.seen = append(w.seen, a)
}

// answer returns a platform that always gives the same answer.
func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		write(w, body)
	}
}

// firstThen returns a platform that answers the first request with first.
func firstThen(first, then http.HandlerFunc) http.HandlerFunc {
	var calls atomic.Int32
	return func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) == 1 {
			first(w, r)
			return
		}
		then(w, r)
	}
}

// observeCase is a call, by default a lookup, and the attempts that must be observed.
type observeCase struct {
	handler http.HandlerFunc
	adjust  func(*upstream.Options)
	call    func(*testing.T, *upstream.Client)
	want    []guard.Attempt
}

func observeCases() map[string]observeCase {
	one := "[" + row("1") + "]"
	size := int64(len(one))
	return map[string]observeCase{
		"ok": {handler: answer(200, one), want: []guard.Attempt{{Kind: "lead", Outcome: "ok", Status: 200, Bytes: size}}},
		"page": {handler: answer(200, one),
			call: func(t *testing.T, c *upstream.Client) { _, _ = c.LeadsPage(t.Context(), 0, 1, lead.AllParts) },
			want: []guard.Attempt{{Kind: "leads", Outcome: "ok", Status: 200, Bytes: size}}},
		"online": {handler: answer(200, one),
			call: func(t *testing.T, c *upstream.Client) { _, _ = c.LeadsByTenant(t.Context(), tenantA, true) },
			want: []guard.Attempt{{Kind: "online", Outcome: "ok", Status: 200, Bytes: size}}},
		"status, then ok": {handler: firstThen(answer(503, "no"), answer(200, one)), adjust: func(o *upstream.Options) { o.Retries = 1 },
			want: []guard.Attempt{
				{Kind: "lead", Outcome: "status", Status: 503, Bytes: 2},
				{Kind: "lead", Outcome: "ok", Status: 200, Bytes: size, Retry: true}}},
		"cut":          {handler: func(w http.ResponseWriter, _ *http.Request) { breakOff(w, "[") }, want: []guard.Attempt{{Kind: "lead", Outcome: "cut", Status: 200, Bytes: 1}}},
		"connection":   {handler: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, want: []guard.Attempt{{Kind: "lead", Outcome: "connection"}}},
		"time-out":     {handler: hang, adjust: func(o *upstream.Options) { o.AttemptTimeout, o.TimePerRow = 20*time.Millisecond, -1 }, want: []guard.Attempt{{Kind: "lead", Outcome: "timeout"}}},
		"bad response": {handler: answer(200, "<p>"), want: []guard.Attempt{{Kind: "lead", Outcome: "bad_response", Status: 200, Bytes: 3}}},
		"too large":    {handler: answer(200, one), adjust: func(o *upstream.Options) { o.MaxBody = 5 }, want: []guard.Attempt{{Kind: "lead", Outcome: "too_large", Status: 200}}},
		"too many": {handler: answer(200, rowsFrom(0, 2)),
			call: func(t *testing.T, c *upstream.Client) { _, _ = c.LeadsPage(t.Context(), 0, 1, lead.AllParts) },
			want: []guard.Attempt{{Kind: "leads", Outcome: "too_large", Status: 200, Bytes: int64(len(rowsFrom(0, 2)))}}},
		"enough": {handler: answer(200, one),
			call: func(t *testing.T, c *upstream.Client) {
				_ = c.EachLead(t.Context(), 0, 1, lead.AllParts, func() {}, func(*lead.Lead) error { return errors.New("enough") })
			},
			want: []guard.Attempt{{Kind: "leads", Outcome: "canceled", Status: 200, Bytes: size}}},
		"left": {handler: hang,
			call: func(t *testing.T, c *upstream.Client) {
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(20*time.Millisecond, cancel)
				_, _ = c.LeadsByTenant(ctx, tenantA, false)
			},
			want: []guard.Attempt{{Kind: "lead", Outcome: "canceled"}}},
		"caller's deadline": {handler: hang,
			call: func(t *testing.T, c *upstream.Client) {
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
				defer cancel()
				_, _ = c.LeadsByTenant(ctx, tenantA, false)
			},
			want: []guard.Attempt{{Kind: "lead", Outcome: "timeout"}}},
		"refused by the breaker": {handler: answer(500, ""),
			call: func(t *testing.T, c *upstream.Client) { _ = breakPlatform(t, c) },
			want: append(slices.Repeat([]guard.Attempt{{Kind: "lead", Outcome: "status", Status: 500}}, 16), guard.Attempt{Kind: "lead", Outcome: "refused"})},
	}
}

func TestObserve(t *testing.T) {
	t.Parallel()
	for name, test := range observeCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var w watch
			client := newClient(t, test.handler, func(o *upstream.Options) {
				o.Observe = w.note
				if test.adjust != nil {
					test.adjust(o)
				}
			})
			if test.call == nil {
				_, _ = client.LeadsByTenant(t.Context(), tenantA, false)
			} else {
				test.call(t, client)
			}
			if diff := cmp.Diff(test.want, w.seen); diff != "" {
				t.Errorf("attempts (-want +got):\n%s", diff)
			}
		})
	}
}

// wrapped records the paths of the requests that are sent.
type wrapped struct {
	http.RoundTripper
	paths chan string
}

func (w *wrapped) RoundTrip(req *http.Request) (*http.Response, error) {
	w.paths <- req.URL.Path
	return w.RoundTripper.RoundTrip(req)
}

func TestWrapAndTokens(t *testing.T) {
	t.Parallel()
	paths := make(chan string, 9)
	var w watch
	_, client, _ := newSandbox(t, sandbox.Options{Leads: 20}, func(o *upstream.Options) {
		o.Wrap = func(next http.RoundTripper) http.RoundTripper { return &wrapped{next, paths} }
		o.Observe = w.note
	})
	if state := client.State(); !state.TokenExpires.IsZero() || state.Breaker != "closed" || state.Limit != 64 {
		t.Errorf("state is %+v", state)
	}
	if _, err := client.LeadsByTenant(t.Context(), tenantA, false); err != nil {
		t.Fatal(err)
	}
	close(paths)
	if first, second := <-paths, <-paths; first != sandbox.TokenPath || second != sandbox.BasePath+"/api/v2/oc/lead" {
		t.Errorf("%s, then %s", first, second)
	}
	if w.seen[0].Kind != guard.KindToken || w.seen[0].Outcome != guard.OutcomeOK || w.seen[1].Kind != guard.KindLead {
		t.Errorf("attempts are %+v", w.seen)
	}
	if left := time.Until(client.State().TokenExpires); left < 50*time.Minute || left > time.Hour {
		t.Errorf("the token expires in %v", left)
	}
}

// A 404 for a tenant without a lead counts as an answer.
func TestNoLeadIsAnAnswer(t *testing.T) {
	t.Parallel()
	var w watch
	_, client, _ := newSandbox(t, sandbox.Options{Leads: 5, NoAuth: true, UnknownTenant404: true}, func(o *upstream.Options) {
		o.Credentials = token.Credentials{}
		o.Observe = w.note
	})
	leads, err := client.LeadsByTenant(t.Context(), tenantA[:35]+"0", false)
	if err != nil || len(leads) != 0 {
		t.Errorf("%d leads, %v", len(leads), err)
	}
	for _, a := range w.seen {
		if a.Outcome != guard.OutcomeOK || a.Status != http.StatusNotFound {
			t.Errorf("%+v", a)
		}
	}
	if len(w.seen) == 0 {
		t.Error("nothing was seen")
	}
}
