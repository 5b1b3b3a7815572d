package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of times in /proc, 1/100 s for user space on every Linux.
const tick = 10 * time.Millisecond

// cpuTime is the processor time that a process has used, user and system; 0
// where there is no /proc.
func cpuTime(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	return parseCPUTime(string(text))
}

// parseCPUTime reads a /proc/PID/stat. The program's name, in parentheses, can
// hold anything, so fields are counted behind it.
func parseCPUTime(stat string) time.Duration {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64) // a number by the kernel's word
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * tick
}

// peakMemory is the largest resident memory that a process has had, in bytes; 0
// where there is no /proc.
func peakMemory(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	kib, _ := strconv.ParseInt(strings.TrimSuffix(valueOf(string(text), "VmHWM"), " kB"), 10, 64)
	return kib << 10
}

// cpuModel names the machine's processor.
func cpuModel() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if model := valueOf(string(text), "model name"); err == nil && model != "" {
		return model
	}
	return runtime.GOOS + "/" + runtime.GOARCH
}

// valueOf reads the first line "name: value" of a file of /proc.
func valueOf(text, name string) string {
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
