package process

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
)

// Placement says on which cores the processes run. Without fixed cores, the server
// and the load take time from each other, and the figures vary.
type Placement struct {
	taskset      string // path of the program that pins; empty if nothing is pinned
	server, load string // core numbers
	reason       string // why nothing is pinned
}

// String describes the placement for a report.
func (p Placement) String() string {
	if p.taskset == "" {
		return "not pinned to cores: " + p.reason
	}
	return fmt.Sprintf("server on core %s, load and sandbox on core %s", p.server, p.load)
}

// Pin chooses the cores and moves this process to the core for the load.
func Pin(ctx context.Context) (Placement, error) {
	status, _ := os.ReadFile("/proc/self/status") // empty where there is no such file
	if len(status) == 0 {
		return Placement{reason: "not supported on " + runtime.GOOS}, nil
	}
	first, last, ok := allowedCores(string(status))
	if !ok {
		return Placement{reason: "there is only one core"}, nil
	}
	taskset, _ := exec.LookPath("taskset") // empty if it is not installed
	if taskset == "" {
		return Placement{reason: "taskset is not installed"}, nil
	}
	p := Placement{taskset: taskset, server: first, load: last}
	self := strconv.Itoa(os.Getpid())
	if out, err := exec.CommandContext(ctx, taskset, "-a", "-c", "-p", p.load, self).CombinedOutput(); err != nil {
		return p, fmt.Errorf("pin the load to core %s: %w: %s", p.load, err, out)
	}
	runtime.GOMAXPROCS(1)
	return p, nil
}

// allowedCores returns the first and the last core in the text of a
// /proc/PID/status that the process may use. Of all pairs, these are the least
// likely to be two threads of one physical core. It returns false if there are
// fewer than two cores.
func allowedCores(status string) (first, last string, ok bool) {
	for line := range strings.Lines(status) {
		list, found := strings.CutPrefix(line, "Cpus_allowed_list:")
		if !found {
			continue
		}
		cores := strings.FieldsFunc(list, func(r rune) bool { return r < '0' || r > '9' })
		if len(cores) == 0 {
			return "", "", false
		}
		first, last = cores[0], cores[len(cores)-1]
		return first, last, first != last
	}
	return "", "", false
}
