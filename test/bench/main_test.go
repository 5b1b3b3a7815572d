package main

import (
	"io"
	"net/http/httptest"
	"net/url"
	"testing"

	"leadgraph/test/bench/load"
	"leadgraph/upstream/sandbox"
)

func TestParse(t *testing.T) {
	t.Parallel()
	if s, err := parse([]string{"-only", "w1,growth", "-serve-flags", "--expose-cost --page-size 10"}, io.Discard); err != nil || len(s.only) != 2 || len(s.serveFlags) != 3 {
		t.Errorf("settings %+v, %v", s, err)
	}
	for _, args := range [][]string{{"-only", "W9"}, {"-duration", "0s"}, {"-connections", "0"}, {"more"}, {"-unknown"}} {
		if _, err := parse(args, io.Discard); err == nil {
			t.Errorf("%v was accepted", args)
		}
	}
}

func TestProxyPassesThroughWithToken(t *testing.T) {
	t.Parallel()
	platform, err := sandbox.New(sandbox.Options{Leads: 10})
	if err != nil {
		t.Fatal(err)
	}
	upstream := httptest.NewServer(platform)
	t.Cleanup(upstream.Close)
	bearer, err := token(t.Context(), upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse(upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(newProxy(target, bearer))
	t.Cleanup(proxy.Close)
	const path = sandbox.BasePath + "/api/v2/oc/lead"
	pages := []*load.Exchange{{Path: path + "?PageNumber=0&PageSize=7", Rows: 7}, {Path: path + "?PageNumber=1&PageSize=5", Rows: 5}}
	l, err := load.Open(t.Context(), proxy.URL, pages, 2)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if calls, err := upstreamCalls(t.Context(), upstream.URL); err != nil || calls != 2 {
		t.Errorf("%d upstream calls, %v, want 2", calls, err)
	}
}
