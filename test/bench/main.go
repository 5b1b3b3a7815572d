// Command bench measures leadgraph under load. It builds the program, starts it
// over the sandbox, loads it over a fixed number of connections, and compares in
// one run:
//
//	pass-through   a plain reverse proxy for the REST API: what a server costs without GraphQL
//	projection     leadgraph serve
//	textbook       leadgraph serve --no-projection: the generated executor only
//
// Only one of them runs at a time. It has one core of its own with GOMAXPROCS=1;
// the load and the sandbox share another core. Caches are off, so that each
// request goes to the sandbox, whose calls are counted. The load reads and checks
// every answer, and both modes of leadgraph must send the same bytes. Finally,
// bench measures how time and memory grow with the length of a list.
//
// With -overload, bench instead measures how many answers leadgraph gives in time
// when up to three times more requests are due than it can answer, with its
// limiter and without.
//
// With -mobs, it measures servers under clients that send their next request as soon
// as they have an answer, and come back at once, later or never when they are refused.
//
// With -peers, it compares leadgraph, bare and as users run it, with three proxies and
// two other GraphQL servers, in turns. All of them must show the same leads.
//
// With -stalls, it measures a server with many leads while it refreshes its catalogue.
//
// With -exports, it compares exports of all leads of one revision with a proxy that passes on
// the platform's pages.
//
// With -watchers, it measures what clients that watch changes cost, and how soon they have them.
//
// Run it from the repository:
//
//	go run ./test/bench -svg docs/bench.svg -markdown docs/bench.md
//	go run ./test/bench -overload -svg docs/overload.svg -markdown docs/overload.md
//	go run ./test/bench -mobs -svg docs/mobs.svg -markdown docs/overload.md
//	go run ./test/bench -peers -markdown docs/bench.md
//	go run ./test/bench -stalls
//	go run ./test/bench -exports
//	go run ./test/bench -watchers
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"leadgraph/test/bench/process"
	"leadgraph/test/bench/proxy"
	"leadgraph/test/bench/report"
	"leadgraph/test/bench/workload"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var err error
	switch {
	case len(os.Args) == 4 && os.Args[1] == proxyCommand:
		err = proxy.Serve(ctx, os.Args[2], os.Args[3], os.Stdin, os.Stdout)
	case len(os.Args) == 4 && os.Args[1] == secureCommand:
		err = serveSecure(ctx, workload.Leads, os.Args[2], os.Args[3], os.Stdout)
	default:
		err = run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	}
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		_, _ = fmt.Fprintln(os.Stderr, "bench:", err) // there is nowhere else to report an error
		os.Exit(1)
	}
}

// proxyCommand is the first argument that makes this program a proxy. Its kind and the
// URL of the target follow.
const proxyCommand = "proxy"

// run is the whole program. After a failure, it prints the results so far.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	s, err := parse(args, stderr)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.timeout, errors.New("the run took longer than -timeout"))
	defer cancel()
	dir, err := os.MkdirTemp("", "leadgraph-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	place, err := process.Pin(ctx)
	if err != nil {
		return err
	}
	b := &bench{
		settings: s,
		launch:   process.Launcher{Dir: dir, Placement: place},
		progress: stderr,
		results:  stdout,
		report: report.Report{
			Date: time.Now(), CPU: process.CPUModel(), Cores: runtime.NumCPU(), Go: runtime.Version(), Placement: place.String(),
			Connections: s.connections, ListConnections: s.listConnections,
		},
	}
	err = b.run(ctx)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if len(b.mobbed) > 0 {
		mobs := report.Mobs{Report: &b.report, Mobs: b.mobbed}
		return errors.Join(err, mobs.Write(stdout, s.svg, s.markdown))
	}
	if len(b.pressures) > 0 {
		o := report.Overload{Report: &b.report, Capacity: b.capacity, Pressures: b.pressures}
		return errors.Join(err, o.Write(stdout, s.svg, s.markdown))
	}
	if b.peers {
		b.yard.Report = &b.report
		return errors.Join(err, b.yard.Write(stdout, s.markdown))
	}
	if len(b.report.Results)+len(b.report.Growth) == 0 {
		return err
	}
	return errors.Join(err, b.report.Write(stdout, s.svg, s.markdown))
}
