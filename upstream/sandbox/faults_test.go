package sandbox_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"leadgraph/upstream/sandbox"
)

func TestFaultAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault  sandbox.Fault
		status int
		body   string // part of the body
	}{
		"status":      {sandbox.Fault{Status: 503}, 503, `"errorTicket"`},
		"forbidden":   {sandbox.Fault{Status: 403}, 403, ""},
		"body":        {sandbox.Fault{Status: 404, Body: `"Invalild lead"`}, 404, `"Invalild lead"`},
		"body of 200": {sandbox.Fault{Body: "null"}, 200, "null"},
		"HTML":        {sandbox.Fault{HTML: true}, 200, "<html>"},
		"HTML of 502": {sandbox.Fault{HTML: true, Status: 502}, 502, "<html>"},
		"own HTML":    {sandbox.Fault{HTML: true, Body: "<p>Log in</p>"}, 200, "<p>Log in</p>"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := open(t, sandbox.Options{})
			p.Inject(c.fault)
			r := p.leads(t)
			if r.status != c.status || !strings.Contains(r.body, c.body) {
				t.Errorf("status %d, body %s", r.status, r.body)
			}
			if r = p.leads(t); r.status != http.StatusOK {
				t.Errorf("second call: status %d", r.status)
			}
			if got := p.Calls(); got.Pages != 2 || got.ByStatus[c.status] == 0 {
				t.Errorf("counts %+v", got)
			}
		})
	}
}

func TestFaultHeaderFields(t *testing.T) {
	t.Parallel()
	p := open(t, sandbox.Options{})
	p.Inject(sandbox.Fault{Status: 429, RetryAfter: "7", Header: map[string]string{"Content-Encoding": "gzip"}})
	r, err := p.try(t, http.MethodGet, leadPath, "", "")
	if err == nil { // the transport asked for gzip, but the body is not gzip
		t.Error("the body was readable")
	}
	if r.status != 429 || r.header.Get("Retry-After") != "7" {
		t.Errorf("status %d, header %v", r.status, r.header)
	}
}

func TestFaultsOfTheConnection(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault sandbox.Fault
		want  error
	}{
		"cut":              {sandbox.Fault{CutBody: 100}, io.ErrUnexpectedEOF},
		"cut near the end": {sandbox.Fault{CutBody: 1 << 30}, io.ErrUnexpectedEOF},
		"reset":            {sandbox.Fault{Reset: true}, syscall.ECONNRESET},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := open(t, sandbox.Options{})
			c.fault.Times = -1 // the transport may retry by itself after a reset
			p.Inject(c.fault)
			r, err := p.try(t, http.MethodGet, leadPath, "", "")
			if !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			if c.fault.CutBody == 100 && len(r.body) != 100 {
				t.Errorf("%d bytes arrived", len(r.body))
			}
			p.ClearFaults()
			if r := p.leads(t); r.status != http.StatusOK {
				t.Errorf("after the fault: status %d", r.status)
			}
		})
	}
}

func TestFaultBodies(t *testing.T) {
	t.Parallel()
	p := open(t, sandbox.Options{})
	whole := p.leads(t).body
	p.Inject(sandbox.Fault{BadJSON: true})
	p.Inject(sandbox.Fault{PadBody: 200_000})
	p.Inject(sandbox.Fault{Stall: time.Nanosecond})
	if got := p.leads(t).body; got != whole[:len(whole)-1] {
		t.Error("BadJSON: the body does not lack its last byte")
	}
	if got := p.leads(t).body; got != strings.Repeat(" ", 200_000)+whole {
		t.Error("PadBody: not spaces and the body")
	}
	if got := p.leads(t).body; got != whole {
		t.Error("Stall: the body changed")
	}
}

func TestFaultEncodings(t *testing.T) {
	t.Parallel()
	p := open(t, sandbox.Options{})
	whole := p.leads(t).body
	p.Inject(sandbox.Fault{Gzip: true, PadBody: 3_200_000})
	p.Inject(sandbox.Fault{Gzip: true, CutBody: 100})
	p.Inject(sandbox.Fault{Chunked: true})
	if got := p.leads(t).body; got != strings.Repeat(" ", 3_200_000)+whole { // the transport decompresses it
		t.Error("Gzip: not spaces and the body")
	}
	if _, err := p.try(t, http.MethodGet, leadPath, "", ""); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut gzip: error %v", err)
	}
	if got := p.leads(t); got.body != whole || got.header.Get("Content-Length") != "" {
		t.Errorf("Chunked: header %v", got.header)
	}
}

func TestFaultRows(t *testing.T) {
	t.Parallel()
	p := open(t, sandbox.Options{})
	before := p.IDs()
	p.Inject(sandbox.Fault{Times: 3, RepeatRows: true})
	for page, want := range [][]string{{before[0], before[0], before[1]}, {before[1], before[2], before[2]}} {
		if diff := cmp.Diff(want, ids(t, p.leads(t, "PageSize", "3", "PageNumber", strconv.Itoa(page)))); diff != "" {
			t.Errorf("RepeatRows, page %d: %s", page, diff)
		}
	}
	if got := ids(t, p.leads(t, "msTenantID", seedTenant)); len(got) != 2 || got[0] != got[1] {
		t.Errorf("RepeatRows of a tenant: %v", got)
	}
	p.Inject(sandbox.Fault{Set: map[string]any{"id": nil, "status": "Dormant"}})
	var rows []struct{ ID, TenantID, Status *string }
	decode(t, p.leads(t, "PageSize", "2").body, &rows)
	for _, row := range rows {
		if row.ID != nil || row.TenantID == nil || *row.Status != "Dormant" {
			t.Errorf("Set: %+v", row)
		}
	}
	if got := ids(t, p.leads(t, "PageSize", "60")); len(rows) != 2 || !slices.Equal(got, before) {
		t.Error("the leads themselves changed")
	}
}

func TestFaultDelays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := sandbox.New(sandbox.Options{Leads: 10, NoAuth: true, Latency: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		s.Inject(sandbox.Fault{Latency: time.Minute, Stall: time.Hour})
		began := time.Now()
		s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, leadPath, nil))
		if took := time.Since(began); took != time.Hour+time.Minute+time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// TestLateTokenEndsWithItsClient hangs if the server does not notice that the
// client has left.
func TestLateTokenEndsWithItsClient(t *testing.T) {
	t.Parallel()
	p := open(t, sandbox.Options{})
	p.Inject(sandbox.Fault{Kind: sandbox.KindToken, Latency: time.Hour})
	ctx, leave := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+sandbox.TokenPath, strings.NewReader("grant_type=client_credentials"))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			_ = response.Body.Close()
		}
		ended <- err
	}()
	for p.Calls().Token == 0 {
	}
	leave()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestFaultKinds(t *testing.T) {
	t.Parallel()
	byTenant := func(id string) []string { return []string{"msTenantID", id} }
	byPage := func(n int) []string { return []string{"PageNumber", strconv.Itoa(n)} }
	for kind, c := range map[string]struct{ spared, struck []string }{
		"":                     {nil, byPage(0)},
		sandbox.KindLead:       {nil, byTenant(noTenant)},
		sandbox.KindPage:       {byTenant(noTenant), byPage(3)},
		"page:3":               {byPage(2), byPage(3)},
		sandbox.KindTenant:     {byPage(3), byTenant(noTenant)},
		"tenant:" + seedTenant: {byTenant(noTenant), byTenant(strings.ToUpper(seedTenant))},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			p := open(t, sandbox.Options{})
			p.Inject(sandbox.Fault{Kind: kind, Status: 500})
			if r := p.askToken(t, credentials()); r.status != http.StatusOK {
				t.Errorf("token: status %d", r.status)
			}
			if c.spared != nil {
				if r := p.leads(t, c.spared...); r.status != http.StatusOK {
					t.Errorf("%v: status %d", c.spared, r.status)
				}
			}
			if r := p.leads(t, c.struck...); r.status != 500 {
				t.Errorf("%v: status %d", c.struck, r.status)
			}
		})
	}
}

func TestTokenFault(t *testing.T) {
	t.Parallel()
	p := open(t, sandbox.Options{})
	p.Inject(sandbox.Fault{Kind: sandbox.KindToken, Status: 503})
	if r := p.leads(t); r.status != http.StatusOK {
		t.Errorf("lead: status %d", r.status)
	}
	if r := p.askToken(t, credentials()); r.status != 503 || !strings.Contains(r.body, "temporarily_unavailable") {
		t.Errorf("token: status %d, body %s", r.status, r.body)
	}
}

func TestExpiredTokenFault(t *testing.T) {
	t.Parallel()
	p := start(t, sandbox.Options{Leads: 20})
	p.logIn(t)
	p.Inject(sandbox.Fault{ExpiredToken: true})
	for range 2 { // the fault, then the forgotten token
		if r := p.leads(t); r.status != http.StatusUnauthorized || r.body != "" {
			t.Errorf("status %d, body %q", r.status, r.body)
		}
	}
	p.logIn(t)
	if r := p.leads(t); r.status != http.StatusOK {
		t.Errorf("with a new token: status %d", r.status)
	}
}

func TestFaultOrderAndTimes(t *testing.T) {
	t.Parallel()
	p := open(t, sandbox.Options{})
	p.Inject(sandbox.Fault{Status: 500, Times: 2})
	p.Inject(sandbox.Fault{Status: 502, Times: 2, Every: 2})
	p.Inject(sandbox.Fault{Status: 503, Times: -1})
	var got []int
	for range 8 {
		got = append(got, p.leads(t).status)
	}
	p.ClearFaults()
	got = append(got, p.leads(t).status)
	if diff := cmp.Diff([]int{500, 500, 503, 502, 503, 502, 503, 503, 200}, got); diff != "" {
		t.Error(diff)
	}
}

func TestEndless(t *testing.T) {
	t.Parallel()
	p := open(t, sandbox.Options{Leads: 10})
	p.Inject(sandbox.Fault{Kind: sandbox.KindPage, Times: -1, Endless: true})
	seen := p.IDs()
	for page := 1; page < 5; page++ {
		for _, id := range ids(t, p.leads(t, "PageNumber", strconv.Itoa(page))) {
			if slices.Contains(seen, id) {
				t.Fatalf("page %d repeats a lead", page)
			}
			seen = append(seen, id)
		}
	}
	if len(seen) != 50 || len(p.IDs()) != 10 {
		t.Errorf("%d leads seen, %d kept", len(seen), len(p.IDs()))
	}
}

func TestShiftFault(t *testing.T) {
	t.Parallel()
	p := open(t, sandbox.Options{Leads: 40})
	before := p.IDs()
	p.Inject(sandbox.Fault{Kind: sandbox.KindPage, Times: 2, Every: 2, Shift: &sandbox.Shift{At: 3, Insert: 1}})
	p.Inject(sandbox.Fault{Kind: "page:3", Shift: &sandbox.Shift{At: 0, Remove: 2}})
	p.Inject(sandbox.Fault{Kind: "page:3", Status: 500})
	pages := make([][]string, 3)
	for i := range pages {
		pages[i] = ids(t, p.leads(t, "PageNumber", strconv.Itoa(i)))
	}
	want := [][]string{before[:10], before[9:19], before[19:29]} // one row was inserted before page 1
	if diff := cmp.Diff(want, pages); diff != "" {
		t.Error(diff)
	}
	if r := p.leads(t, "PageNumber", "3"); r.status != 500 {
		t.Errorf("the fault after the shift: status %d", r.status)
	}
	if got := p.IDs(); len(got) != 40 || !slices.Equal(got[:1], before[2:3]) {
		t.Error("the other two shifts were not applied")
	}
}
