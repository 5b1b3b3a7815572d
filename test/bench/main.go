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
// With -stalls, it measures a server with many leads while it refreshes its catalogue.
//
// Run it from the repository:
//
//	go run ./test/bench -svg docs/bench.svg -markdown docs/bench.md
//	go run ./test/bench -overload -svg docs/overload.svg -markdown docs/overload.md
//	go run ./test/bench -mobs
//	go run ./test/bench -stalls
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
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"leadgraph/test/bench/process"
	"leadgraph/test/bench/report"
	"leadgraph/test/bench/workload"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var err error
	if len(os.Args) == 3 && os.Args[1] == proxyCommand {
		err = serveProxy(ctx, os.Args[2], os.Stdin, os.Stdout)
	} else {
		err = run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	}
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		_, _ = fmt.Fprintln(os.Stderr, "bench:", err) // there is nowhere else to report an error
		os.Exit(1)
	}
}

// settings are the flags.
type settings struct {
	duration, warmUp, timeout    time.Duration
	connections, listConnections int
	only                         []string // names of workloads in capitals; empty for all
	overload, mobs, stalls       bool
	stallLeads                   int
	rounds                       int
	mobSizes                     []int
	serveFlags                   []string
	svg, markdown                string
}

func parse(args []string, stderr io.Writer) (settings, error) {
	var s settings
	var only, serveFlags, sizes string
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.DurationVar(&s.duration, "duration", 5*time.Second, "how long to measure each server with each workload, a `duration`")
	flags.DurationVar(&s.warmUp, "warm-up", time.Second, "how long to load a server before it is measured, a `duration`")
	flags.DurationVar(&s.timeout, "timeout", 10*time.Minute, "maximum `duration` of the whole run")
	flags.IntVar(&s.connections, "connections", 32, "`number` of connections, each with one request under way")
	flags.IntVar(&s.listConnections, "list-connections", 4, "`number` of connections for W5, where the sandbox and the textbook path need about 100 MB for each")
	flags.StringVar(&only, "only", "", "run only these of W1,W2,W3,W4,W4L,W5,growth, a comma-separated `list`")
	flags.BoolVar(&s.overload, "overload", false, "measure leadgraph under overload instead of everything else")
	flags.BoolVar(&s.mobs, "mobs", false, "measure leadgraph with up to 2,000 clients that retry what is refused; -only takes lookups,cached,pages,mix")
	flags.BoolVar(&s.stalls, "stalls", false, "measure what refreshes of the catalogue do to other requests, and how much memory it takes")
	flags.IntVar(&s.stallLeads, "stall-leads", workload.StallLeads, "`number` of leads for -stalls")
	flags.StringVar(&sizes, "mob-connections", "1,16,64,256,1000,2000", "numbers of connections for -mobs, a comma-separated `list`")
	flags.IntVar(&s.rounds, "rounds", 3, "`number` of times that -overload measures each server")
	flags.StringVar(&serveFlags, "serve-flags", "", "additional `flags` for leadgraph serve, separated by spaces")
	flags.StringVar(&s.svg, "svg", "", "write a chart to this `file`")
	flags.StringVar(&s.markdown, "markdown", "", "write the tables in Markdown to this `file`")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	s.serveFlags = strings.Fields(serveFlags)
	for text := range strings.SplitSeq(sizes, ",") {
		size, err := strconv.Atoi(text)
		if err != nil || size < 1 {
			return s, fmt.Errorf("-mob-connections: %q is not a positive number", text)
		}
		s.mobSizes = append(s.mobSizes, size)
	}
	s.only = strings.FieldsFunc(strings.ToUpper(only), func(r rune) bool { return r == ',' || r == ' ' })
	for _, name := range s.only {
		if s.mobs && slices.ContainsFunc(workload.Mobs(), func(m workload.Mob) bool { return strings.ToUpper(m.Name) == name }) {
			continue
		}
		if name != growthName && !slices.ContainsFunc(workload.All(), func(w workload.Workload) bool { return w.Name == name }) {
			return s, fmt.Errorf("there is no workload %q", name)
		}
	}
	switch {
	case flags.NArg() > 0:
		return s, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case s.duration <= 0 || s.warmUp < 0 || s.timeout <= 0:
		return s, errors.New("-duration and -timeout must be positive, -warm-up must not be negative")
	case s.connections < 1 || s.listConnections < 1 || s.rounds < 1:
		return s, errors.New("-connections, -list-connections and -rounds must be positive")
	}
	return s, nil
}

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
	if len(b.pressures) > 0 {
		o := report.Overload{Report: &b.report, Capacity: b.capacity, Pressures: b.pressures}
		return errors.Join(err, o.Write(stdout, s.svg, s.markdown))
	}
	if len(b.report.Results)+len(b.report.Growth) == 0 {
		return err
	}
	return errors.Join(err, b.report.Write(stdout, s.svg, s.markdown))
}
