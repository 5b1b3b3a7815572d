// Package process starts the processes of a benchmark, pins them to cores and
// measures what they use.
package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	startTime = 20 * time.Second // until a child has printed where it serves
	stopTime  = 5 * time.Second  // until a child that does not end is killed
)

// Launcher starts child processes. It is not safe for concurrent use.
type Launcher struct {
	Placement
	Dir    string // for the built program and the error output of the children
	Binary string // path of leadgraph; Build sets it
	serial int
}

// Build compiles leadgraph.
func (l *Launcher) Build(ctx context.Context) error {
	l.Binary = filepath.Join(l.Dir, "leadgraph")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", l.Binary, "leadgraph").CombinedOutput(); err != nil {
		return fmt.Errorf("build leadgraph: %w\n%s", err, out)
	}
	return nil
}

// Child is what to start.
type Child struct {
	Path   string
	Args   []string
	Env    []string // in addition to the environment of this process
	Stdin  string
	Server bool // the server under test, which has a core of its own
	// Serves is where a child will serve that does not print it.
	Serves string
}

// Process is a running child.
type Process struct {
	URL  string // where it serves
	TLS  string // where it also serves with TLS; empty if it did not print that before
	PID  int
	end  context.CancelFunc
	done chan struct{}
}

// Stop ends the process and waits for its end. It does nothing for nil.
func (p *Process) Stop() {
	if p != nil {
		p.end()
		<-p.done
	}
}

// ErrRefused is the error of a child that ended instead of serving.
var ErrRefused = errors.New("refused to start")

// Start starts a child and returns when it has printed its URL. The child is
// stopped when ctx ends.
func (l *Launcher) Start(ctx context.Context, c Child) (*Process, error) {
	l.serial++
	stderr, err := os.Create(filepath.Join(l.Dir, fmt.Sprintf("stderr-%d", l.serial)))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	cmd := l.command(ctx, c)
	said := &announcement{url: make(chan string, 1)}
	serves := said.url
	cmd.Stdout, cmd.Stderr = said, stderr
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, errors.Join(err, stderr.Close())
	}
	p := &Process{PID: cmd.Process.Pid, end: cancel, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		_ = cmd.Wait() // its standard error says why it ended
		_ = stderr.Close()
	}()
	if c.Serves != "" {
		serves = accepted(ctx, c.Serves)
	}
	limit := time.NewTimer(startTime)
	defer limit.Stop()
	select {
	case p.URL = <-serves:
		if c.Serves == "" {
			p.TLS = said.tls
		}
		return p, nil
	case <-p.done:
		err = fmt.Errorf("%w: %s", ErrRefused, lastLine(stderr.Name()))
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-limit.C:
		err = errors.New("did not print where it serves")
	}
	p.Stop()
	return nil, err
}

// command returns the command of a child, pinned to its core.
func (l *Launcher) command(ctx context.Context, c Child) *exec.Cmd {
	path, args := c.Path, c.Args
	if l.taskset != "" { // taskset becomes the child and keeps its process id
		core := l.load
		if c.Server {
			core = l.server
		}
		path, args = l.taskset, append([]string{"-c", core, c.Path}, c.Args...)
	}
	cmd := exec.CommandContext(ctx, path, args...)
	// The user's own settings of leadgraph must not apply here.
	cmd.Env = slices.DeleteFunc(cmd.Environ(), func(v string) bool { return strings.HasPrefix(v, "LEADGRAPH_") })
	cmd.Env = append(append(cmd.Env, "GOMAXPROCS=1"), c.Env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopTime
	if c.Stdin != "" {
		cmd.Stdin = strings.NewReader(c.Stdin)
	}
	return cmd
}

// announcement looks for the URL where a child serves in its output.
type announcement struct {
	text  []byte
	found bool
	tls   string
	url   chan string // has room for one
}

// They match a URL and the character after it, so that they do not match
// before the whole port has arrived.
var (
	loopback    = regexp.MustCompile(`(http://127\.0\.0\.1:\d+)[^\d]`)
	loopbackTLS = regexp.MustCompile(`(https://127\.0\.0\.1:\d+)[^\d]`)
	admin       = regexp.MustCompile(`(?m)^admin:.*\n?`) // not what is measured
)

// Write implements io.Writer.
func (a *announcement) Write(p []byte) (int, error) {
	if a.found {
		return len(p), nil
	}
	a.text = append(a.text, p...)
	if match := loopback.FindSubmatch(admin.ReplaceAll(a.text, nil)); match != nil {
		a.found = true
		if secure := loopbackTLS.FindSubmatch(a.text); secure != nil {
			a.tls = string(secure[1])
		}
		a.url <- string(match[1])
	}
	return len(p), nil
}

// lastLine returns the last line of a child's error output, which says why it
// ended.
func lastLine(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = file.Close() }() // only for reading
	text, _ := io.ReadAll(io.LimitReader(file, 64<<10))
	text = bytes.TrimSpace(text)
	return string(text[bytes.LastIndexByte(text, '\n')+1:])
}
