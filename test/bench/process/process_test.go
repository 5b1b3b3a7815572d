package process

import (
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestAllowedCores(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status, first, last string
		ok                  bool
	}{
		{"Name:\tbench\nCpus_allowed_list:\t0-1\n", "0", "1", true},
		{"Cpus_allowed_list:\t4-7,12\n", "4", "12", true},
		{"Cpus_allowed_list:\t3\n", "3", "3", false},
		{"Cpus_allowed:\tff\n", "", "", false},
	} {
		if first, last, ok := allowedCores(c.status); first != c.first || last != c.last || ok != c.ok {
			t.Errorf("allowedCores(%q) = %s, %s, %t", c.status, first, last, ok)
		}
	}
}

func TestProcFiles(t *testing.T) {
	t.Parallel()
	const stat = "42 (a) b (c) S 1 42 42 0 -1 4194304 2163 0 0 0 150 25 0 0 20 0 7 0 12345 1"
	if got := parseCPUTime(stat); got != 1750*time.Millisecond {
		t.Errorf("CPU time %v, want 1.75s", got)
	}
	if got := parseCPUTime("42 (x) S 1"); got != 0 {
		t.Errorf("CPU time of half a line %v, want 0", got)
	}
	if got := valueOf("VmPeak:\t 9 kB\nVmHWM:\t  512 kB\n", "VmHWM"); got != "512 kB" {
		t.Errorf("value %q", got)
	}
}

func TestAnnouncementWaitsForTheWholeURL(t *testing.T) {
	t.Parallel()
	a := announcement{url: make(chan string, 1)}
	for _, piece := range []string{"sandbox: http://127.0", ".0.1:80", "80/tenantui with\n", "http://127.0.0.1:9999/\n"} {
		if _, err := a.Write([]byte(piece)); err != nil {
			t.Fatal(err)
		}
	}
	if got := <-a.url; got != "http://127.0.0.1:8080" {
		t.Errorf("URL %q", got)
	}
}

func TestAnnouncementKnowsTLS(t *testing.T) {
	t.Parallel()
	a := announcement{url: make(chan string, 1)}
	_, _ = a.Write([]byte("https://127.0.0.1:8443\nhttp://127.0.0.1:8080\n")) // never fails
	if got := <-a.url; got != "http://127.0.0.1:8080" || a.tls != "https://127.0.0.1:8443" {
		t.Errorf("URLs %q and %q", got, a.tls)
	}
}

func TestAcceptedWaitsForTheServer(t *testing.T) {
	t.Parallel()
	var listener net.Listener
	var serves chan string
	port := 0
	for listener == nil { // another program may take the free port first
		var err error
		if port, err = FreePort(t.Context()); err != nil {
			t.Fatal(err)
		}
		serves = accepted(t.Context(), Address(port))
		listener, err = new(net.ListenConfig).Listen(t.Context(), "tcp", strings.TrimPrefix(Address(port), "http://"))
		if err != nil && !errors.Is(err, syscall.EADDRINUSE) {
			t.Fatal(err)
		}
	}
	defer func() { _ = listener.Close() }()
	if got := <-serves; got != Address(port) {
		t.Errorf("URL %q", got)
	}
}

func TestAChildThatEndsRefused(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	l := Launcher{Dir: t.TempDir()}
	if _, err := l.Start(t.Context(), Child{Path: self, Args: []string{"-test.run=^$"}}); !errors.Is(err, ErrRefused) {
		t.Errorf("error %v, want %v", err, ErrRefused)
	}
}
