package config_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"leadgraph/internal/config"
	"leadgraph/internal/plaintext/plaintexttest"
)

func load(t *testing.T, env map[string]string, args ...string) (*config.Config, string, error) {
	t.Helper()
	return config.Load(args, func(name string) string { return env[name] }, io.Discard)
}

func TestFlagsComeBeforeTheEnvironmentBeforeDefaults(t *testing.T) {
	t.Parallel()
	env := map[string]string{"LEADGRAPH_MAX_FIRST": "200", "LEADGRAPH_FAN_OUT": "4", "LEADGRAPH_LOG_LEVEL": "debug", "LEADGRAPH_PLAYGROUND": "false"}
	cfg, command, err := load(t, env, "--fan-out", "8")
	if err != nil || command != config.Serve {
		t.Fatal(command, err)
	}
	limits := cfg.Serve.Limits
	if cfg.Serve.Caches.FanOut != 8 || limits.MaxFirst != 200 || limits.DefaultFirst != 50 || limits.Playground || cfg.Log.Level != slog.LevelDebug {
		t.Errorf("limits %+v, log %+v", limits, cfg.Log)
	}
}

func TestProblemsAreReportedTogether(t *testing.T) {
	t.Parallel()
	_, _, err := load(t, nil, "--upstream-url", "https://platform.example", "--max-first", "20001", "--fan-out", "0", "--max-in-flight=-1", "--drain-delay=-1s", "--client-secret-file", filepath.Join(t.TempDir(), "none"))
	for _, name := range []string{"--token-url", "--client-id", "--client-secret", "--scope", "--max-first", "--fan-out", "--max-in-flight", "--drain-delay", "--client-secret-file"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in: %v", name, err)
		}
	}
}

func TestPassthroughTakesNoCredentials(t *testing.T) {
	t.Parallel()
	platform := []string{"--auth", "passthrough", "--upstream-url", "https://platform.example"}
	if _, _, err := load(t, nil, platform...); err != nil {
		t.Error(err)
	}
	_, _, err := load(t, map[string]string{"LEADGRAPH_CLIENT_SECRET": "canary"}, append(platform, "--catalogue-warm", "--redis-url", "redis://127.0.0.1", "--webhook-url", "https://h.example/canary", "--webhook-secret", strings.Repeat("A", 32), "--passthrough-callers", "0")...)
	for _, name := range []string{"--client-secret", "--catalogue-warm", "--redis-url", "--webhook-url", "--passthrough-callers"} {
		if err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s is not named in: %v", name, err)
		}
	}
}

func TestMalformedValuesAreRefused(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--first-page", "one"}, {"--request-timeout", "soon"}, {"--request-timeout", "0s"}, {"--upstream-online-concurrency", "0"}, {"--upstream-max-body", "-1"}, {"--cursor-key-previous", "c2hvcnQ="}, {"--log-format", "xml"}, {"--no-such-flag"}} {
		if _, _, err := load(t, nil, args...); err == nil {
			t.Errorf("%v was accepted", args)
		}
	}
}

func TestThePreviousCursorKeyIsReadFromAFile(t *testing.T) {
	t.Parallel()
	key := strings.Repeat("k", 32)
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(base64.StdEncoding.EncodeToString([]byte(key))+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, _, err := load(t, nil, "--cursor-key-previous-file", path)
	if err != nil {
		t.Fatal(err)
	}
	if got := cfg.Serve.Access.CursorKeyPrevious.Key(); string(got) != key {
		t.Errorf("key %q", got)
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	t.Parallel()
	cfg, _, err := load(t, nil, "--upstream-url", "https://platform.example", "--upstream-token", "canary", "--request-timeout", "3s")
	if err != nil || string(cfg.Serve.Upstream.Token) != "canary" || cfg.Serve.Limits.RequestTimeout != 3*time.Second {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("settings", "token", cfg.Serve.Upstream.Token, "all", cfg)
	text, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	printed := fmt.Sprintf("%v %+v %#v %s %s", *cfg, *cfg, *cfg, text, log.String())
	if strings.Contains(printed, "canary") {
		t.Errorf("a secret was printed: %s", printed)
	}
}

func TestTheURLOfRedisIsASecretFromAFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "url")
	for encoding, text := range plaintexttest.Encodings("redis://user:canary@cache:6379/0\r\n") {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, _, err := load(t, map[string]string{"LEADGRAPH_REDIS_URL_FILE": file, "LEADGRAPH_REDIS_PLAINTEXT": "true"})
		if err != nil || string(cfg.Serve.Caches.RedisURL) != "redis://user:canary@cache:6379/0" {
			t.Errorf("%s: %v", encoding, err)
		}
	}
	if _, _, err := load(t, nil, "--redis-url", "redis://cache:6379/0", "--redis-url-file", file); err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("given as a value and as a file: %v", err)
	}
}

func TestRedisOnAnotherMachineNeedsAKey(t *testing.T) {
	t.Parallel()
	key := base64.StdEncoding.EncodeToString(make([]byte, 32))
	for _, url := range []string{"redis://127.0.0.1:6379", "redis://localhost/0", "redis://[::1]:7000", "rediss://127.9.9.9", "unix:///run/redis.sock", "redis://"} {
		if _, _, err := load(t, nil, "--redis-url", url); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
	for _, url := range []string{
		"redis://cache:6379/0", "rediss://user:canary@cache", "redis://10.0.0.1", "redis://localhost.example", "redis://127.0.0.1.example",
		"redis://127.0.0.1:6379?addr=cache:6379", "redis://[fd00::1]", "unix:///run/redis.sock?addr=cache:6379",
	} {
		if _, _, err := load(t, nil, "--redis-url", url); err == nil || !strings.Contains(err.Error(), "--redis-plaintext") || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", url, err)
		}
		for _, flags := range [][]string{{"--redis-plaintext"}, {"--redis-key", key}} {
			if _, _, err := load(t, nil, append(flags, "--redis-url", url)...); err != nil {
				t.Errorf("%s %v: %v", url, flags, err)
			}
		}
	}
}

func TestGivenListsWhatDiffersFromTheDefaults(t *testing.T) {
	t.Parallel()
	args := []string{
		"doctor", "--upstream-url", "https://platform.example", "--upstream-token", "canary", "--first-page", "1", "--page-size", "100",
		"--upstream-timeout", "10000ms", "--upstream-attempt-timeout", "1500ms", "--upstream-adaptive", "--upstream-max-body", "1024",
	}
	cfg, _, err := load(t, nil, args...)
	if err != nil {
		t.Fatal(err)
	}
	want := [][2]string{
		{"--upstream-url", "https://platform.example"}, {"--first-page", "1"}, {"--upstream-attempt-timeout", "1.5s"},
		{"--upstream-max-body", "1024"}, {"--upstream-adaptive", ""},
	}
	if got := cfg.Doctor.Upstream.Given(); !slices.Equal(got, want) {
		t.Errorf("given %q, want %q", got, want)
	}
	if cfg, _, err = load(t, nil, "doctor"); err != nil || len(cfg.Doctor.Upstream.Given()) != 0 {
		t.Errorf("without flags given %q, error %v", cfg.Doctor.Upstream.Given(), err)
	}
}

func TestOnlyTheWrongPageSizeIsReported(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ flag, value, want string }{
		{"--max-first", "0", "--max-first must be between 1 and 20000"},
		{"--default-first", "1001", "--default-first must be between 1 and 1000"},
	} {
		if _, _, err := load(t, nil, test.flag, test.value); err == nil || err.Error() != test.want {
			t.Errorf("%s %s: error %v, want %s", test.flag, test.value, err, test.want)
		}
	}
}

func TestHelpIsPrintedAndEndsTheProgram(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	_, command, err := config.Load([]string{"serve", "--help"}, func(string) string { return "" }, &out)
	if err != nil || command != "" || !strings.Contains(out.String(), "Live Platform:") {
		t.Errorf("%q, %v:\n%s", command, err, out.String())
	}
}
