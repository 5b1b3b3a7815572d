package app_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"leadgraph/internal/apptest"
	"leadgraph/upstream/sandbox"
	"leadgraph/web"
)

const firstQuery = `{ lead(tenantId: "f94238e5-4f2c-4e1b-8125-2d27122ca75f") { id status consentedOn contactDetails { companyName } } }`

func TestServeWithoutSettings(t *testing.T) {
	t.Parallel()
	want := `{"data":{"lead":{"id":"da68eafc-d3c6-4d3b-9a10-c48b26c6086b","status":"ACTIVE","consentedOn":"2024-04-03T13:32:12.8286742Z","contactDetails":{"companyName":"SIPTest"}}}}`
	if got := post(t, startServer(t), firstQuery, nil); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestQuirksMakeNoDifference serves the same leads from two platforms that differ
// where the documents about the platform contradict each other.
func TestQuirksMakeNoDifference(t *testing.T) {
	t.Parallel()
	key := []string{"--cursor-key", base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("k"), 32))}
	plain := startServer(t, key...)
	_, quirky := apptest.Sandbox(t, run, "--first-page", "1", "--nested")
	other := startServer(t, append(key, quirky...)...)
	for _, query := range []string{
		firstQuery,
		`{ leads(first: 100) { edges { cursor node { id tenantId comments } } pageInfo { hasNextPage endCursor } } }`,
		`{ lead(tenantId: "00000000-0000-4000-8000-000000000000") { id } }`,
	} {
		a, b := withoutCursors(post(t, plain, query, nil)), withoutCursors(post(t, other, query, nil))
		if a != b {
			t.Errorf("%s:\n%.200s\n%.200s", query, a, b)
		}
	}
}

// withoutCursors removes the cursors, which hold the time of reading.
func withoutCursors(answer string) string {
	return regexp.MustCompile(`"(cursor|endCursor)":"[^"]+"`).ReplaceAllString(answer, "")
}

// TestPlaygroundExamples runs every example of the playground.
func TestPlaygroundExamples(t *testing.T) {
	t.Parallel()
	endpoint := startServer(t)
	files, err := fs.Glob(web.Examples, "playground/examples/*.graphql")
	if err != nil || len(files) == 0 {
		t.Fatal("no examples", err)
	}
	for _, file := range files {
		query, err := fs.ReadFile(web.Examples, file)
		if err != nil {
			t.Fatal(err)
		}
		variables, err := fs.ReadFile(web.Examples, strings.TrimSuffix(file, ".graphql")+".json")
		if err != nil {
			variables = []byte("null")
		}
		var answer string
		if strings.Contains(string(query), "\nsubscription ") {
			answer = firstEvent(t, endpoint, string(query))
		} else {
			answer = post(t, endpoint, string(query), variables)
		}
		if !strings.HasPrefix(answer, `{"data":`) {
			t.Errorf("%s: %s", file, answer)
		}
	}
}

func TestServeRefusesAPlatformWithoutCredentials(t *testing.T) {
	t.Parallel()
	env := map[string]string{"LEADGRAPH_CLIENT_ID": "my-client", "LEADGRAPH_CLIENT_SECRET": "canary-secret"}
	err := run(t.Context(), []string{"--upstream-url", "https://platform.example/tenantui"},
		func(name string) string { return env[name] }, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "--token-url") || !strings.Contains(err.Error(), "--scope") {
		t.Errorf("error %v does not name what is missing", err)
	}
	if strings.Contains(fmt.Sprint(err), "my-client") || strings.Contains(fmt.Sprint(err), "canary-secret") || strings.Contains(fmt.Sprint(err), "--client-id") {
		t.Errorf("error %v shows what was given", err)
	}
}

func TestServeIsNotOpenToOthersByMistake(t *testing.T) {
	t.Parallel()
	err := run(t.Context(), []string{"--listen", "0.0.0.0:0"}, noSettings, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "--allow-anonymous") {
		t.Errorf("error %v", err)
	}
	// A page has pointed its own name at this machine.
	refused := apptest.Query(t, startServer(t), `{ leads { totalCount } }`, "Host", "rebound.example")
	if refused.Status != http.StatusMisdirectedRequest {
		t.Errorf("status %d", refused.Status)
	}
}

// TestServeReadsSecretsFromFiles replaces a secret in a file while the program runs.
func TestServeReadsSecretsFromFiles(t *testing.T) {
	t.Parallel()
	_, flags := apptest.Sandbox(t, run)
	file := filepath.Join(t.TempDir(), "secret")
	at := slices.Index(flags, "--client-secret")
	flags[at], flags[at+1] = "--client-secret-file", file
	endpoint := ""
	for _, step := range []struct{ secret, want string }{{"expired", "UPSTREAM_AUTH"}, {sandbox.DefaultClientSecret, "SIPTest"}} {
		if err := os.WriteFile(file, []byte(step.secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if endpoint == "" {
			endpoint = startServer(t, flags...)
		}
		if got := post(t, endpoint, firstQuery, nil); !strings.Contains(got, step.want) {
			t.Errorf("answer %s", got)
		}
	}
}

// firstEvent returns the data of the first event of a subscription.
func firstEvent(t *testing.T, endpoint, document string) string {
	t.Helper()
	request, err := apptest.NewRequest(t.Context(), endpoint, apptest.Body(document, nil), "Accept", "text/event-stream")
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		if data, found := strings.CutPrefix(lines.Text(), "data: "); found {
			return data
		}
	}
	return ""
}

// TestSandboxIsLive asks until an answer differs, which each sandbox must see to.
func TestSandboxIsLive(t *testing.T) {
	t.Parallel()
	const query = `{ leads(first: 1000) { nodes { id status comments lastModifiedOn } } }`
	live := []string{"--sandbox-live", "--sandbox-live-interval", "1ms"}
	_, alone := apptest.Sandbox(t, run, live...)
	for name, args := range map[string][]string{"built in": live, "alone": alone} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			endpoint := startServer(t, args...)
			first := post(t, endpoint, query, nil)
			for post(t, endpoint, query, nil) == first {
			}
		})
	}
}

func TestStopFinishesRunningRequests(t *testing.T) {
	t.Parallel()
	platform, flags := apptest.Sandbox(t, run, "--latency", "300ms")
	server := apptest.Serve(t, run, flags...)
	answered := make(chan string, 1)
	go func() { answered <- post(t, server.Endpoint(), firstQuery, nil) }()
	for calls(t, platform).ByTenant == 0 && len(answered) == 0 {
	}
	server.Stop()
	if answer := <-answered; !strings.Contains(answer, "SIPTest") {
		t.Errorf("the running request got %s", answer)
	}
	if err := server.Wait(); err != nil {
		t.Error(err)
	}
}

// calls returns the calls that a sandbox has counted.
func calls(t *testing.T, platform *apptest.Program) sandbox.Calls {
	t.Helper()
	origin := strings.TrimSuffix(platform.URL("sandbox:"), sandbox.BasePath)
	status, body := get(t, origin+"/sandbox/calls")
	var counted sandbox.Calls
	if err := json.Unmarshal([]byte(body), &counted); err != nil || status != http.StatusOK {
		t.Fatal(status, body, err)
	}
	return counted
}

// TestReplicasShareTheReadingOfAllLeads runs two servers with one Redis. Redis then
// goes away.
func TestReplicasShareTheReadingOfAllLeads(t *testing.T) {
	t.Parallel()
	redis := miniredis.RunT(t)
	platform, flags := apptest.Sandbox(t, run)
	key := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("k"), 32))
	// The default time-out of 50 ms is too short under the race detector.
	flags = append(flags, "--redis-url", "redis://"+redis.Addr(), "--redis-timeout", "20s", "--redis-key", key)
	const query = `{ leadStats { total } }`
	const want = `{"data":{"leadStats":{"total":2000}}}`
	replicas := []string{startServer(t, flags...), startServer(t, flags...)}
	for _, replica := range replicas {
		if got := post(t, replica, query, nil); got != want {
			t.Errorf("got %s", got)
		}
	}
	if calls := calls(t, platform); calls.Pages != 2 {
		t.Errorf("%d pages were read, want the 2 of one walk", calls.Pages)
	}
	redis.RequireAuth("another")
	refused := startServer(t, flags...)
	if got := post(t, refused, query, nil); got != want {
		t.Errorf("refused by Redis: %s", got)
	}
	refusing := `{"status":"degraded","checks":[{"name":"redis","status":"degraded","detail":"The state shared by replicas (Redis or Valkey) refuses some or all commands."}]}`
	if status, body := get(t, strings.Replace(refused, "/graphql", "/readyz", 1)); status != http.StatusOK || body != refusing {
		t.Errorf("readiness %d %s", status, body)
	}
	redis.Close()
	replicas = append(replicas, startServer(t, flags...))
	for _, replica := range replicas {
		if got := post(t, replica, query, nil); got != want {
			t.Errorf("without Redis: %s", got)
		}
	}
	degraded := `{"status":"degraded","checks":[{"name":"redis","status":"degraded","detail":"The state shared by replicas (Redis or Valkey) cannot be reached."}]}`
	if status, body := get(t, strings.Replace(replicas[2], "/graphql", "/readyz", 1)); status != http.StatusOK || body != degraded {
		t.Errorf("readiness %d %s", status, body)
	}
}

func TestSchemaAndVersionAndHelp(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{"schema": "type Query {", "version": "go1.", "--help": "Commands:", "serve --help": "--upstream-url"} {
		var out bytes.Buffer
		if err := run(t.Context(), strings.Fields(args), noSettings, &out, io.Discard); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("leadgraph %s: %v\n%s", args, err, out.String())
		}
	}
}
