package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	startTime = 30 * time.Second // for leadgraph to say where it serves
	// endTime is the promise for SIGTERM.
	endTime = 15 * time.Second
)

// child is leadgraph as a process of its own.
type child struct {
	cmd      *exec.Cmd
	endpoint string
	admin    string // where its profiles are, without a slash at the end
	log      string // file of its standard error
	ended    chan error
}

// build compiles leadgraph, with the race detector if race is set.
func build(ctx context.Context, dir string, race bool) (binary string, err error) {
	binary = filepath.Join(dir, "leadgraph")
	args := []string{"build", "-o", binary}
	if race {
		args = append(args, "-race")
	}
	if out, err := exec.CommandContext(ctx, "go", append(args, "leadgraph")...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("build leadgraph: %w\n%s", err, out)
	}
	return binary, nil
}

// announcement is a line in which leadgraph says where it serves; that of the
// endpoint is the last.
var announcement = regexp.MustCompile(`^(admin|endpoint): +(http://\S+)`)

// start returns when leadgraph has said where it serves. It does not end with
// ctx: what runs when that ends is still to be looked at.
func start(ctx context.Context, binary, logFile string, args []string) (*child, error) {
	stderr, err := os.Create(logFile)
	if err != nil {
		return nil, err
	}
	defer func() { _ = stderr.Close() }() // the child has its own
	stdout, printed, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.CommandContext(context.WithoutCancel(ctx), binary, args...), log: logFile, ended: make(chan error, 1)}
	c.cmd.Env = slices.DeleteFunc(c.cmd.Environ(), func(v string) bool { return strings.HasPrefix(v, "LEADGRAPH_") })
	c.cmd.Stdout, c.cmd.Stderr = printed, stderr
	err = c.cmd.Start()
	_ = printed.Close() // the child has its own
	if err != nil {
		return nil, errors.Join(err, stdout.Close())
	}
	go func() { c.ended <- c.cmd.Wait() }()
	said := make(chan []string, 2)
	go func() {
		defer func() { _ = stdout.Close() }() // all has been read
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			if match := announcement.FindStringSubmatch(lines.Text()); match != nil {
				said <- match[1:]
			}
		}
	}()
	limit := time.After(startTime)
	for c.endpoint == "" {
		select {
		case line := <-said:
			if line[0] == "admin" {
				c.admin = strings.TrimSuffix(line[1], "/")
			} else {
				c.endpoint = line[1]
			}
		case err := <-c.ended:
			return nil, fmt.Errorf("leadgraph did not start: %w, see %s", err, logFile)
		case <-limit:
			return nil, errors.Join(errors.New("leadgraph did not say where it serves"), c.kill())
		}
	}
	return c, nil
}

func (c *child) kill() error {
	return errors.Join(c.cmd.Process.Kill(), <-c.ended)
}

// stop ends leadgraph in order and returns how long that took.
func (c *child) stop() (time.Duration, error) {
	begun := time.Now()
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return 0, err
	}
	select {
	case err := <-c.ended:
		return time.Since(begun), err
	case <-time.After(endTime):
		return endTime, errors.Join(errors.New("it did not end in time"), c.kill())
	}
}

// look reads what the process holds but for its heap.
func (c *child) look(ctx context.Context) (v vitals, err error) {
	pid := c.cmd.Process.Pid
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return v, err
	}
	v.RSS = number(string(text), "VmRSS:") << 10
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return v, err
	}
	v.Files = int64(len(files))
	profile, err := c.profile(ctx, "goroutine?debug=1")
	v.Goroutines = number(profile, "goroutine profile: total")
	return v, err
}

// heap returns the bytes that are in use after a collection.
func (c *child) heap(ctx context.Context) (int64, error) {
	profile, err := c.profile(ctx, "heap?gc=1&debug=1")
	return number(profile, "# HeapAlloc ="), err
}

// profile reads one of the process's own profiles, over a connection that does
// not stay.
func (c *child) profile(ctx context.Context, name string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.admin+"/debug/pprof/"+name, nil)
	if err != nil {
		return "", err
	}
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }() // read to its end
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("profile %s: status %d", name, response.StatusCode)
	}
	return string(text), err
}

// number reads the number behind a name that begins a line.
func number(text, name string) int64 {
	for line := range strings.Lines(text) {
		if rest, found := strings.CutPrefix(line, name); found {
			digits, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
			value, _ := strconv.ParseInt(digits, 10, 64) // a number by what wrote it
			return value
		}
	}
	return 0
}

// machine names the processor and the version of Go.
func machine() string {
	model := runtime.GOARCH
	text, _ := os.ReadFile("/proc/cpuinfo") // empty where there is none
	for line := range strings.Lines(string(text)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
			break
		}
	}
	return fmt.Sprintf("%s, %d cores, %s", model, runtime.NumCPU(), runtime.Version())
}

// logged looks for what must not be in the log, in which no line is long.
func (c *child) logged(forbidden []string) (found []string, lines int, err error) {
	file, err := os.Open(c.log)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = file.Close() }() // only read
	reader := bufio.NewReaderSize(file, 1<<20)
	for {
		line, err := reader.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return found, lines, nil
		}
		if err != nil {
			return found, lines, err
		}
		lines++
		for _, text := range forbidden {
			if strings.Contains(line, text) && len(found) < 10 {
				found = append(found, fmt.Sprintf("the log says %q: %.500s", text, strings.TrimSpace(line)))
			}
		}
	}
}
