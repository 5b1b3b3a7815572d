package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"leadgraph/internal/app"
	"leadgraph/internal/apptest"
)

// asProgram is set in the environment of a test binary that acts as leadgraph.
const asProgram = "LEADGRAPH_TEST_AS_PROGRAM"

// TestMain runs the tests. In a process that a test has started it runs the program
// instead and fails if a goroutine is left.
func TestMain(m *testing.M) {
	if os.Getenv(asProgram) == "" {
		os.Exit(apptest.RunTests(m))
	}
	err := runUntilSignal(os.Args[1:])
	if err == nil {
		err = goleak.Find()
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err) // the parent reads it
		os.Exit(1)
	}
	os.Exit(0)
}

// process is leadgraph in its own process.
type process struct {
	*exec.Cmd
	endpoint string
	admin    string        // empty without --admin-listen
	log      bytes.Buffer  // complete after the end
	ended    chan struct{} // closed after err is set
	err      error
}

// launch starts a server process and returns when it serves.
func launch(t *testing.T, args ...string) *process {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{ended: make(chan struct{})}
	// The test's context ends before the clean-up, which must stop the process itself.
	p.Cmd = exec.CommandContext(context.WithoutCancel(t.Context()), binary, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	p.Env = append(p.Environ(), asProgram+"=1", "LEADGRAPH_SANDBOX_LIVE=false", "GORACE=atexit_sleep_ms=0")
	p.Stderr = &p.log
	printed, stdout := io.Pipe()
	p.Stdout = stdout
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.Wait()
		_ = stdout.Close()
		close(p.ended)
	}()
	t.Cleanup(func() {
		_ = p.Process.Kill() // it has already ended unless the test failed
		<-p.ended
	})
	for lines := bufio.NewScanner(printed); lines.Scan(); {
		if url, found := strings.CutPrefix(lines.Text(), "admin:"); found {
			p.admin = strings.TrimSpace(url)
		}
		if url, found := strings.CutPrefix(lines.Text(), "endpoint:"); found {
			p.endpoint = strings.TrimSpace(url)
			go func() { _, _ = io.Copy(io.Discard, printed) }() // ends with the process
			return p
		}
	}
	<-p.ended
	t.Fatalf("%v: %s", p.err, p.log.String())
	return nil
}

func (p *process) signal(t *testing.T) {
	t.Helper()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
}

// visitor is a client with one connection and one request at a time.
type visitor struct {
	t    *testing.T
	p    *process
	name string
	http.Client
	serial int
}

// failure is a request that was not answered.
type failure struct {
	id     string
	reused bool // the connection had been used before
	err    error
}

func (f failure) String() string {
	return fmt.Sprintf("%s, connection reused: %v: %v", f.id, f.reused, f.err)
}

func newVisitor(t *testing.T, p *process, name string) *visitor {
	v := &visitor{t: t, p: p, name: name}
	v.Transport = &http.Transport{MaxConnsPerHost: 1}
	t.Cleanup(v.CloseIdleConnections)
	return v
}

// ask looks up a tenant. Each request has an id, which the server logs.
func (v *visitor) ask() *failure {
	v.serial++
	lost := &failure{id: fmt.Sprintf("%s-%d", v.name, v.serial)}
	ctx := httptrace.WithClientTrace(context.WithoutCancel(v.t.Context()), &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { lost.reused = info.Reused },
	})
	request, err := apptest.NewRequest(ctx, v.p.endpoint, apptest.Body(lookup, nil), "X-Request-Id", lost.id)
	if err != nil {
		return &failure{err: err}
	}
	request.GetBody = nil // or the transport could hide a failure by sending the request again
	answer, err := apptest.Do(&v.Client, request)
	switch {
	case answer.Status == 0:
		lost.err = err
		return lost
	case err != nil || answer.Status != http.StatusOK || !strings.Contains(answer.Body, "SIPTest"):
		// A wrong answer is worse than none: the server had accepted the request.
		lost.err, lost.reused = fmt.Errorf("status %d, %s: %w", answer.Status, answer.Body, err), true
		return lost
	}
	return nil
}

// ready probes the server as a load balancer does.
func (v *visitor) ready() bool {
	request, err := http.NewRequestWithContext(context.WithoutCancel(v.t.Context()), http.MethodGet, strings.Replace(v.p.endpoint, "/graphql", "/readyz", 1), nil)
	if err != nil {
		v.t.Error(err)
		return false
	}
	response, err := v.Do(request)
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, response.Body) // only the status matters
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

const lookup = `{ lead(tenantId: "f94238e5-4f2c-4e1b-8125-2d27122ca75f") { id contactDetails { companyName } } }`

// TestTermination ends 20 servers under load. Clients that check the readiness must
// lose no request. Clients that go on until nothing listens may have their last
// connection reset if the kernel accepted it and the server did not. The server must
// answer every request that it has read. Each process must end in time, without an
// error and without goroutines left.
func TestTermination(t *testing.T) {
	t.Parallel()
	_, flags := apptest.Sandbox(t, app.Program{Schema: schema}.Run, "--latency", "20ms")
	flags = append(flags, "--lookup-ttl", "0s")
	for i := range 20 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			terminate(t, launch(t, flags...))
		})
	}
}

func terminate(t *testing.T, p *process) {
	socket := apptest.OpenSocket(t, p.endpoint)
	var visits sync.WaitGroup
	var answered atomic.Int64
	busy := make(chan struct{})
	counted := func(lost *failure) *failure {
		if lost == nil && answered.Add(1) == 50 {
			close(busy)
		}
		return lost
	}
	for i := range 4 {
		v := newVisitor(t, p, fmt.Sprintf("heedful-%d", i))
		visits.Go(func() {
			for v.ready() {
				if lost := counted(v.ask()); lost != nil {
					t.Errorf("lost: %v", lost)
				}
			}
		})
	}
	refused := make([]*failure, 4)
	for i := range refused {
		v := newVisitor(t, p, fmt.Sprintf("stubborn-%d", i))
		visits.Go(func() {
			for refused[i] == nil {
				refused[i] = counted(v.ask())
			}
		})
	}
	<-busy
	sent := time.Now()
	p.signal(t)
	if _, _, err := socket.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("the WebSocket ended with %v", err)
	}
	visits.Wait()
	<-p.ended
	if took := time.Since(sent); p.err != nil || took > 15*time.Second {
		t.Errorf("%v after %v\n%s", p.err, took, p.log.String())
	}
	for _, last := range refused {
		if last.reused || strings.Contains(p.log.String(), `"`+last.id+`"`) {
			t.Errorf("lost: %v", last)
		}
	}
	t.Logf("%d answers, ended after %v", answered.Load(), time.Since(sent))
}

// TestSecondSignalEndsAtOnce sends a second signal while a request runs and the
// drain could take hours.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	platform := apptest.NewSilent(t)
	p := launch(t, platform.Flags("--drain-delay", "1h", "--drain-timeout", "1h")...)
	v := newVisitor(t, p, "waiting")
	answered := make(chan *failure, 1)
	go func() { answered <- v.ask() }()
	<-platform.Asked
	p.signal(t)
	for probe := newVisitor(t, p, "probe"); probe.ready() && t.Context().Err() == nil; {
	}
	for ended := false; !ended; {
		p.signal(t) // a signal too soon after the first is merged with it
		select {
		case <-p.ended:
			ended = true
		case <-time.After(100 * time.Millisecond):
		}
	}
	if failed, is := errors.AsType[*exec.ExitError](p.err); !is || failed.Success() {
		t.Errorf("ended with %v", p.err)
	}
	if lost := <-answered; lost == nil {
		t.Error("the request was answered")
	}
}

// TestHangupLosesNothing sends SIGHUP under load. Every request must be answered, and
// the process must go on until SIGTERM.
func TestHangupLosesNothing(t *testing.T) {
	t.Parallel()
	_, flags := apptest.Sandbox(t, app.Program{Schema: schema}.Run, "--latency", "20ms")
	p := launch(t, append(flags, "--lookup-ttl", "0s")...)
	var visits sync.WaitGroup
	for i := range 4 {
		v := newVisitor(t, p, fmt.Sprintf("hangup-%d", i))
		visits.Go(func() {
			for range 20 {
				if lost := v.ask(); lost != nil {
					t.Errorf("lost: %v", lost)
				}
				if err := p.Process.Signal(syscall.SIGHUP); err != nil {
					t.Error(err)
				}
			}
		})
	}
	visits.Wait()
	p.signal(t)
	<-p.ended
	if p.err != nil || !strings.Contains(p.log.String(), `"msg":"reloaded"`) {
		t.Errorf("%v\n%s", p.err, p.log.String())
	}
}

// TestClosedOutputsDoNotEndTheProcess closes the readers of standard output and of the
// log, as a log shipper does that crashes.
func TestClosedOutputsDoNotEndTheProcess(t *testing.T) {
	t.Parallel()
	_, flags := apptest.Sandbox(t, app.Program{Schema: schema}.Run)
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{}
	p.Cmd = exec.CommandContext(context.WithoutCancel(t.Context()), binary, append([]string{"serve", "--listen", "127.0.0.1:0"}, flags...)...)
	p.Env = append(p.Environ(), asProgram+"=1", "LEADGRAPH_SANDBOX_LIVE=false", "GORACE=atexit_sleep_ms=0")
	p.Stdout, p.Stderr = writer, writer
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Kill() }) // it has already ended unless the test failed
	_ = writer.Close()                         // the process has its own copy
	for lines := bufio.NewScanner(reader); p.endpoint == "" && lines.Scan(); {
		if url, found := strings.CutPrefix(lines.Text(), "endpoint:"); found {
			p.endpoint = strings.TrimSpace(url)
		}
	}
	_ = reader.Close()
	v := newVisitor(t, p, "unheard")
	for range 5 { // each is logged
		if lost := v.ask(); lost != nil {
			t.Errorf("lost: %v", lost)
		}
	}
	p.signal(t)
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
}
