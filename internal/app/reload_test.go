package app_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"leadgraph/internal/app"
	"leadgraph/internal/apptest"
	"leadgraph/upstream/sandbox"
)

// reloadable starts a server and returns a function that sends it a hangup and
// returns once it has reloaded.
func reloadable(t *testing.T, args ...string) (server *apptest.Program, hangUp func()) {
	t.Helper()
	schema, err := os.ReadFile(root + "schema.graphqls")
	if err != nil {
		t.Fatal(err)
	}
	hangups := make(chan os.Signal)
	program := app.Program{Schema: string(schema), Hangups: func() (<-chan os.Signal, func()) { return hangups, func() {} }}
	server = apptest.Serve(t, program.Run, args...)
	return server, func() {
		hangups <- syscall.SIGHUP
		hangups <- syscall.SIGHUP // received only after the first reload
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A hangup reloads what may change while the server runs. An unreadable file changes
// nothing.
func TestHangupReloads(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	manifest, level, secret := filepath.Join(folder, "manifest.json"), filepath.Join(folder, "level"), filepath.Join(folder, "secret")
	writeFile(t, manifest, `{"one":"{ __typename }"}`)
	writeFile(t, secret, sandbox.DefaultClientSecret)
	_, flags := apptest.Sandbox(t, run)
	flags[slices.Index(flags, "--client-secret")+1] = secret
	flags[slices.Index(flags, "--client-secret")] = "--client-secret-file"
	server, hangUp := reloadable(t, append(flags, "--trusted-documents", manifest, "--trusted-only", "--log-level", "error", "--log-level-file", level)...)
	runs := func(id string) bool {
		answer := apptest.Post(t, server.Endpoint(), `{"documentId":"`+id+`"}`)
		return answer.Body == `{"data":{"__typename":"Query"}}`
	}
	if !runs("one") || runs("two") || strings.Contains(server.Log.String(), `"operation"`) {
		t.Fatal("at startup", server.Log)
	}
	writeFile(t, manifest, `{"two":"query Two { __typename }"}`)
	writeFile(t, level, "INFO\n")
	hangUp()
	if runs("one") || !runs("two") || !strings.Contains(server.Log.String(), `"msg":"operation","name":"Two"`) {
		t.Error("after a hangup", server.Log)
	}
	writeFile(t, manifest, `{"three":"{ nope }"}`)
	writeFile(t, level, "loud")
	writeFile(t, secret, "")
	hangUp()
	if !runs("two") || runs("three") {
		t.Error("after a hangup with wrong files", server.Log)
	}
	for _, warning := range []string{"trusted documents stay", "level of the log stays", "last good secret stays"} {
		if !strings.Contains(server.Log.String(), warning) {
			t.Errorf("no warning that the %s", warning)
		}
	}
}

// A hangup also reloads the secrets that replicas share. A file that is wrong changes
// nothing, whatever the others hold.
func TestHangupReloadsSharedSecrets(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	cursors, key, url := filepath.Join(folder, "cursors"), filepath.Join(folder, "key"), filepath.Join(folder, "url")
	first, second := strings.Repeat("A", 43)+"=", strings.Repeat("B", 42)+"A="
	redis := miniredis.RunT(t)
	redis.RequireAuth("canary")
	writeFile(t, cursors, first)
	writeFile(t, key, first)
	writeFile(t, url, "redis://:former@"+redis.Addr())
	platform, flags := apptest.Sandbox(t, run)
	flags = append(flags, "--redis-timeout", "20s", "--lookup-ttl", "1h")
	running := slices.Concat(flags, []string{"--cursor-key-file", cursors, "--redis-key-file", key, "--redis-url-file", url})
	server, hangUp := reloadable(t, running...)
	page := func(endpoint, after string) (code, end string) {
		answer := apptest.Query(t, endpoint, `{ leads(first: 1`+after+`) { pageInfo { endCursor } } }`)
		var data struct {
			Leads struct{ PageInfo struct{ EndCursor string } }
		}
		if codes := answer.Codes(); len(codes) > 0 {
			return codes[0], ""
		}
		if err := json.Unmarshal(answer.Data, &data); err != nil {
			t.Fatal(err, answer.Body)
		}
		return "", data.Leads.PageInfo.EndCursor
	}
	after := func(cursor string) string { return `, after: "` + cursor + `"` }
	_, before := page(server.Endpoint(), "")
	if status, body := readiness(t, server.Endpoint()); !strings.Contains(body, `"name":"redis"`) {
		t.Error(status, body)
	}

	writeFile(t, cursors, second)
	writeFile(t, key, "short")
	writeFile(t, url, "redis://:canary@"+redis.Addr())
	hangUp()
	if log := server.Log.String(); !strings.Contains(log, "--redis-key-file must be 32 bytes") || !strings.Contains(log, "last good secrets stay") || strings.Contains(log, "canary") {
		t.Error(log)
	}
	_, now := page(server.Endpoint(), "")
	replica := startServer(t, append(flags, "--cursor-key", second, "--redis-key", first, "--redis-url", "redis://:canary@"+redis.Addr())...)
	for name, endpoint := range map[string]string{"the running server": server.Endpoint(), "a new replica": replica} {
		if code, _ := page(endpoint, after(now)); code != "" {
			t.Errorf("%s refuses a cursor of the new key: %s", name, code)
		}
	}
	if code, _ := page(server.Endpoint(), after(before)); code != "" {
		t.Errorf("a cursor of the former key: %s", code)
	}
	if code, _ := page(replica, after(before)); code != "BAD_USER_INPUT" {
		t.Errorf("a cursor of a key that a replica does not know: %q", code)
	}

	for !strings.Contains(server.Log.String(), "shared state is reachable") && t.Context().Err() == nil {
		runtime.Gosched()
	}
	const stats = `{ leadStats { total } }`
	apptest.Query(t, server.Endpoint(), stats)
	stored := func(key string) bool { // the description says where all leads are
		text, err := redis.Get(key)
		return strings.HasSuffix(key, ":leads") && err == nil && !strings.Contains(text, " - ")
	}
	for !slices.ContainsFunc(redis.Keys(), stored) && t.Context().Err() == nil {
		runtime.Gosched()
	}
	writeFile(t, key, second)
	hangUp()
	pages := calls(t, platform).Pages
	if got := apptest.Query(t, replica, stats); len(got.Errors) > 0 || calls(t, platform).Pages != pages {
		t.Errorf("a replica with the former key does not find what was shared with it: %s", got.Body)
	}
	renewed := startServer(t, append(flags, "--redis-key", second, "--redis-url", "redis://:canary@"+redis.Addr())...)
	if got := apptest.Query(t, renewed, stats); len(got.Errors) > 0 || calls(t, platform).Pages == pages {
		t.Errorf("a replica with the new key finds what was shared with the former one: %s", got.Body)
	}
}

// readiness returns the status of a server's readiness and its answer.
func readiness(t *testing.T, endpoint string) (status int, body string) {
	t.Helper()
	return get(t, strings.Replace(endpoint, "/graphql", "/readyz", 1))
}

// A server that shall read all leads at startup is not ready until it has, at most
// for a time.
func TestWarmUpHoldsReadiness(t *testing.T) {
	t.Parallel()
	platform := apptest.NewSilent(t)
	endpoint := startServer(t, platform.Flags("--catalogue-warm", "--catalogue-warm-timeout", "1h")...)
	<-platform.Asked
	want := `{"status":"not ready","checks":[{"name":"warm-up","status":"not ready","detail":"All leads are being read for the first time."}]}`
	if status, body := readiness(t, endpoint); status != http.StatusServiceUnavailable || body != want {
		t.Errorf("%d %s", status, body)
	}
	close(platform.Answer)
	for status := 0; status != http.StatusOK && t.Context().Err() == nil; status, _ = readiness(t, endpoint) {
	}

	platform = apptest.NewSilent(t)
	defer close(platform.Answer)
	endpoint = startServer(t, platform.Flags("--catalogue-warm", "--catalogue-warm-timeout", "1ms")...)
	for status := 0; status != http.StatusOK && t.Context().Err() == nil; status, _ = readiness(t, endpoint) {
	}
}

// A token endpoint that refuses or fails degrades the server, and stays shown until a
// token arrives.
func TestFailingTokensDegradeReadiness(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusUnauthorized, http.StatusServiceUnavailable} {
		refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		t.Cleanup(refuses.Close)
		_, flags := apptest.Sandbox(t, run)
		flags[slices.Index(flags, "--token-url")+1] = refuses.URL
		endpoint := startServer(t, flags...)
		if _, body := readiness(t, endpoint); body != `{"status":"ready"}` {
			t.Errorf("%d: at startup %s", status, body)
		}
		for range 3 {
			post(t, endpoint, firstQuery, nil)
			for range 3 {
				if code, body := readiness(t, endpoint); code != http.StatusOK || !strings.Contains(body, `{"name":"token","status":"degraded"`) {
					t.Errorf("%d: %d %s", status, code, body)
				}
			}
		}
	}
}

// checkOnline must be allowed by a flag.
func TestCheckOnlineIsOffByDefault(t *testing.T) {
	t.Parallel()
	platform, flags := apptest.Sandbox(t, run)
	const online = `{ lead(tenantId: "00000000-0000-4000-8000-000000000000", checkOnline: true) { id } }`
	if got := apptest.Query(t, startServer(t, flags...), online); !slices.Equal(got.Codes(), []string{"FORBIDDEN"}) {
		t.Errorf("%d %s", got.Status, got.Body)
	}
	if calls := calls(t, platform); calls.ByTenant != 0 {
		t.Errorf("calls %+v", calls)
	}
	if got := apptest.Query(t, startServer(t, append(flags, "--allow-check-online")...), online); len(got.Errors) > 0 {
		t.Errorf("%d %s", got.Status, got.Body)
	}
	if calls := calls(t, platform); calls.CheckOnline != 1 {
		t.Errorf("calls %+v", calls)
	}
}

// Nothing is printed as served by a program that then refuses its settings.
func TestNothingIsAnnouncedBeforeASettingIsRefused(t *testing.T) {
	t.Parallel()
	busy := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(busy.Close)
	taken := strings.TrimPrefix(busy.URL, "http://")
	manifest := filepath.Join(t.TempDir(), "manifest.json")
	writeFile(t, manifest, `{"one":"{ nope }"}`)
	for flag, args := range map[string][]string{
		"--listen":            {"--listen", taken},
		"--admin-listen":      {"--admin-listen", taken},
		"--trusted-documents": {"--trusted-documents", manifest},
		"--cors-origin":       {"--cors-origin", "http://app.example", "--cors-credentials"},
		"--log-level-file":    {"--log-level-file", manifest},
		"--upstream-url":      {"--client-id", "x"},
	} {
		var out, log strings.Builder
		err := run(t.Context(), append([]string{"serve", "--listen", "127.0.0.1:0"}, args...), noSettings, &out, &log)
		if err == nil || !strings.Contains(err.Error(), flag) || out.Len() > 0 {
			t.Errorf("%s: error %v, printed %q", flag, err, out.String())
		}
	}
}
