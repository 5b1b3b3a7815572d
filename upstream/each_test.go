package upstream_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"leadgraph/lead"
	"leadgraph/upstream"
	"leadgraph/upstream/sandbox"
)

// events records the calls of EachLead.
type events []string

func (e *events) restart() { *e = append(*e, "restart") }

func (e *events) each(l *lead.Lead) error {
	*e = append(*e, strings.Clone(l.ID)) // valid during the call only
	return nil
}

func TestEachLead(t *testing.T) {
	t.Parallel()
	platform, client, _ := newSandbox(t, sandbox.Options{Leads: 500}, nil)
	var got events
	if err := client.EachLead(t.Context(), 1, 200, lead.PartStatus, got.restart, got.each); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(platform.IDs()[200:400], []string(got)); diff != "" {
		t.Errorf("leads (-want +got):\n%s", diff)
	}
}

// cutting returns a platform with three leads. Answer n breaks off after after[n]
// leads. If firstStatus is not 0, it is the status of the first answer.
func cutting(answers *atomic.Int32, firstStatus int, after ...int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		n := int(answers.Add(1)) - 1
		if n == 0 && firstStatus != 0 {
			w.WriteHeader(firstStatus)
			return
		}
		rows := []string{row("a"), row("b"), row("c")}
		if n < len(after) {
			begin := "["
			for _, whole := range rows[:after[n]] {
				begin += whole + ","
			}
			breakOff(w, begin)
		}
		write(w, "["+strings.Join(rows, ",")+"]")
	}
}

func TestEachLeadRestarts(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		after  []int
		want   events
		fails  bool
	}{
		"whole":                  {want: events{"a", "b", "c"}},
		"cut":                    {after: []int{2}, want: events{"a", "b", "restart", "a", "b", "c"}},
		"cut twice":              {after: []int{1, 2}, want: events{"a", "restart", "a", "b", "restart", "a", "b", "c"}},
		"cut before any lead":    {after: []int{0}, want: events{"a", "b", "c"}},
		"cut for ever":           {after: []int{1, 1, 1}, want: events{"a", "restart", "a", "restart", "a"}, fails: true},
		"refused before":         {status: http.StatusServiceUnavailable, want: events{"a", "b", "c"}},
		"refused, then cut once": {status: http.StatusServiceUnavailable, after: []int{0, 2}, want: events{"a", "b", "restart", "a", "b", "c"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var answers atomic.Int32
			client := newClient(t, cutting(&answers, test.status, test.after...), func(o *upstream.Options) { o.Retries = 2 })
			var got events
			err := client.EachLead(t.Context(), 0, 10, lead.AllParts, got.restart, got.each)
			if (err != nil) != test.fails {
				t.Errorf("error is %v", err)
			}
			if test.fails {
				wantKind(t, err, lead.FailureUnavailable)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestEachLeadIsStopped(t *testing.T) {
	t.Parallel()
	stop := errors.New("enough")
	var answers atomic.Int32
	client := newClient(t, cutting(&answers, 0), func(o *upstream.Options) { o.Retries = 2 })
	seen := 0
	err := client.EachLead(t.Context(), 0, 10, lead.AllParts, func() {}, func(*lead.Lead) error {
		if seen++; seen == 2 {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || seen != 2 || answers.Load() != 1 {
		t.Errorf("error %v after %d leads and %d calls", err, seen, answers.Load())
	}
}

// allocated returns how many bytes the process allocates while f runs.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Reading an answer of any length takes little memory, including the server's.
func TestMemory(t *testing.T) { //nolint:paralleltest // it measures the process
	const limit = 8 << 20
	patient := func(o *upstream.Options) {
		o.MaxBody, o.AttemptTimeout, o.Timeout, o.Retries = 1<<30, time.Minute, time.Minute, -1
	}
	spaces, spacesClient, _ := newSandbox(t, sandbox.Options{Leads: 10}, patient)
	spaces.Inject(sandbox.Fault{PadBody: 64 << 20})
	block := []byte(strings.Repeat(row(strings.Repeat("a lead of some length", 40))+",", 100))
	rows := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if q := r.URL.Query(); q.Get("PageNumber") != "0" || q.Get("PageSize") != strconv.Itoa(upstream.MaxPageSize) {
			write(w, "[]")
			return
		}
		write(w, "[")
		for range (16 << 20) / len(block) {
			_, _ = w.Write(block) // fails if the client has left, which the test checks
		}
		write(w, row("last")+"]")
	}))
	t.Cleanup(rows.Close)
	rowsClient := openClient(t, upstream.Options{
		BaseURL: rows.URL, MaxBody: 1 << 30, AttemptTimeout: time.Minute, Timeout: time.Minute,
	})
	for name, client := range map[string]*upstream.Client{"64 MiB of spaces": spacesClient, "16 MiB of leads": rowsClient} {
		var count int
		var err error
		bytes := allocated(func() {
			err = client.EachLead(t.Context(), 0, upstream.MaxPageSize, lead.AllParts, func() {}, func(*lead.Lead) error { count++; return nil })
		})
		if err != nil || count < 10 {
			t.Errorf("%s: %d leads, error %v", name, count, err)
		}
		if bytes > limit {
			t.Errorf("%s: %d bytes were allocated", name, bytes)
		}
		t.Logf("%s: %d KiB allocated for %d leads", name, bytes>>10, count)
	}
}
