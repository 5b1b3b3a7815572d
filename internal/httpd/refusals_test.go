package httpd_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"leadgraph/internal/httpd"
)

func TestRefusalsAreLoggedAndCounted(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&text, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	var counted []string
	api, err := httpd.Protect(httpd.BrowserOptions{LoopbackOnly: true, MaxBody: maxBody}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	if err != nil {
		t.Fatal(err)
	}
	handler := httpd.WithRefusals(log, func(code string) { counted = append(counted, code) }, api)
	ask := func(host, origin, coding string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+host+"/graphql?query=canary", strings.NewReader("canary"))
		r.Header.Set("Origin", origin)
		r.Header.Set("Content-Encoding", coding)
		r.Header.Set("Authorization", "Bearer canary")
		handler.ServeHTTP(httptest.NewRecorder(), r)
	}
	ask("canary.example", "", "")
	ask("localhost", "https://canary.example", "")
	ask("localhost", "", "canary")
	ask("localhost", "", "")
	want := `{"level":"INFO","msg":"refused","status":421,"code":"FORBIDDEN"}
{"level":"INFO","msg":"refused","status":403,"code":"FORBIDDEN"}
{"level":"INFO","msg":"refused","status":415,"code":"BAD_USER_INPUT"}
`
	if text.String() != want || !slices.Equal(counted, []string{"FORBIDDEN", "FORBIDDEN", "BAD_USER_INPUT"}) {
		t.Errorf("logged\n%scounted %q", text.String(), counted)
	}
}
