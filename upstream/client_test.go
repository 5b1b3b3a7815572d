package upstream_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"leadgraph/lead"
	"leadgraph/upstream"
)

func TestRequest(t *testing.T) {
	t.Parallel()
	var got *http.Request
	handler := func(w http.ResponseWriter, r *http.Request) {
		got = r.Clone(context.WithoutCancel(r.Context()))
		if len(r.URL.Query()) == 2 {
			write(w, "[]") // a page with leads would have to be confirmed
			return
		}
		write(w, testdata(t, minimalLeads))
	}
	for name, test := range map[string]struct {
		adjust func(*upstream.Options)
		call   func(*upstream.Client) error
		want   string
	}{
		"lookup": {
			call: func(c *upstream.Client) error {
				_, err := c.LeadsByTenant(t.Context(), strings.ToUpper(tenantA), false)
				return err
			},
			want: "PageNumber=0&PageSize=100&msTenantID=" + strings.ToUpper(tenantA),
		},
		"lookup, other spelling, first page 1, own page size": {
			adjust: func(o *upstream.Options) { o.TenantParam, o.FirstPage, o.PageSize = "msTenantId", 1, 7 },
			call:   func(c *upstream.Client) error { _, err := c.LeadsByTenant(t.Context(), tenantA, false); return err },
			want:   "PageNumber=1&PageSize=100&msTenantId=" + tenantA,
		},
		"online lookup": {
			call: func(c *upstream.Client) error { _, err := c.LeadsByTenant(t.Context(), tenantA, true); return err },
			want: "PageNumber=0&PageSize=100&checkOnline=true&msTenantID=" + tenantA,
		},
		"page": {
			call: func(c *upstream.Client) error {
				_, err := c.LeadsPage(t.Context(), 3, 20_000, lead.AllParts)
				return err
			},
			want: "PageNumber=3&PageSize=20000",
		},
		"page, first page 1": {
			adjust: func(o *upstream.Options) { o.FirstPage = 1 },
			call:   func(c *upstream.Client) error { _, err := c.LeadsPage(t.Context(), 0, 5, lead.AllParts); return err },
			want:   "PageNumber=1&PageSize=5",
		},
	} {
		if err := test.call(newPagedClient(t, handler, test.adjust)); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		checkRequest(t, name, got, test.want)
	}
}

func checkRequest(t *testing.T, name string, got *http.Request, query string) {
	t.Helper()
	if got.URL.RawQuery != query {
		t.Errorf("%s: query is %s, want %s", name, got.URL.RawQuery, query)
	}
	if accept := got.Header.Get("Accept"); accept != "application/json" {
		t.Errorf("%s: Accept is %q", name, accept)
	}
	if agent := got.UserAgent(); agent != "leadgraph" {
		t.Errorf("%s: User-Agent is %q", name, agent)
	}
	if _, ok := got.Header["Authorization"]; ok {
		t.Errorf("%s: Authorization without credentials", name)
	}
}

func TestUnsentRequests(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	client := newClient(t, func(http.ResponseWriter, *http.Request) { calls.Add(1) }, nil)
	_, noTenant := client.LeadsByTenant(t.Context(), " ", false)
	_, badPage := client.LeadsPage(t.Context(), -1, 10, lead.AllParts)
	_, noSize := client.LeadsPage(t.Context(), 0, 0, lead.AllParts)
	_, badSize := client.LeadsPage(t.Context(), 0, upstream.MaxPageSize+1, lead.AllParts)
	for _, err := range []error{noTenant, badPage, noSize, badSize} {
		wantKind(t, err, lead.FailureRejected)
	}
	if calls.Load() != 0 {
		t.Errorf("%d calls were made", calls.Load())
	}
}

func TestLeadErrorIsNoAnswerForAPage(t *testing.T) {
	t.Parallel()
	client := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		write(w, testdata(t, "error_string.json"))
	}, nil)
	_, err := client.LeadsPage(t.Context(), 0, 10, lead.AllParts)
	wantKind(t, err, lead.FailureRejected)
}

func TestCallerLeaves(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	client := newClient(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}, func(o *upstream.Options) { o.Retries = 2 })
	if _, err := client.LeadsPage(ctx, 0, 10, lead.AllParts); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

func TestCallersDeadline(t *testing.T) {
	t.Parallel()
	client := newClient(t, hang, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := client.LeadsPage(ctx, 0, 10, lead.AllParts); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v", err)
	}
}
