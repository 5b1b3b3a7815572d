package main

import (
	"context"
	"os"
	"strconv"
	"time"

	"leadgraph/test/bench/process"
	"leadgraph/test/bench/workload"
	"leadgraph/upstream/sandbox"
)

// upstream is a sandbox and a bearer token for it.
type upstream struct {
	*process.Process
	token string
}

func (b *bench) startSandbox(ctx context.Context, into *upstream, leads int, latency time.Duration) (err error) {
	into.Process, err = b.launch.Start(ctx, process.Child{Path: b.launch.Binary, Args: []string{
		"sandbox", "--listen", "127.0.0.1:0", "--sandbox-leads", strconv.Itoa(leads), "--latency", latency.String(), "--log-level", "warn",
	}})
	if err == nil {
		into.token, err = token(ctx, into.URL)
	}
	return err
}

// startServer starts a server under test over an upstream.
func (b *bench) startServer(ctx context.Context, name string, up upstream) (*process.Process, error) {
	if name == workload.PassThrough {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		return b.launch.Start(ctx, process.Child{Path: self, Args: []string{proxyCommand, up.URL}, Stdin: up.token + "\n", Server: true})
	}
	level := "warn"
	if name == workload.WithLog {
		level = "info"
	}
	args := []string{
		"--drain-delay", "0s", "--log-level", level, "--lookup-ttl", "0", "--lookup-negative-ttl", "0",
		// The default protects the platform; it would limit W4L to 64 calls in 20 ms.
		"--upstream-concurrency", strconv.Itoa(b.connections * workload.AliasTenants),
		// For the textbook path, which takes seconds for W5.
		"--request-timeout", "1m", "--upstream-timeout", "1m", "--upstream-attempt-timeout", "30s",
	}
	if name == workload.Textbook {
		args = append(args, "--no-projection")
	}
	return b.startLeadgraph(ctx, up, args)
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
		"serve", "--listen", "127.0.0.1:0", "--no-playground", "--upstream-url", up.URL + sandbox.BasePath, "--max-first", strconv.Itoa(workload.Leads),
	}
	return b.launch.Start(ctx, process.Child{
		Path: b.launch.Binary, Args: append(append(args, flags...), b.serveFlags...), Server: true,
		Env: []string{"LEADGRAPH_UPSTREAM_TOKEN=" + up.token, "LEADGRAPH_CURSOR_KEY=" + b.cursorKey},
	})
}
