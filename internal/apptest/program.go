// Package apptest helps tests that work over real HTTP. It starts the program, posts
// GraphQL requests and reads the answers.
package apptest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// RunTests runs the tests of a package, then the clean-ups, and fails if a goroutine
// is left. It returns the exit status.
func RunTests(m *testing.M, cleanUp ...func()) (status int) {
	status = m.Run()
	for _, clean := range cleanUp {
		clean()
	}
	http.DefaultClient.CloseIdleConnections()
	// A closed client of Redis may look at its cluster again a second later.
	if err := goleak.Find(goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*call).DelayDo.func1")); status == 0 && err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err) // nowhere left to report to
		return 1
	}
	return status
}

// Run is the program, as app.Program.Run is.
type Run func(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error

// Program is a running leadgraph.
type Program struct {
	Lines []string // what it printed until it was ready
	Log   *Buffer

	stop  context.CancelFunc
	ended chan struct{} // closed after err is set
	err   error
}

// Start runs leadgraph until the test ends and returns once it has printed a line
// that starts with ready. It fails the test if the program ends with an error.
func Start(t testing.TB, run Run, ready string, args ...string) *Program {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	stdout, printed := io.Pipe()
	p := &Program{Log: &Buffer{}, stop: stop, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		p.err = run(ctx, args, environment, printed, p.Log)
		_ = printed.CloseWithError(io.EOF)
	}()
	t.Cleanup(func() {
		stop()
		if err := p.Wait(); err != nil {
			t.Errorf("leadgraph %v: %v", args, err)
		}
	})
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		p.Lines = append(p.Lines, lines.Text())
		if strings.HasPrefix(lines.Text(), ready) {
			go func() { _, _ = io.Copy(io.Discard, stdout) }() // ends with the program
			return p
		}
	}
	t.Fatalf("leadgraph %v ended without %q: %v", args, ready, p.Wait())
	return nil
}

// Serve starts a server on a free port.
func Serve(t testing.TB, run Run, args ...string) *Program {
	t.Helper()
	return Start(t, run, "endpoint:", append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
}

// Sandbox starts the sandbox on a free port. It also returns the flags that connect
// a server to it.
func Sandbox(t testing.TB, run Run, args ...string) (platform *Program, flags []string) {
	t.Helper()
	platform = Start(t, run, "  leadgraph serve", append([]string{"sandbox", "--listen", "127.0.0.1:0"}, args...)...)
	command := strings.Fields(platform.Lines[len(platform.Lines)-1])
	return platform, command[2:]
}

// environment is one in which no test waits for load balancers, and leads stay as they
// are.
func environment(name string) string {
	switch name {
	case "LEADGRAPH_DRAIN_DELAY":
		return "0s"
	case "LEADGRAPH_SANDBOX_LIVE":
		return "false"
	}
	return ""
}

// URL returns the first URL on the line that starts with prefix.
func (p *Program) URL(prefix string) string {
	for _, line := range p.Lines {
		if strings.HasPrefix(line, prefix) {
			return regexp.MustCompile(`http://\S+`).FindString(line)
		}
	}
	return ""
}

// Endpoint returns the URL of the GraphQL endpoint.
func (p *Program) Endpoint() string { return p.URL("endpoint:") }

// Stop tells the program to end.
func (p *Program) Stop() { p.stop() }

// Wait returns the program's error once the program has ended.
func (p *Program) Wait() error {
	<-p.ended
	return p.err
}
