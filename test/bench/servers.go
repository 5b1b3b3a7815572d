package main

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"leadgraph/test/bench/process"
	"leadgraph/test/bench/proxy"
	"leadgraph/test/bench/workload"
	"leadgraph/upstream/sandbox"
)

// upstream is a sandbox and a bearer token for it.
type upstream struct {
	*process.Process
	token string
}

// base is the URL that servers call.
func (u upstream) base() string { return cmp.Or(u.TLS, u.URL) }

func (b *bench) startSandbox(ctx context.Context, into *upstream, leads int, latency time.Duration) (err error) {
	into.Process, err = b.launch.Start(ctx, process.Child{Path: b.launch.Binary, Args: []string{
		"sandbox", "--listen", "127.0.0.1:0", "--sandbox-leads", strconv.Itoa(leads), "--latency", latency.String(), "--log-level", "warn",
	}})
	if err == nil {
		into.token, err = token(ctx, into.URL)
	}
	return err
}

// subject is a server under test and how it is started.
type subject struct {
	name string
	up   upstream
	// cached means that leadgraph remembers lookups for longer than any measurement.
	cached bool
	// crowded means that leadgraph refuses no request, however many there are.
	crowded bool
}

// start starts a server under test.
func (b *bench) start(ctx context.Context, s subject) (*process.Process, error) {
	switch s.name {
	case workload.PassThrough, workload.PooledProxy:
		return b.startProxy(ctx, proxy.Pooled, s.up)
	case workload.ReverseProxy:
		return b.startProxy(ctx, proxy.Reverse, s.up)
	case workload.SpliceProxy:
		return b.startProxy(ctx, proxy.Splice, s.up)
	case workload.PlainGqlgen:
		return b.others.StartGqlgen(ctx, &b.launch, s.up.URL, s.up.token)
	case workload.Tailcall:
		return b.others.StartTailcall(ctx, &b.launch, s.up.URL, s.up.token)
	}
	args := []string{"--drain-delay", "0s", "--log-level", "warn"}
	if s.name == workload.WithLog || s.name == workload.AsRun {
		args[len(args)-1] = "info"
	}
	if s.cached {
		args = append(args, "--lookup-ttl", "10m")
	} else {
		args = append(args, "--lookup-ttl", "0", "--lookup-negative-ttl", "0")
	}
	if s.name == workload.AsRun {
		return b.startLeadgraph(ctx, s.up, append(args, b.identity.flags()...))
	}
	// The default protects the platform; it would limit W4L to 64 calls in 20 ms.
	calls := b.connections * workload.AliasTenants
	if s.crowded {
		calls = slices.Max(crowdSizes())
		args = append(args, "--max-in-flight", "0")
	}
	args = append(args, "--upstream-concurrency", strconv.Itoa(calls),
		// For the textbook path, which takes seconds for W5.
		"--request-timeout", "1m", "--upstream-timeout", "1m", "--upstream-attempt-timeout", "30s")
	if s.name == workload.Textbook {
		args = append(args, "--no-projection")
	}
	return b.startLeadgraph(ctx, s.up, args)
}

func (b *bench) startProxy(ctx context.Context, kind string, up upstream) (*process.Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return b.launch.Start(ctx, process.Child{
		Path: self, Args: []string{proxyCommand, kind, up.base()}, Stdin: up.token + "\n", Server: true, Env: []string{b.trust()},
	})
}

// trust is the variable that makes a child trust the certificate of the sandbox with
// TLS, and no other.
func (b *bench) trust() string {
	return "SSL_CERT_FILE=" + filepath.Join(b.launch.Dir, certificateFile)
}

// startLimited starts leadgraph with its defaults, or with a limiter that never refuses.
// Without cached, lookups are not remembered.
func (b *bench) startLimited(ctx context.Context, cached bool, name string, up upstream) (*process.Process, error) {
	args := []string{"--log-level", "error"}
	if !cached {
		args = append(args, "--lookup-ttl", "0", "--lookup-negative-ttl", "0")
	}
	if name == workload.Unlimited {
		args = append(args, "--max-in-flight", "0")
	}
	return b.startLeadgraph(ctx, up, args)
}

// startLeadgraph starts leadgraph with further flags.
func (b *bench) startLeadgraph(ctx context.Context, up upstream, flags []string) (*process.Process, error) {
	args := []string{
		"serve", "--listen", "127.0.0.1:0", "--no-playground", "--upstream-url", up.base() + sandbox.BasePath, "--max-first", strconv.Itoa(workload.Leads),
	}
	return b.launch.Start(ctx, process.Child{
		Path: b.launch.Binary, Args: append(append(args, flags...), b.serveFlags...), Server: true,
		Env: []string{"LEADGRAPH_UPSTREAM_TOKEN=" + up.token, "LEADGRAPH_CURSOR_KEY=" + b.cursorKey, b.trust()},
	})
}
