package webhook_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"leadgraph/internal/apptest"
	"leadgraph/internal/webhook"
	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/changes"
)

// secret is what receivers know.
const secret = "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"

// address is the URL of the receiver in a bubble. Its path is a secret too.
const address = "http://receiver.example/hooks/s3cret"

// platform is a log of changes that a test writes.
type platform struct {
	log *changes.Log

	mu        sync.Mutex
	leads     []*lead.Lead
	latest    *catalogue.Snapshot
	asOf      time.Time
	version   int
	listeners int
	told      map[string][]string // what happened to each lead
}

func newPlatform(o changes.Options, leads ...*lead.Lead) *platform {
	p := &platform{log: changes.NewLog(o), leads: leads, told: map[string][]string{}}
	p.publish()
	return p
}

// publish makes the leads the newest revision.
func (p *platform) publish() {
	p.asOf = p.asOf.Add(time.Microsecond) // the clock of a bubble stands still
	if now := time.Now(); now.After(p.asOf) {
		p.asOf = now
	}
	p.latest = catalogue.Build(slices.Clone(p.leads), p.asOf, p.latest)
	p.log.Publish(context.Background(), p.latest)
}

func (p *platform) Snapshot(context.Context, lead.Freshness) (*catalogue.Snapshot, catalogue.State, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.latest, catalogue.State{}, nil
}

func (p *platform) Listen(context.Context) (log *changes.Log, leave func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listeners++
	return p.log, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.listeners--
	}, nil
}

// put adds a lead or gives it other values.
func (p *platform) put(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.version++
	version := "v" + strconv.Itoa(p.version)
	l := &lead.Lead{ID: id, TenantID: "tenant of " + id, StatusText: &version}
	kind := "CREATED "
	if i := slices.IndexFunc(p.leads, func(l *lead.Lead) bool { return l.ID == id }); i >= 0 {
		kind, p.leads[i] = "UPDATED ", l
	} else {
		p.leads = append(p.leads, l)
	}
	p.told[id] = append(p.told[id], kind+version)
	p.publish()
}

// remove removes a lead, if there is one.
func (p *platform) remove(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.IndexFunc(p.leads, func(l *lead.Lead) bool { return l.ID == id }); i >= 0 {
		p.told[id] = append(p.told[id], "REMOVED "+*p.leads[i].StatusText)
		p.leads = slices.Delete(p.leads, i, i+1)
		p.publish()
	}
}

// cloudEvent is an event as a receiver decodes it.
type cloudEvent struct {
	SpecVersion, ID, Source, Type, Subject, DataContentType string
	Time                                                    time.Time
	Data                                                    struct {
		Kind    string
		Lead    map[string]any
		Changed []string
	}
}

// received is a request that a receiver has got.
type received struct {
	cloudEvent
	at   time.Time
	body string
}

// receiver verifies and keeps what it gets. It shares no code with the sender.
type receiver struct {
	t *testing.T
	// answer is called for each request after it was kept, unless it is nil.
	answer func(w http.ResponseWriter, r *http.Request, n int)

	mu  sync.Mutex
	got []received
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return // cut off
	}
	header := request.Header
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_")) // valid
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(header.Get("webhook-id") + "." + header.Get("webhook-timestamp") + "." + string(body))) // never fails
	if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); header.Get("webhook-signature") != want {
		r.t.Errorf("signature %q", header.Get("webhook-signature"))
	}
	seconds, err := strconv.ParseInt(header.Get("webhook-timestamp"), 10, 64)
	if age := time.Since(time.Unix(seconds, 0)); err != nil || age < -time.Minute || age > time.Minute {
		r.t.Errorf("sent at %s", header.Get("webhook-timestamp"))
	}
	got := received{at: time.Now(), body: string(body)}
	if err := json.Unmarshal(body, &got.cloudEvent); err != nil || header.Get("Content-Type") != "application/cloudevents+json" || got.ID != header.Get("webhook-id") {
		r.t.Errorf("%v, %v: %s", err, header, body)
	}
	r.mu.Lock()
	r.got = append(r.got, got)
	n := len(r.got)
	r.mu.Unlock()
	if r.answer != nil {
		r.answer(w, request, n)
	}
}

func (r *receiver) all() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// want checks that every change has arrived, that those of one lead came in order, and that
// what came again is the same as before.
func (r *receiver) want(told map[string][]string) {
	r.t.Helper()
	bodies, got := map[string]string{}, map[string][]string{}
	for _, e := range r.all() {
		if before, again := bodies[e.ID]; again {
			if before != e.body {
				r.t.Errorf("%s came again as %s, before it was %s", e.ID, e.body, before)
			}
			continue
		}
		bodies[e.ID] = e.body
		got[e.Subject] = append(got[e.Subject], e.Data.Kind+" "+e.Data.Lead["statusText"].(string))
	}
	for id, want := range told {
		if !slices.Equal(got[id], want) {
			r.t.Errorf("%s: got %v, want %v", id, got[id], want)
		}
	}
	if len(got) != len(told) {
		r.t.Errorf("%d leads, want %d", len(got), len(told))
	}
}

// inBubble serves the handler in a bubble and returns what sends requests to it.
func inBubble(t *testing.T, handler http.Handler) http.RoundTripper {
	t.Helper()
	network := apptest.NewPipes()
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(network) }()
	transport := &http.Transport{DialContext: network.Dial}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return transport
}

// start starts a sender that is closed when the test ends.
func start(t *testing.T, p *platform, adjust func(o *webhook.Options)) *webhook.Senders {
	t.Helper()
	key, err := webhook.ParseSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	o := webhook.Options{
		URLs: []string{address}, Secret: key, Leads: p, Lease: 15 * time.Second, Drain: time.Second,
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	adjust(&o)
	s := webhook.Start(t.Context(), o)
	t.Cleanup(s.Close)
	return s
}

// positions is a store that behaves as share.Outlets does.
type positions struct {
	mu     sync.Mutex
	holder string
	until  time.Time
	text   string
	saves  int
	lost   bool // nothing works
}

var errLost = errors.New("lost")

func (p *positions) Hold(_, holder string) (string, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lost {
		return "", false, errLost
	}
	if p.holder != "" && p.holder != holder && time.Now().Before(p.until) {
		return p.text, false, nil
	}
	p.holder, p.until = holder, time.Now().Add(15*time.Second)
	return p.text, true, nil
}

func (p *positions) Save(_, holder, position string) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.lost:
		return false, errLost
	case p.holder != holder || !time.Now().Before(p.until):
		return false, nil
	}
	p.text, p.until = position, time.Now().Add(15*time.Second)
	p.saves++
	return true, nil
}

func (p *positions) Release(_, holder string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.holder == holder {
		p.holder = ""
	}
}

func (p *positions) set(change func(p *positions)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(p)
}

// await waits until the condition holds.
func await(t *testing.T, holds func() bool) {
	t.Helper()
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for !holds() {
		select {
		case <-again.C:
		case <-t.Context().Done():
			t.Fatal("it never happened")
		}
	}
}

// begins waits until a sender has stored where it begins.
func (p *positions) begins(t *testing.T) {
	t.Helper()
	await(t, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.saves > 0
	})
}

// newFront serves the handler over real HTTP and returns its URL.
func newFront(t *testing.T, handler http.Handler) string {
	t.Helper()
	front := httptest.NewServer(handler)
	t.Cleanup(front.Close)
	return front.URL
}
