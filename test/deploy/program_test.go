package deploy_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

const root = "../.."

// leadgraph is the path of the program. TestMain builds it as for the image.
var leadgraph string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "leadgraph-deploy-")
	if err != nil {
		panic(err)
	}
	build := exec.CommandContext(context.Background(), "go", "build", "-o", dir, ".")
	build.Dir = root
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		panic(fmt.Sprintf("%v\n%s", err, text))
	}
	leadgraph = filepath.Join(dir, "leadgraph")
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// process is a program that runs until the end of the test.
type process struct {
	stdout []string // the lines until the program was ready
}

// start starts a program whose environment is env and waits until it prints a line
// that contains ready. At the end of the test, it stops the program by SIGTERM; an
// exit status other than 0 fails the test.
func start(t *testing.T, ready string, env []string, name string, args ...string) *process {
	t.Helper()
	command := exec.Command(name, args...) //nolint:noctx // stopped by SIGTERM, as orchestrators do
	command.Env = env
	p := &process{}
	var stderr bytes.Buffer // read after Wait
	command.Stderr = &stderr
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	scanner := bufio.NewScanner(stdout)
	t.Cleanup(func() {
		if err := command.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		for scanner.Scan() { // Wait requires reading to the end
		}
		if err := command.Wait(); err != nil {
			t.Errorf("%s %v: %v\n%s", name, args, err, stderr.String())
		}
	})
	for scanner.Scan() {
		p.stdout = append(p.stdout, scanner.Text())
		if strings.Contains(scanner.Text(), ready) {
			return p
		}
	}
	t.Fatalf("%s %v ended: %s", name, args, p.stdout) // the clean-up reports its error output
	return nil
}

// url returns the URL on the line that starts with prefix, without its path.
func (p *process) url(prefix string) string {
	for _, line := range p.stdout {
		if strings.HasPrefix(line, prefix) {
			return regexp.MustCompile(`http://[^/ ]+`).FindString(line)
		}
	}
	return ""
}

// secrets runs make-secrets and returns the directory with the files.
func secrets(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if text, err := exec.CommandContext(t.Context(), root+"/deploy/make-secrets", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return dir
}

// installation is the environment that leadgraph is deployed in: secrets, and a
// sandbox as its platform.
type installation struct {
	secrets string
	access  map[string]string
	sandbox *process
}

// install makes the secrets and starts the sandbox.
func install(t *testing.T) installation {
	t.Helper()
	i := installation{secrets: secrets(t), access: map[string]string{}}
	i.sandbox = start(t, "leadgraph serve", nil, leadgraph, "sandbox", "--listen", "127.0.0.1:0")
	command := i.sandbox.stdout[len(i.sandbox.stdout)-1]
	for _, flag := range regexp.MustCompile(`--(upstream-url|token-url|client-id|scope) (\S+)`).FindAllStringSubmatch(command, -1) {
		i.access["LEADGRAPH_"+strings.ToUpper(strings.ReplaceAll(flag[1], "-", "_"))] = flag[2]
	}
	return i
}

// server holds the URLs of a running leadgraph.
type server struct {
	base, admin string
}

// serve starts leadgraph with the environment of a deployment. It replaces only the
// addresses to listen on, the platform, the keys of callers, and the directory of
// the secrets.
func (i installation) serve(t *testing.T, deployed map[string]string) server {
	t.Helper()
	env := map[string]string{}
	files := strings.NewReplacer("/run/secrets", i.secrets)
	for name, value := range deployed {
		env[name] = files.Replace(value)
	}
	maps.Copy(env, i.access)
	env["LEADGRAPH_LISTEN"], env["LEADGRAPH_ADMIN_LISTEN"] = "127.0.0.1:0", "127.0.0.1:0"
	if env["LEADGRAPH_AUTH"] == "jwt" {
		env["LEADGRAPH_JWKS_URL"] = keys(t)
	}
	list := []string{} // nil would mean the test's own environment
	for name, value := range env {
		list = append(list, name+"="+value)
	}
	p := start(t, "endpoint:", list, leadgraph)
	return server{base: p.url("endpoint:"), admin: p.url("admin:")}
}

// keys serves the keys of an identity provider and returns their URL.
func keys(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	set, err := json.Marshal(map[string]any{"keys": []map[string]string{
		{"kty": "EC", "crv": "P-256", "kid": "1", "use": "sig", "alg": "ES256", "x": encode(point[1:33]), "y": encode(point[33:])},
	}})
	if err != nil {
		t.Fatal(err)
	}
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(set) }))
	t.Cleanup(provider.Close)
	return provider.URL
}

// ask sends a request and returns the status and the answer. The request is a POST
// if there is a body.
func ask(t *testing.T, url, body string) (int, string) {
	t.Helper()
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// checkMemory checks that GOMEMLIMIT is 80 % to 90 % of the container's limit. The
// rest is for memory that Go does not manage.
func checkMemory(t *testing.T, env map[string]string, limit int64) {
	t.Helper()
	var mebibytes int64
	if _, err := fmt.Sscanf(env["GOMEMLIMIT"], "%dMiB", &mebibytes); err != nil {
		t.Fatalf("GOMEMLIMIT is %q: %v", env["GOMEMLIMIT"], err)
	}
	if share := float64(mebibytes<<20) / float64(limit); share < 0.8 || share > 0.9 {
		t.Errorf("GOMEMLIMIT is %.2f of the memory limit", share)
	}
}

// checkGrace checks that a container is not killed before the drain is over.
func checkGrace(t *testing.T, env map[string]string, grace time.Duration) {
	t.Helper()
	const spare = 3 * time.Second // for closing the remaining connections and for the end of the process
	var drain time.Duration
	for _, name := range []string{"LEADGRAPH_DRAIN_DELAY", "LEADGRAPH_DRAIN_TIMEOUT"} {
		part, err := time.ParseDuration(env[name])
		if err != nil {
			t.Fatal(name, err)
		}
		drain += part
	}
	if grace < drain+spare {
		t.Errorf("killed after %v, the drain takes up to %v", grace, drain)
	}
}

// TestReplicasShareThroughValkey runs the installed Redis with the configuration
// and the user of the deployment.
func TestReplicasShareThroughValkey(t *testing.T) {
	t.Parallel()
	redis, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("LEADGRAPH_REQUIRE_REDIS") == "1" {
			t.Fatal(err)
		}
		t.Skip("needs redis-server")
	}
	i := install(t)
	port := freePort(t)
	start(t, "Ready to accept connections", nil, redis, manifests+"/valkey.conf", "--dir", i.secrets,
		"--port", port, "--bind", "127.0.0.1", "--aclfile", i.secrets+"/valkey_users")
	url, err := os.ReadFile(i.secrets + "/redis_url")
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{
		"LEADGRAPH_CLIENT_SECRET_FILE": "/run/secrets/client_secret",
		"LEADGRAPH_REDIS_URL":          strings.TrimSpace(strings.Replace(string(url), "valkey:6379", "127.0.0.1:"+port, 1)),
		"LEADGRAPH_REDIS_KEY_FILE":     "/run/secrets/redis_key",
		"LEADGRAPH_REDIS_TIMEOUT":      "20s", // the machine may be busy
	}
	for range 2 {
		if status, answer := ask(t, i.serve(t, env).base+"/graphql", `{"query":"{ leadStats { total } }"}`); status != http.StatusOK || !strings.Contains(answer, "2000") {
			t.Errorf("%d %s", status, answer)
		}
	}
	if _, calls := ask(t, i.sandbox.url("sandbox:")+"/sandbox/calls", ""); !strings.Contains(calls, `"pages":2,`) {
		t.Errorf("want the two pages of a single read: %s", calls)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
