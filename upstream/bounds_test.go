package upstream_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"leadgraph/lead"
	"leadgraph/upstream"
)

// heap returns the bytes of all objects, including those not yet collected.
func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// endless answers with before, and then with repeated until the client leaves or
// limit bytes are written. It records the largest heap meanwhile.
type endless struct {
	before, repeated string
	limit            int64
	zipped           bool

	peak    uint64
	written int64 // before compression
	left    bool  // the client left before the end
}

func (e *endless) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	first := []byte(e.before)
	block := []byte(strings.Repeat(e.repeated, max(1, (64<<10)/len(e.repeated))))
	size := int64(len(block))
	if e.zipped {
		w.Header().Set("Content-Encoding", "gzip")
		first, block = zip(first), zip(block) // concatenated gzip is valid gzip
	}
	_, err := w.Write(first)
	for err == nil && e.written < e.limit {
		_, err = w.Write(block)
		e.written += size
		if e.written%(16*size) == 0 {
			e.peak = max(e.peak, heap())
		}
	}
	e.left = err != nil
}

func zip(plain []byte) []byte {
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, _ = w.Write(plain) // never fails for a buffer
	_ = w.Close()
	return zipped.Bytes()
}

// A body of 500 MB, or an endless one, takes at most 32 MB, whatever its content.
func TestLargeBodies(t *testing.T) { //nolint:paralleltest // it measures the process
	const most, size = 32 << 20, 500 << 20
	bodies := map[string]endless{
		"spaces":           {before: "[", repeated: " "},
		"spaces, zipped":   {before: "[", repeated: " ", zipped: true},
		"leads":            {before: "[", repeated: row("1") + ","},
		"leads, zipped":    {before: "[", repeated: row("1") + ",", zipped: true},
		"large leads":      {before: "[", repeated: row(strings.Repeat("1", 100<<10)) + ","},
		"one lead":         {before: `[{"id":"`, repeated: "1"},
		"one lead, zipped": {before: `[{"id":"`, repeated: "1", zipped: true},
		"deep":             {before: `[{"comments":`, repeated: "["},
		"envelope":         {before: `{"a":"`, repeated: "1"},
		"leads without id": {before: "[", repeated: `{"a":"` + strings.Repeat("b", 1000) + `"},`},
	}
	reads := map[string]func(context.Context, *upstream.Client) error{
		"page": func(ctx context.Context, c *upstream.Client) error {
			_, err := c.LeadsPage(ctx, 0, 1000, lead.AllParts)
			return err
		},
		"page, lead by lead": func(ctx context.Context, c *upstream.Client) error {
			return c.EachLead(ctx, 0, upstream.MaxPageSize, lead.AllParts, func() {}, func(*lead.Lead) error { return nil })
		},
	}
	for body, kind := range bodies {
		for name, read := range reads {
			platform := kind
			platform.limit = size
			server := httptest.NewServer(&platform)
			client, err := upstream.NewClient(upstream.Options{
				BaseURL: server.URL, AttemptTimeout: time.Minute, Timeout: time.Minute,
				MaxBody: 8 << 20, // for speed; TestMemory reads more
			})
			if err != nil {
				t.Fatal(err)
			}
			runtime.GC()
			before := heap()
			err = read(t.Context(), client)
			wantKind(t, err, lead.FailureBadResponse)
			client.Close()
			server.Close()                                                         // waits for the handler
			if platform.peak > before+most || !platform.left && !platform.zipped { // compressed, all of it may fit into buffers
				t.Errorf("%s of %s: %d MiB for %d MiB, error %v", name, body, (platform.peak-before)>>20, platform.written>>20, err)
			}
			t.Logf("%s of %s: %.1f MiB for %d MiB", name, body, float64(platform.peak-before)/(1<<20), platform.written>>20)
		}
	}
}

func TestLargeTokens(t *testing.T) { //nolint:paralleltest // it measures the process
	authority := &endless{before: `{"access_token":"`, repeated: "x", limit: 500 << 20}
	server := httptest.NewServer(authority)
	t.Cleanup(server.Close)
	client := newClient(t, func(http.ResponseWriter, *http.Request) {}, withCredentials(server.URL))
	runtime.GC()
	before := heap()
	_, err := client.LeadsPage(t.Context(), 0, 10, lead.AllParts)
	wantKind(t, err, lead.FailureBadResponse)
	server.Close()
	if most := before + 8<<20; authority.peak > most || !authority.left {
		t.Errorf("%d MiB for %d MiB", (authority.peak-before)>>20, authority.written>>20)
	}
}

// An answer with too large a Content-Length is not read at all.
func TestAnnouncedBody(t *testing.T) {
	t.Parallel()
	gone := make(chan error, 1)
	client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(500<<20))
		write(w, "[")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		gone <- r.Context().Err()
	}, nil)
	_, err := client.LeadsPage(t.Context(), 0, 10, lead.AllParts)
	wantKind(t, err, lead.FailureBadResponse)
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

func TestBodyLimit(t *testing.T) {
	t.Parallel()
	body := "[" + row("1") + "]"
	for name, chunked := range map[string]bool{"announced": false, "chunked": true} {
		for _, limit := range []int64{int64(len(body)), int64(len(body)) - 1} {
			var calls atomic.Int32
			client := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
				calls.Add(1)
				if chunked {
					_ = http.NewResponseController(w).Flush()
				}
				write(w, body)
			}, func(o *upstream.Options) { o.MaxBody, o.Retries = limit, 2 })
			leads, err := client.LeadsPage(t.Context(), 0, 10, lead.AllParts)
			if limit == int64(len(body)) {
				if err != nil || len(leads) != 1 {
					t.Errorf("%s: got %d leads, error %v", name, len(leads), err)
				}
				continue
			}
			wantKind(t, err, lead.FailureBadResponse)
			if calls.Load() != 1 {
				t.Errorf("%s: an answer that is too large was asked for %d times", name, calls.Load())
			}
		}
	}
}

// A page with more leads than requested is refused, because they would not be at
// their expected positions. If the positions do not matter, some more are accepted.
func TestOverlongPages(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		rows             int
		page, walk, find bool // whether it is accepted
	}{
		"as asked": {rows: 100, page: true, walk: true, find: true},
		"one more": {rows: 101, walk: true, find: true},
		"most":     {rows: 300, walk: true, find: true},
		"too many": {rows: 301},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Get("PageNumber") != "0" {
					write(w, "[]")
					return
				}
				write(w, rowsFrom(0, test.rows))
			}, nil)
			_, page := client.LeadsPage(t.Context(), 0, 100, lead.AllParts)
			seen := 0
			each := client.EachLead(t.Context(), 0, 100, lead.AllParts, func() {}, func(*lead.Lead) error { seen++; return nil })
			walk, walked := client.AllLeads(t.Context(), 100)
			found, find := client.LeadsByTenant(t.Context(), tenantA, false)
			for read, got := range map[string]struct {
				err  error
				good bool
			}{"page": {page, test.page}, "each": {each, test.page}, "walk": {walked, test.walk}, "lookup": {find, test.find}} {
				if got.good != (got.err == nil) {
					t.Errorf("%s: error is %v", read, got.err)
				}
				if got.err != nil {
					wantKind(t, got.err, lead.FailureBadResponse)
				}
			}
			if test.walk && (len(walk.Leads) != test.rows || !walk.Complete || len(found) != test.rows) {
				t.Errorf("walked %d, complete %v, found %d", len(walk.Leads), walk.Complete, len(found))
			}
			if seen > 100 {
				t.Errorf("%d leads of a page of 100", seen)
			}
		})
	}
}

// A list without end does not fill the memory.
func TestEndlessWalk(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	client := newPagedClient(t, func(w http.ResponseWriter, _ *http.Request) {
		write(w, rowsFrom(100*int(asked.Add(1)), 100))
	}, func(o *upstream.Options) { o.MaxLeads = 1000 })
	walk, err := client.AllLeads(t.Context(), 100)
	if err != nil || walk.Complete || asked.Load() != 11 {
		t.Errorf("%d leads of %d pages, complete %v, error %v", len(walk.Leads), asked.Load(), walk.Complete, err)
	}
}
