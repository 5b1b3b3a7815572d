package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"leadgraph/upstream/sandbox"
	"leadgraph/web"
)

// program is a running leadgraph.
type program struct {
	lines []string // what it printed before it was ready
	log   *lockedBuffer
	stop  context.CancelFunc
	ended chan error
}

// start runs leadgraph until the test ends and returns once it printed the line
// that starts with ready.
func start(t testing.TB, ready string, args ...string) *program {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	stdout, printed := io.Pipe()
	p := &program{log: &lockedBuffer{}, stop: stop, ended: make(chan error, 1)}
	go func() {
		err := run(ctx, args, atOnce, printed, p.log)
		_ = printed.CloseWithError(io.EOF)
		p.ended <- err
		close(p.ended)
	}()
	t.Cleanup(func() {
		stop()
		if err := <-p.ended; err != nil {
			t.Errorf("leadgraph %v: %v", args, err)
		}
	})
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		p.lines = append(p.lines, lines.Text())
		if strings.HasPrefix(lines.Text(), ready) {
			go func() { _, _ = io.Copy(io.Discard, stdout) }() // ends with the program
			return p
		}
	}
	t.Fatalf("leadgraph %v ended without %q: %v", args, ready, <-p.ended)
	return nil
}

// atOnce is an environment in which no test waits for load balancers.
func atOnce(name string) string {
	if name == "LEADGRAPH_DRAIN_DELAY" {
		return "0s"
	}
	return ""
}

// address returns the first URL on the line that starts with prefix.
func (p *program) address(prefix string) string {
	for _, line := range p.lines {
		if strings.HasPrefix(line, prefix) {
			return regexp.MustCompile(`http://\S+`).FindString(line)
		}
	}
	return ""
}

func startServer(t *testing.T, args ...string) (endpoint string) {
	t.Helper()
	return startServerProgram(t, args...).address("endpoint:")
}

func startServerProgram(t *testing.T, args ...string) *program {
	t.Helper()
	return start(t, "endpoint:", append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
}

func post(t *testing.T, endpoint, query string, variables json.RawMessage) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

const firstQuery = `{ lead(tenantId: "f94238e5-4f2c-4e1b-8125-2d27122ca75f") { id status consentedOn contactDetails { companyName } } }`

func TestServeWithoutSettings(t *testing.T) {
	t.Parallel()
	want := `{"data":{"lead":{"id":"da68eafc-d3c6-4d3b-9a10-c48b26c6086b","status":"ACTIVE","consentedOn":"2024-04-03T13:32:12.8286742Z","contactDetails":{"companyName":"SIPTest"}}}}`
	if got := post(t, startServer(t), firstQuery, nil); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestQuirksMakeNoDifference serves the same leads from two platforms that
// contradict each other as the documents do.
func TestQuirksMakeNoDifference(t *testing.T) {
	t.Parallel()
	key := []string{"--cursor-key", base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("k"), 32))}
	plain := startServer(t, key...)
	quirky := start(t, "  leadgraph serve", "sandbox", "--listen", "127.0.0.1:0", "--first-page", "1", "--nested")
	command := strings.Fields(quirky.lines[len(quirky.lines)-1])
	other := startServer(t, append(key, command[2:]...)...)
	for _, query := range []string{
		firstQuery,
		`{ leads(first: 100) { edges { cursor node { id tenantId comments } } pageInfo { hasNextPage endCursor } } }`,
		`{ lead(tenantId: "00000000-0000-4000-8000-000000000000") { id } }`,
	} {
		if a, b := post(t, plain, query, nil), post(t, other, query, nil); a != b {
			t.Errorf("%s:\n%.200s\n%.200s", query, a, b)
		}
	}
}

// TestPlaygroundExamples runs every query that the playground opens with.
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
		if answer := post(t, endpoint, string(query), variables); !strings.HasPrefix(answer, `{"data":`) {
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
	err := run(t.Context(), []string{"--listen", "0.0.0.0:0"}, func(string) string { return "" }, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "--allow-anonymous") {
		t.Errorf("error %v", err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, startServer(t), strings.NewReader(`{"query":"{ leads { totalCount } }"}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Host = "rebound.example" // a page pointed its own name at this machine
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("status %d", response.StatusCode)
	}
}

// A secret in a file may be replaced while the program runs.
func TestServeReadsSecretsFromFiles(t *testing.T) {
	t.Parallel()
	platform := start(t, "  leadgraph serve", "sandbox", "--listen", "127.0.0.1:0")
	file := filepath.Join(t.TempDir(), "secret")
	command := strings.Replace(platform.lines[len(platform.lines)-1], "--client-secret "+sandbox.DefaultClientSecret, "--client-secret-file "+file, 1)
	endpoint := ""
	for _, step := range []struct{ secret, want string }{{"expired", "UPSTREAM_AUTH"}, {sandbox.DefaultClientSecret, "SIPTest"}} {
		if err := os.WriteFile(file, []byte(step.secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if endpoint == "" {
			endpoint = startServer(t, strings.Fields(command)[2:]...)
		}
		if got := post(t, endpoint, firstQuery, nil); !strings.Contains(got, step.want) {
			t.Errorf("answer %s", got)
		}
	}
}

func TestStopFinishesRunningRequests(t *testing.T) {
	t.Parallel()
	platform := start(t, "  leadgraph serve", "sandbox", "--listen", "127.0.0.1:0", "--latency", "300ms")
	command := strings.Fields(platform.lines[len(platform.lines)-1])
	server := startServerProgram(t, command[2:]...)
	answered := make(chan string, 1)
	go func() { answered <- post(t, server.address("endpoint:"), firstQuery, nil) }()
	for calls(t, platform).ByTenant == 0 && len(answered) == 0 {
	}
	server.stop()
	if answer := <-answered; !strings.Contains(answer, "SIPTest") {
		t.Errorf("the running request got %s", answer)
	}
	if err := <-server.ended; err != nil {
		t.Error(err)
	}
}

// calls asks a sandbox what it was asked.
func calls(t *testing.T, platform *program) sandbox.Calls {
	t.Helper()
	origin := strings.TrimSuffix(platform.address("sandbox:"), sandbox.BasePath)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, origin+"/sandbox/calls", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var counted sandbox.Calls
	if err := json.NewDecoder(response.Body).Decode(&counted); err != nil {
		t.Fatal(err)
	}
	return counted
}

// TestReplicasShareTheReadingOfAllLeads runs two servers with one Redis, which
// then goes away.
func TestReplicasShareTheReadingOfAllLeads(t *testing.T) {
	t.Parallel()
	redis := miniredis.RunT(t)
	platform := start(t, "  leadgraph serve", "sandbox", "--listen", "127.0.0.1:0")
	key := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("k"), 32))
	args := strings.Fields(platform.lines[len(platform.lines)-1] + " --redis-url redis://" + redis.Addr() + " --redis-timeout 20s --redis-key " + key)[2:] // the usual 50 ms are little under the race detector
	const query = `{ leadStats { total } }`
	const want = `{"data":{"leadStats":{"total":2000}}}`
	replicas := []string{startServer(t, args...), startServer(t, args...)}
	for _, replica := range replicas {
		if got := post(t, replica, query, nil); got != want {
			t.Errorf("got %s", got)
		}
	}
	if calls := calls(t, platform); calls.Pages != 2 {
		t.Errorf("%d pages were read, want the 2 of one reading", calls.Pages)
	}
	redis.Close()
	replicas = append(replicas, startServer(t, args...))
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
		if err := run(t.Context(), strings.Fields(args), func(string) string { return "" }, &out, io.Discard); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("leadgraph %s: %v\n%s", args, err, out.String())
		}
	}
}
