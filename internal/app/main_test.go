package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"leadgraph/internal/app"
	"leadgraph/internal/apptest"
)

// root is the path from these tests to the root of the repository.
const root = "../../"

// run is the program under test.
var run apptest.Run

func TestMain(m *testing.M) {
	schema, err := os.ReadFile(root + "schema.graphqls")
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err) // nowhere left to report to
		os.Exit(1)
	}
	run = app.Program{Schema: string(schema)}.Run
	os.Exit(apptest.RunTests(m))
}

// noSettings is an empty environment.
func noSettings(string) string { return "" }

// startServer starts a server and returns its endpoint.
func startServer(t *testing.T, args ...string) (endpoint string) {
	t.Helper()
	return apptest.Serve(t, run, args...).Endpoint()
}

// post posts a document and returns the body of the answer.
func post(t *testing.T, endpoint, document string, variables json.RawMessage) string {
	t.Helper()
	return apptest.Post(t, endpoint, apptest.Body(document, variables)).Body
}

// get returns the status and the body of an answer.
func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(url, "z") {
		request.Host = "10.0.0.7:8080" // as a kubelet asks for /healthz and /readyz
	}
	answer, err := apptest.Do(http.DefaultClient, request)
	if err != nil {
		t.Fatal(err)
	}
	return answer.Status, answer.Body
}
