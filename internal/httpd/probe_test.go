package httpd_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"leadgraph/internal/httpd"
)

func TestProbe(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/healthy", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/draining", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	server := httptest.NewServer(mux)
	defer server.Close()
	gone := httptest.NewServer(mux)
	gone.Close()
	for url, healthy := range map[string]bool{
		server.URL + "/healthy":  true,
		server.URL + "/draining": false,
		gone.URL + "/healthy":    false,
		"no url":                 false,
	} {
		if err := httpd.Probe(t.Context(), url); (err == nil) != healthy {
			t.Errorf("%s: %v", url, err)
		}
	}
}
