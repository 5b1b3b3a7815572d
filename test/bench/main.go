// Command bench measures leadgraph under load. It builds the program, starts
// it over the sandbox, drives it through a closed loop of connections and
// compares, in one run:
//
//	pass-through   a plain REST reverse proxy, what a GraphQL layer costs nothing over
//	projection     leadgraph serve
//	textbook       leadgraph serve --no-projection, the generated executor alone
//
// Only one of them runs at a time, alone on one core with GOMAXPROCS=1; the
// load and the sandbox share another core. Caches are off: each request goes to
// the sandbox, whose calls are counted. Every answer is read to its end and
// checked, and both ways of leadgraph must answer the same bytes. It then
// measures how time and memory grow with the size of a list.
//
// With -overload it measures instead how many answers leadgraph gives in time
// when up to three times as many are asked for as it can give, with its limiter
// and without.
//
// Run it from the repository:
//
//	go run ./test/bench -svg docs/bench.svg -markdown docs/bench.md
//	go run ./test/bench -overload -svg docs/overload.svg -markdown docs/overload.md
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
	"strings"
	"syscall"
	"time"
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
		_, _ = fmt.Fprintln(os.Stderr, "bench:", err) // nowhere left to report to
		os.Exit(1)
	}
}

// settings are the flags.
type settings struct {
	duration, warmUp, timeout    time.Duration
	connections, listConnections int
	only                         []string // names of workloads, in capitals; empty means all
	overload                     bool
	rounds                       int
	serveFlags                   []string
	svg, markdown                string
}

func parse(args []string, stderr io.Writer) (settings, error) {
	var s settings
	var only, serveFlags string
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.DurationVar(&s.duration, "duration", 5*time.Second, "`time` for which each server is measured with each workload")
	flags.DurationVar(&s.warmUp, "warm-up", time.Second, "`time` of load before that")
	flags.DurationVar(&s.timeout, "timeout", 10*time.Minute, "`time` after which the whole run is given up")
	flags.IntVar(&s.connections, "connections", 32, "`number` of connections, each with one request under way")
	flags.IntVar(&s.listConnections, "list-connections", 4, "`number` of connections of W5: the sandbox and the textbook path hold some 100 MB for each")
	flags.StringVar(&only, "only", "", "run only these of W1,W2,W3,W4,W4L,W5,growth, a comma-separated `list`")
	flags.BoolVar(&s.overload, "overload", false, "measure what is left of the capacity when more is asked, instead of all else")
	flags.IntVar(&s.rounds, "rounds", 3, "`number` of times that each server is measured by -overload")
	flags.StringVar(&serveFlags, "serve-flags", "", "further `flags` of leadgraph serve, separated by spaces")
	flags.StringVar(&s.svg, "svg", "", "write a chart to this `file`")
	flags.StringVar(&s.markdown, "markdown", "", "write the tables in Markdown to this `file`")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	s.serveFlags = strings.Fields(serveFlags)
	s.only = strings.FieldsFunc(strings.ToUpper(only), func(r rune) bool { return r == ',' || r == ' ' })
	for _, name := range s.only {
		if name != growthName && !slices.ContainsFunc(workloads(), func(w workload) bool { return w.name == name }) {
			return s, fmt.Errorf("there is no workload %q", name)
		}
	}
	switch {
	case flags.NArg() > 0:
		return s, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case s.duration <= 0 || s.warmUp < 0 || s.timeout <= 0:
		return s, errors.New("the times must be positive")
	case s.connections < 1 || s.listConnections < 1 || s.rounds < 1:
		return s, errors.New("the numbers must be positive")
	}
	return s, nil
}

// run is the whole program. What was measured before a failure is printed too.
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
	place, err := pin(ctx)
	if err != nil {
		return err
	}
	b := &bench{
		settings: s,
		launch:   launcher{dir: dir, placement: place},
		progress: stderr,
		report: report{
			Date: time.Now(), CPU: cpuModel(), Cores: runtime.NumCPU(), Go: runtime.Version(), Placement: place.String(),
			Connections: s.connections, ListConnections: s.listConnections,
		},
	}
	err = b.run(ctx)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if len(b.pressures) > 0 {
		o := overloadReport{report: &b.report, Capacity: b.capacity, Pressures: b.pressures}
		return errors.Join(err, o.write(stdout, s.svg, s.markdown))
	}
	if len(b.report.Results)+len(b.report.Growth) == 0 {
		return err
	}
	return errors.Join(err, b.report.write(stdout, s.svg, s.markdown))
}
