package auth_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"leadgraph/internal/auth"
)

func TestProtect(t *testing.T) {
	t.Parallel()
	callers, err := auth.New(auth.Options{Mode: auth.Passthrough})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(callers.Close)
	var seen auth.Caller
	handler := callers.Protect(
		http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = auth.For(r.Context()) }),
		func(w http.ResponseWriter, _ *http.Request, status int, code, _ string) { http.Error(w, code, status) },
	)
	tests := []struct {
		name    string
		header  http.Header
		status  int
		canRead bool
	}{
		{"a token", http.Header{"Authorization": {"Bearer abc"}}, 200, true},
		{"no token", http.Header{}, 401, false},
		{"two tokens", http.Header{"Authorization": {"Bearer abc", "Bearer def"}}, 400, false},
		{"a WebSocket with a token", http.Header{"Upgrade": {"websocket"}, "Authorization": {"Bearer abc"}}, 200, true},
		{"a WebSocket without", http.Header{"Upgrade": {"WebSocket"}}, 200, false},
	}
	for _, test := range tests {
		seen = auth.Caller{}
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", nil)
		request.Header = test.header
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		if answer.Code != test.status || seen.CanRead != test.canRead {
			t.Errorf("%s: status %d and %+v", test.name, answer.Code, seen)
		}
		if challenged := answer.Header().Get("WWW-Authenticate") != ""; challenged != (test.status >= 400) {
			t.Errorf("%s: WWW-Authenticate %q", test.name, answer.Header().Get("WWW-Authenticate"))
		}
	}
}

func TestInitConnection(t *testing.T) {
	t.Parallel()
	callers, err := auth.New(auth.Options{Mode: auth.Passthrough})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(callers.Close)
	if _, err := callers.InitConnection(t.Context(), nil); err == nil {
		t.Error("accepted without a token")
	}
	ctx, err := callers.InitConnection(t.Context(), map[string]any{"Authorization": "Bearer abc"})
	if err != nil || !auth.For(ctx).CanRead {
		t.Errorf("%+v, %v", auth.For(ctx), err)
	}
	if again, err := callers.InitConnection(ctx, nil); err != nil || again != ctx {
		t.Errorf("a caller known from the handshake: %v", err)
	}
}
