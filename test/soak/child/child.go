// Package child runs leadgraph as a process of its own and examines it.
package child

import (
	"bufio"
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
	startTime = 30 * time.Second // until leadgraph has printed where it serves
	// endTime is how long leadgraph may take to end after SIGTERM.
	endTime = 15 * time.Second
)

// Child is a running leadgraph.
type Child struct {
	Endpoint string // URL of the API
	cmd      *exec.Cmd
	admin    string // URL of the profiles, without a slash at the end
	log      string // file with its standard error
	ended    chan error
}

// Build compiles leadgraph, with the race detector if race is set.
func Build(ctx context.Context, dir string, race bool) (binary string, err error) {
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

// announcement is a line that says where leadgraph serves. The line of the
// endpoint is the last one.
var announcement = regexp.MustCompile(`^(admin|endpoint): +(http://\S+)`)

// Start starts leadgraph and returns when it has printed where it serves. The
// process does not end with ctx, because it is examined after that. The variables are
// added to its environment.
func Start(ctx context.Context, binary, logFile string, args []string, variables ...string) (*Child, error) {
	stderr, err := os.Create(logFile)
	if err != nil {
		return nil, err
	}
	defer func() { _ = stderr.Close() }() // the child has its own descriptor
	stdout, printed, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	c := &Child{cmd: exec.CommandContext(context.WithoutCancel(ctx), binary, args...), log: logFile, ended: make(chan error, 1)}
	c.cmd.Env = slices.DeleteFunc(c.cmd.Environ(), func(v string) bool { return strings.HasPrefix(v, "LEADGRAPH_") })
	c.cmd.Env = append(c.cmd.Env, variables...)
	c.cmd.Stdout, c.cmd.Stderr = printed, stderr
	err = c.cmd.Start()
	_ = printed.Close() // the child has its own descriptor
	if err != nil {
		return nil, errors.Join(err, stdout.Close())
	}
	go func() { c.ended <- c.cmd.Wait() }()
	return c, c.waitFor(announcements(stdout))
}

// announcements sends the announcements in the output, each as a name and a URL.
func announcements(stdout io.ReadCloser) <-chan []string {
	said := make(chan []string, 2)
	go func() {
		defer func() { _ = stdout.Close() }() // read to its end
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			if match := announcement.FindStringSubmatch(lines.Text()); match != nil {
				said <- match[1:]
			}
		}
	}()
	return said
}

// waitFor waits until leadgraph has printed where it serves.
func (c *Child) waitFor(said <-chan []string) error {
	limit := time.After(startTime)
	for c.Endpoint == "" {
		select {
		case line := <-said:
			if line[0] == "admin" {
				c.admin = strings.TrimSuffix(line[1], "/")
			} else {
				c.Endpoint = line[1]
			}
		case err := <-c.ended:
			return fmt.Errorf("leadgraph did not start: %w, see %s", err, c.log)
		case <-limit:
			return errors.Join(errors.New("leadgraph did not print where it serves"), c.Kill())
		}
	}
	return nil
}

// Kill ends leadgraph at once.
func (c *Child) Kill() error {
	err := c.cmd.Process.Kill()
	if ended := <-c.ended; ended == nil { // otherwise it says that it was killed
		return errors.Join(err, errors.New("it had ended before"))
	}
	return err
}

// Hangup sends SIGHUP, on which leadgraph reads some of its files again.
func (c *Child) Hangup() error { return c.cmd.Process.Signal(syscall.SIGHUP) }

// Stop ends leadgraph by SIGTERM and returns how long that took.
func (c *Child) Stop() (time.Duration, error) {
	begun := time.Now()
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return 0, err
	}
	select {
	case err := <-c.ended:
		return time.Since(begun), err
	case <-time.After(endTime):
		return endTime, errors.Join(errors.New("it did not end in time"), c.Kill())
	}
}

// Logged returns the lines of the log that contain a forbidden text, at most ten,
// and the number of all lines.
func (c *Child) Logged(forbidden []string) (found []string, lines int, err error) {
	file, err := os.Open(c.log)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = file.Close() }() // only for reading
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
				found = append(found, fmt.Sprintf("the log contains %q: %.500s", text, strings.TrimSpace(line)))
			}
		}
	}
}
