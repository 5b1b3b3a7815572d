package share_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"

	"leadgraph/internal/share"
	"leadgraph/lead"
	"leadgraph/lead/catalogue"
)

const keep = time.Minute

var kept = share.SourceOptions{Keep: keep}

// Tenants of the leads.
const (
	tenantA = "aaaaaaaa-4f2c-4e1b-8125-2d27122ca75f"
	tenantB = "bbbbbbbb-4f2c-4e1b-8125-2d27122ca75f"
	tenantC = "cccccccc-4f2c-4e1b-8125-2d27122ca75f"
)

// platform is a source that counts its reads. Each read returns other leads.
type platform struct {
	begun chan struct{} // receives a value for every read, if there is room
	gate  chan struct{} // reads wait until it is closed, unless it is nil

	mu         sync.Mutex
	reads      int
	err        error
	incomplete bool
	crash      bool
}

func newPlatform() *platform { return &platform{begun: make(chan struct{}, 1000)} }

func gated() *platform {
	p := newPlatform()
	p.gate = make(chan struct{})
	return p
}

func (p *platform) AllLeads(ctx context.Context, _ time.Time) (catalogue.Reading, error) {
	p.mu.Lock()
	p.reads++
	read, err, crash, complete := p.reads, p.err, p.crash, !p.incomplete
	p.mu.Unlock()
	p.begun <- struct{}{}
	if p.gate != nil {
		select {
		case <-p.gate:
		case <-ctx.Done():
			return catalogue.Reading{Calls: 1}, ctx.Err()
		}
	}
	if crash {
		panic("platform")
	}
	if err != nil {
		return catalogue.Reading{Calls: 1}, err
	}
	return catalogue.Reading{Leads: leadsOf(read), Complete: complete, Calls: 1}, nil
}

func (p *platform) wantReads(t *testing.T, want int) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reads != want {
		t.Errorf("%d reads, want %d", p.reads, want)
	}
}

// leadsOf returns the leads of a read: more than two chunks.
func leadsOf(read int) []*lead.Lead {
	leads := []*lead.Lead{
		{ID: "read " + strconv.Itoa(read), TenantID: tenantA, ContactDetails: &lead.ContactDetails{FullName: new("Dana Levi")}},
		{ID: "bare", TenantID: tenantB},
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	// These strings hardly compress.
	noise := uint64(read)
	for i := range 20 {
		text := make([]byte, 64<<10)
		for j := range text {
			noise = noise*6364136223846793005 + 1442695040888963407
			text[j] = alphabet[noise>>58]
		}
		leads = append(leads, &lead.Lead{ID: strconv.Itoa(i), TenantID: tenantC, Comments: []string{string(text)}})
	}
	return leads
}

// log collects log lines.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), text)
}

// logger returns a logger that writes to l and to the test's output.
func (l *log) logger(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(io.MultiWriter(l, t.Output()), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// open opens a store that is closed when the test ends. Its bound is long, because
// the machine may be busy. Tests that need a short bound set it.
func open(t *testing.T, addr string, adjust func(*share.Options)) *share.Store {
	t.Helper()
	var lines log
	opts := share.Options{
		URL: "redis://" + addr, Namespace: "https://platform.example app", Bound: 20 * time.Second, Logger: lines.logger(t),
	}
	if adjust != nil {
		adjust(&opts)
	}
	s, err := share.Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// replica returns a source with a store of its own.
func replica(t *testing.T, addr string, next catalogue.Source, adjust func(*share.Options)) catalogue.Source {
	t.Helper()
	return open(t, addr, adjust).Source(next, kept)
}

// read reads leads and checks that they are those of the given read.
func read(t *testing.T, s catalogue.Source, notBefore time.Time, want int) catalogue.Reading {
	t.Helper()
	got, err := s.AllLeads(t.Context(), notBefore)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(leadsOf(want), got.Leads); diff != "" || !got.Complete {
		t.Fatalf("complete %v, other leads than of read %d: %.300s", got.Complete, want, diff)
	}
	return got
}

// eventually polls until the condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for !holds() {
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Fatalf("never happened: %s", what)
		}
	}
}

// Patterns of the keys that a store uses.
const (
	headKey    = `}:leads$`
	chunkKeys  = `}:leads:\w+:\d+$`
	aChunkKey  = `}:leads:\w+:1$`
	leaseKey   = `}:lease$`
	tenantKeys = `}:tenant:`
)

// keysOf returns the keys that match a pattern.
func keysOf(m *miniredis.Miniredis, pattern string) []string {
	return slices.DeleteFunc(m.Keys(), func(key string) bool { return !regexp.MustCompile(pattern).MatchString(key) })
}

// change replaces the values of the keys that match.
func change(t *testing.T, m *miniredis.Miniredis, pattern string, to func(string) string) {
	t.Helper()
	keys := keysOf(m, pattern)
	if len(keys) == 0 {
		t.Fatalf("no key is like %s", pattern)
	}
	for _, key := range keys {
		value, err := m.Get(key)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Set(key, to(value)); err != nil {
			t.Fatal(err)
		}
	}
}

// rest waits until no replica reads or publishes.
func rest(t *testing.T, m *miniredis.Miniredis) {
	t.Helper()
	eventually(t, "the lease is given up", func() bool { return len(keysOf(m, leaseKey)) == 0 })
}

// stored waits until no replica reads, and all leads are stored.
func stored(t *testing.T, m *miniredis.Miniredis) {
	t.Helper()
	rest(t, m)
	eventually(t, "all leads are stored", func() bool { return len(keysOf(m, chunkKeys)) > 0 })
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]share.Options{
		"no URL":  {},
		"scheme":  {URL: "http://user:secret@localhost"},
		"syntax":  {URL: "redis://user:secret@local host"},
		"path":    {URL: "redis://user:secret@localhost/a/b"},
		"a key":   {URL: "redis://localhost", Key: []byte("secret")},
		"long id": {URL: "redis://localhost/secret"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := share.Open(opts)
			if err == nil {
				s.Close()
				t.Fatal("no error")
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error quotes a secret: %v", err)
			}
		})
	}
}

var errDown = errors.New("platform is down")
