package web_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"leadgraph/web"
)

func get(t *testing.T, method, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	answer := httptest.NewRecorder()
	web.Playground().ServeHTTP(answer, request)
	return answer
}

func TestPageLoadsOnlyItsOwnAssets(t *testing.T) {
	t.Parallel()
	page := get(t, http.MethodGet, "/")
	body, err := io.ReadAll(page.Body)
	if err != nil || page.Code != http.StatusOK {
		t.Fatal(page.Code, err)
	}
	links := regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(string(body), -1)
	if len(links) < 2 {
		t.Errorf("only %d links in the page", len(links))
	}
	for _, link := range links {
		if !strings.HasPrefix(link[1], "./assets/") {
			t.Errorf("the page loads %s", link[1])
			continue
		}
		asset := get(t, http.MethodGet, strings.TrimPrefix(link[1], "."))
		if asset.Code != http.StatusOK || asset.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("%s: status %d, %v", link[1], asset.Code, asset.Header())
		}
		if kind := asset.Header().Get("Content-Type"); kind == "application/octet-stream" || kind == "" {
			t.Errorf("%s has the type %q", link[1], kind)
		}
	}
	if strings.Contains(string(body), "<script>") || regexp.MustCompile(`\son\w+=`).Match(body) {
		t.Error("the page has an inline script")
	}
}

func TestEveryAnswerCarriesThePolicy(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/", "/assets/none.js", "/nothing"} {
		header := get(t, http.MethodGet, path).Header()
		if header.Get("Content-Security-Policy") != web.ContentSecurityPolicy || header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: %v", path, header)
		}
	}
	for _, loose := range []string{"unsafe-eval", "blob:", "http:", "https:", "*"} {
		if policy := web.ContentSecurityPolicy; strings.Contains(policy, loose) {
			t.Errorf("the policy allows %s", loose)
		}
	}
}

func TestPageIsRevalidated(t *testing.T) {
	t.Parallel()
	page := get(t, http.MethodGet, "/")
	if page.Header().Get("Cache-Control") != "no-cache" {
		t.Errorf("Cache-Control %q", page.Header().Get("Cache-Control"))
	}
	again := get(t, http.MethodGet, "/", "If-None-Match", page.Header().Get("ETag"))
	if again.Code != http.StatusNotModified {
		t.Errorf("the same page again: status %d", again.Code)
	}
}

func TestNothingElseIsServed(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]int{"/assets/": 404, "/assets/..%2findex.html": 404, "/dist/index.html": 404, "/playground/examples/": 404} {
		if got := get(t, http.MethodGet, path).Code; got != want {
			t.Errorf("%s: status %d, want %d", path, got, want)
		}
	}
	if got := get(t, http.MethodPost, "/").Code; got != http.StatusMethodNotAllowed {
		t.Errorf("POST: status %d", got)
	}
}
