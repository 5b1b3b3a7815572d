package main

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
	startTime = 20 * time.Second // for a child to say where it serves
	stopTime  = 5 * time.Second  // for a child to end before it is killed
)

// launcher starts the child processes.
type launcher struct {
	placement
	dir    string // of the built program and the children's error output
	binary string // path of leadgraph
	serial int
}

// build compiles leadgraph.
func (l *launcher) build(ctx context.Context) error {
	l.binary = filepath.Join(l.dir, "leadgraph")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", l.binary, "leadgraph").CombinedOutput(); err != nil {
		return fmt.Errorf("build leadgraph: %w\n%s", err, out)
	}
	return nil
}

// child is what to start.
type child struct {
	path   string
	args   []string
	env    []string // added to ours
	stdin  string
	server bool // under test: alone on its core
}

// process is a running child.
type process struct {
	url  string // where it serves
	pid  int
	end  context.CancelFunc
	done chan struct{}
}

// stop ends the process and returns when it is gone.
func (p *process) stop() {
	if p != nil { // it was not started
		p.end()
		<-p.done
	}
}

// errRefused is the error of a child that ended instead of serving.
var errRefused = errors.New("refused to start")

// start returns when the child has printed its URL. The child ends with ctx.
func (l *launcher) start(ctx context.Context, c child) (*process, error) {
	l.serial++
	stderr, err := os.Create(filepath.Join(l.dir, fmt.Sprintf("stderr-%d", l.serial)))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	cmd := l.command(ctx, c)
	said := &announcement{url: make(chan string, 1)}
	cmd.Stdout, cmd.Stderr = said, stderr
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, errors.Join(err, stderr.Close())
	}
	p := &process{pid: cmd.Process.Pid, end: cancel, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		_ = cmd.Wait() // how it ended is on its standard error
		_ = stderr.Close()
	}()
	limit := time.NewTimer(startTime)
	defer limit.Stop()
	select {
	case p.url = <-said.url:
		return p, nil
	case <-p.done:
		err = fmt.Errorf("%w: %s", errRefused, lastLine(stderr.Name()))
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-limit.C:
		err = errors.New("did not say where it serves")
	}
	p.stop()
	return nil, err
}

func (l *launcher) command(ctx context.Context, c child) *exec.Cmd {
	path, args := c.path, c.args
	if l.taskset != "" { // it becomes the child: the process id stays
		core := l.load
		if c.server {
			core = l.server
		}
		path, args = l.taskset, append([]string{"-c", core, c.path}, c.args...)
	}
	cmd := exec.CommandContext(ctx, path, args...)
	// Settings of a leadgraph that the user runs are not ours.
	cmd.Env = slices.DeleteFunc(cmd.Environ(), func(v string) bool { return strings.HasPrefix(v, "LEADGRAPH_") })
	cmd.Env = append(append(cmd.Env, "GOMAXPROCS=1"), c.env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopTime
	if c.stdin != "" {
		cmd.Stdin = strings.NewReader(c.stdin)
	}
	return cmd
}

// announcement waits in a child's output for the URL that it serves on.
type announcement struct {
	text  []byte
	found bool
	url   chan string // takes one
}

// loopback needs the character behind the port, so that half a number is none.
var loopback = regexp.MustCompile(`(http://127\.0\.0\.1:\d+)[^\d]`)

// Write implements io.Writer.
func (a *announcement) Write(p []byte) (int, error) {
	if a.found {
		return len(p), nil
	}
	a.text = append(a.text, p...)
	if match := loopback.FindSubmatch(a.text); match != nil {
		a.found = true
		a.url <- string(match[1])
	}
	return len(p), nil
}

// lastLine is the end of a child's error output, where the reason stands.
func lastLine(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = file.Close() }() // only read
	text, _ := io.ReadAll(io.LimitReader(file, 64<<10))
	text = bytes.TrimSpace(text)
	return string(text[bytes.LastIndexByte(text, '\n')+1:])
}
