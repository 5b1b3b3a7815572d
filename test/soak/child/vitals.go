package child

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
)

// Vitals are what leadgraph holds at a moment.
type Vitals struct {
	Goroutines, Files int64
	Heap              int64 // bytes in use after a collection; 0 if unknown
	RSS               int64 // bytes
}

// Most returns the larger value of each figure.
func (v Vitals) Most(other Vitals) Vitals {
	return Vitals{max(v.Goroutines, other.Goroutines), max(v.Files, other.Files), max(v.Heap, other.Heap), max(v.RSS, other.RSS)}
}

// Look returns what the process holds, without the heap.
func (c *Child) Look(ctx context.Context) (v Vitals, err error) {
	pid := c.cmd.Process.Pid
	if v.RSS, err = c.status("VmRSS:"); err != nil {
		return v, err
	}
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return v, err
	}
	v.Files = int64(len(files))
	profile, err := c.profile(ctx, "goroutine?debug=1")
	v.Goroutines = number(profile, "goroutine profile: total")
	return v, err
}

// MostRSS returns the most resident memory that the process ever had, in bytes.
func (c *Child) MostRSS() (int64, error) { return c.status("VmHWM:") }

// status returns a size in the status of the process, in bytes.
func (c *Child) status(name string) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	return number(string(text), name) << 10, err
}

// Heap collects garbage and returns the bytes in use.
func (c *Child) Heap(ctx context.Context) (int64, error) {
	profile, err := c.profile(ctx, "heap?gc=1&debug=1")
	return number(profile, "# HeapAlloc ="), err
}

// Metric returns the value of a metric without labels, 0 if there is none.
func (c *Child) Metric(ctx context.Context, name string) (int64, error) {
	text, err := c.read(ctx, "/metrics")
	return number(text, name+" "), err
}

func (c *Child) profile(ctx context.Context, name string) (string, error) {
	return c.read(ctx, "/debug/pprof/"+name)
}

// read reads a path of the admin listener. It closes the connection, so that the process
// does not hold it.
func (c *Child) read(ctx context.Context, path string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.admin+path, nil)
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
		err = fmt.Errorf("%s: status %d", path, response.StatusCode)
	}
	return string(text), err
}

// number returns the number after a name at the beginning of a line, 0 if there
// is none.
func number(text, name string) int64 {
	for line := range strings.Lines(text) {
		if rest, found := strings.CutPrefix(line, name); found {
			digits, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
			value, _ := strconv.ParseInt(digits, 10, 64) // always a number
			return value
		}
	}
	return 0
}

// Holds tells whether the process holds a connection whose own end has the address, on the loopback.
func (c *Child) Holds(address string) bool {
	_, port, _ := strings.Cut(address, ":")
	number, err := strconv.ParseUint(port, 10, 16)
	table, failed := os.ReadFile("/proc/net/tcp")
	if err != nil || failed != nil {
		return false
	}
	for line := range strings.Lines(string(table)) {
		fields := strings.Fields(line) // the local address is the second, the inode the tenth
		if len(fields) < 10 || fields[1] != fmt.Sprintf("0100007F:%04X", number) {
			continue
		}
		folder := fmt.Sprintf("/proc/%d/fd", c.cmd.Process.Pid)
		files, err := os.ReadDir(folder)
		if err != nil {
			return false
		}
		for _, file := range files {
			if target, _ := os.Readlink(folder + "/" + file.Name()); target == "socket:["+fields[9]+"]" {
				return true
			}
		}
	}
	return false
}
