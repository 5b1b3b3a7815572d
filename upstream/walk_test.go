package upstream_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"leadgraph/lead"
	"leadgraph/upstream"
)

// list is a platform with leads and one of the quirks that a walk must handle.
type list struct {
	leads []string
	// first is the number of the first page. If it is 1, pageZero says what page 0
	// returns: "repeat" for page 1, "empty" or "error".
	first    int
	pageZero string
	// size overrides the requested size unless it is 0.
	size int
	// past is what follows the last page: "" for empty pages, or "last" to repeat it.
	past string
	// stuck returns the first page for every page number.
	stuck bool
}

func numbered(n int) []string {
	leads := make([]string, n)
	for i := range leads {
		leads[i] = "lead" + strconv.Itoa(i)
	}
	return leads
}

func (l *list) serve(w http.ResponseWriter, r *http.Request) {
	number, _ := strconv.Atoi(r.URL.Query().Get("PageNumber"))
	size, _ := strconv.Atoi(r.URL.Query().Get("PageSize"))
	if l.size > 0 {
		size = l.size
	}
	page := number - l.first
	switch {
	case l.stuck:
		page = 0
	case page < 0 && l.pageZero == "error":
		w.WriteHeader(http.StatusBadRequest)
		return
	case page < 0 && l.pageZero == "repeat":
		page = 0
	case page < 0:
		write(w, "[]")
		return
	case l.past == "last":
		page = min(page, max(len(l.leads)-1, 0)/size)
	}
	rows := l.leads[min(page*size, len(l.leads)):min((page+1)*size, len(l.leads))]
	var body []string
	for _, id := range rows {
		body = append(body, row(id))
	}
	write(w, "["+strings.Join(body, ",")+"]")
}

func TestAllLeads(t *testing.T) {
	t.Parallel()
	all := numbered(25)
	for name, test := range map[string]struct {
		platform   list
		adjust     func(*upstream.Options)
		size       int
		want       []string
		calls      int
		incomplete bool
	}{
		"ends at a page without news":    {platform: list{leads: all}, size: 10, want: all, calls: 5},
		"default size":                   {platform: list{leads: all}, want: all, calls: 2},
		"size of the options":            {platform: list{leads: all}, adjust: func(o *upstream.Options) { o.PageSize = 5 }, want: all, calls: 10},
		"full last page":                 {platform: list{leads: numbered(20)}, size: 10, want: numbered(20), calls: 4},
		"no lead at all":                 {platform: list{}, size: 10, calls: 2},
		"the size is ignored":            {platform: list{leads: all, size: 10}, size: 100, want: all, calls: 4},
		"from 1, page 0 repeats":         {platform: list{leads: all, first: 1, pageZero: "repeat"}, size: 10, want: all, calls: 6},
		"from 1, page 0 repeats, 1 page": {platform: list{leads: all, first: 1, pageZero: "repeat"}, size: 100, want: all, calls: 3},
		"from 1, page 0 is empty":        {platform: list{leads: all, first: 1, pageZero: "empty"}, size: 10, want: all, calls: 6},
		"from 1, said so":                {platform: list{leads: all, first: 1, pageZero: "error"}, adjust: func(o *upstream.Options) { o.FirstPage = 1 }, size: 10, want: all, calls: 5},
		"past the end the last repeats":  {platform: list{leads: all, past: "last"}, size: 10, want: all, calls: 5},
		"the only page repeats":          {platform: list{leads: all, past: "last"}, size: 100, want: all, calls: 2},
		"the number is ignored":          {platform: list{leads: all, stuck: true}, size: 10, want: all[:10], calls: 9, incomplete: true},
		"rows that moved":                {platform: list{leads: append(numbered(10), numbered(25)[5:]...)}, size: 10, want: all, calls: 6},
		"stopped by the cap":             {platform: list{leads: all}, adjust: func(o *upstream.Options) { o.MaxPages = 2 }, size: 10, want: all[:16], calls: 2, incomplete: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			walk, err := newPagedClient(t, test.platform.serve, test.adjust).AllLeads(t.Context(), test.size)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, ids(walk.Leads)); diff != "" {
				t.Errorf("leads (-want +got):\n%s", diff)
			}
			if walk.Calls != test.calls || walk.Complete == test.incomplete {
				t.Errorf("calls %d, complete %v; want %d, %v", walk.Calls, walk.Complete, test.calls, !test.incomplete)
			}
		})
	}
}

func TestAllLeadsEndless(t *testing.T) {
	t.Parallel()
	client := newPagedClient(t, func(w http.ResponseWriter, r *http.Request) {
		write(w, fmt.Sprintf("[%s]", row("lead "+r.URL.Query().Get("PageNumber"))))
	}, func(o *upstream.Options) { o.MaxPages = 50 })
	walk, err := client.AllLeads(t.Context(), 1)
	if err != nil || walk.Complete || len(walk.Leads) != 50 || walk.Calls != 50 {
		t.Errorf("%d leads, complete %v, %d calls, error %v", len(walk.Leads), walk.Complete, walk.Calls, err)
	}
}

func TestAllLeadsFails(t *testing.T) {
	t.Parallel()
	platform := list{leads: numbered(5), first: 1, pageZero: "error"}
	walk, err := newPagedClient(t, platform.serve, nil).AllLeads(t.Context(), 10)
	wantKind(t, err, lead.FailureRejected)
	if len(walk.Leads) != 0 || walk.Complete || walk.Calls != 1 {
		t.Errorf("%d leads, complete %v, %d calls", len(walk.Leads), walk.Complete, walk.Calls)
	}
}

// A walk finds every lead once and in order, with any first page and sizes.
func TestAllLeadsProperty(t *testing.T) {
	t.Parallel()
	var platform list
	client := newPagedClient(t, func(w http.ResponseWriter, r *http.Request) { platform.serve(w, r) }, nil)
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 40).Draw(t, "size")
		platform = list{
			leads:    numbered(rapid.IntRange(0, 60).Draw(t, "leads")),
			first:    rapid.IntRange(0, 1).Draw(t, "first"),
			pageZero: rapid.SampledFrom([]string{"repeat", "empty"}).Draw(t, "pageZero"),
			size:     rapid.IntRange(0, size).Draw(t, "served size"),
		}
		walk, err := client.AllLeads(t.Context(), size)
		if err != nil || !walk.Complete {
			t.Fatalf("complete %v, error %v", walk.Complete, err)
		}
		if got := ids(walk.Leads); strings.Join(got, " ") != strings.Join(platform.leads, " ") {
			t.Fatalf("got %v", got)
		}
	})
}
