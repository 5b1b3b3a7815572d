package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
)

// placement says on which cores the processes run. Without fixed cores the
// server and the load take time from each other and figures scatter.
type placement struct {
	taskset      string // path of the program that pins; empty: nothing is pinned
	server, load string // core numbers
	reason       string // why nothing is pinned
}

func (p placement) String() string {
	if p.taskset == "" {
		return "not pinned to cores: " + p.reason
	}
	return fmt.Sprintf("server on core %s, load and sandbox on core %s", p.server, p.load)
}

// pin chooses the cores and moves this process to the one for load.
func pin(ctx context.Context) (placement, error) {
	status, _ := os.ReadFile("/proc/self/status") // empty where there is none
	if len(status) == 0 {
		return placement{reason: "not supported on " + runtime.GOOS}, nil
	}
	first, last, ok := allowedCores(string(status))
	if !ok {
		return placement{reason: "there is only one"}, nil
	}
	taskset, _ := exec.LookPath("taskset") // empty if it is not installed
	if taskset == "" {
		return placement{reason: "taskset is not installed"}, nil
	}
	p := placement{taskset: taskset, server: first, load: last}
	self := strconv.Itoa(os.Getpid())
	if out, err := exec.CommandContext(ctx, taskset, "-a", "-c", "-p", p.load, self).CombinedOutput(); err != nil {
		return p, fmt.Errorf("pin the load to core %s: %w: %s", p.load, err, out)
	}
	runtime.GOMAXPROCS(1)
	return p, nil
}

// allowedCores reads from a /proc/PID/status the first and the last core that
// the process may use: of all pairs the least likely to be two threads of one
// physical core. It reports false if there are not two.
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
