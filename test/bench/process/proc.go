package process

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of times in /proc. On every Linux, programs see 1/100 s.
const tick = 10 * time.Millisecond

// CPUTime returns the processor time that a process has used, user and system, or
// 0 if there is no /proc.
func CPUTime(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	return parseCPUTime(string(text))
}

// parseCPUTime reads the text of a /proc/PID/stat. It counts the fields after the
// program's name, because the name can contain anything. It is in parentheses.
func parseCPUTime(stat string) time.Duration {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64) // the kernel writes a number
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * tick
}

// PeakMemory returns the largest resident memory that a process has had, in bytes,
// or 0 if there is no /proc.
func PeakMemory(pid int) int64 { return memory(pid, "VmHWM") }

// Memory returns the resident memory of a process in bytes, or 0 if there is no /proc.
func Memory(pid int) int64 { return memory(pid, "VmRSS") }

func memory(pid int, name string) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	kib, _ := strconv.ParseInt(strings.TrimSuffix(valueOf(string(text), name), " kB"), 10, 64)
	return kib << 10
}

// CPUModel returns the name of the machine's processor.
func CPUModel() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if model := valueOf(string(text), "model name"); err == nil && model != "" {
		return model
	}
	return runtime.GOOS + "/" + runtime.GOARCH
}

// valueOf returns the value of the first line "name: value" in a text of /proc.
func valueOf(text, name string) string {
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
