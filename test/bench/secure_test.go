package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheSandboxWithTLS(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := writeCertificate(folder); err != nil {
		t.Fatal(err)
	}
	certificate, err := os.ReadFile(filepath.Join(folder, certificateFile))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(certificate)
	for _, protocol := range []string{http1, http2} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			secure, plain := startSecure(t, protocol, folder)
			client := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}
			defer client.CloseIdleConnections()
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, secure+"/healthz", nil)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
			if want := map[string]int{http1: 1, http2: 2}[protocol]; answer.ProtoMajor != want {
				t.Errorf("answered with %s", answer.Proto)
			}
			if calls, err := upstreamCalls(t.Context(), plain); err != nil || calls != 0 {
				t.Errorf("%d calls, %v", calls, err)
			}
		})
	}
}

// startSecure returns the two URLs of a sandbox.
func startSecure(t *testing.T, protocol, folder string) (secure, plain string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	from, to := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- serveSecure(ctx, 10, protocol, folder, to) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the sandbox ended: %v", err)
		}
	})
	lines := bufio.NewReader(from)
	first, _ := lines.ReadString('\n')
	second, err := lines.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(strings.TrimPrefix(first, "secure endpoint: ")), strings.TrimSpace(strings.TrimPrefix(second, "endpoint: "))
}
