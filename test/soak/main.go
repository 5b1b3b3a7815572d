// Command soak keeps leadgraph busy for a long time while everything around it
// goes wrong. It checks that no row is wrong, that no request hangs, that every
// answer is in time, that nothing leaks, and that leadgraph ends in order.
//
// It builds leadgraph and starts it as processes of their own over sandboxes. First,
// clients walk through lists that change, while two servers answer by turns and
// restart. Then random clients ask one server over all transports; some leave early
// or read slowly. Meanwhile the platform fails in every way that the sandbox can
// imitate, is down for seconds, and its leads come and go. An oracle that knows what
// the platform had at each moment compares every row of every answer. Others attack
// leadgraph at the same time.
//
// Run it from the repository:
//
//	go run ./test/soak -for 10m
//
// All traffic stays on the loopback. If anything was wrong, it prints the evidence
// and exits with status 1. The seed determines what clients ask and which faults
// occur, but not when the two meet.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"time"

	"leadgraph/test/soak/report"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		_, _ = fmt.Fprintln(os.Stderr, "soak:", err) // there is nowhere else to report an error
		os.Exit(1)
	}
}

// settings are the flags.
type settings struct {
	duration, margin time.Duration
	seed             uint64
	workers, rate    int
	leads            int
	memory           int     // MiB; 0 if it is not limited
	walks            float64 // part of the time
	race             bool
	markdown, log    string
}

func parse(args []string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("soak", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.DurationVar(&s.duration, "for", time.Minute, "how long to load leadgraph, a `duration`")
	flags.DurationVar(&s.margin, "margin", time.Second, "how much later than leadgraph's own deadline an answer may arrive, a `duration`; the clients share its cores")
	flags.Uint64Var(&s.seed, "seed", 0, "`number` that determines requests and faults; 0 chooses one at random")
	flags.IntVar(&s.workers, "workers", 24, "`number` of clients, each with one request under way")
	flags.IntVar(&s.rate, "rate", 80, "maximum `number` of requests a second, all clients together")
	flags.Float64Var(&s.walks, "walks", 0.4, "`part` of the time in which lists that change are walked through, 0 to 1")
	flags.IntVar(&s.leads, "leads", 2000, "`number` of leads of the platform that fails; more than 1,000, so that there are several pages")
	flags.IntVar(&s.memory, "memory", 0, "run leadgraph as deploy/ does, where it may have so many `MiB` of memory; 0 does not limit it")
	flags.BoolVar(&s.race, "race", false, "build leadgraph with the race detector")
	flags.StringVar(&s.markdown, "markdown", "", "also write the report to this `file`")
	flags.StringVar(&s.log, "log", "", "keep leadgraph's log in this `file`")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if s.seed == 0 {
		s.seed = rand.Uint64()
	}
	switch {
	case flags.NArg() > 0:
		return s, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case s.walks < 0 || s.walks > 1:
		return s, errors.New("-walks must be between 0 and 1")
	case s.leads <= 1000 || s.memory < 0:
		return s, errors.New("-leads must be more than 1000, -memory must not be negative")
	case s.duration <= 0 || s.margin < 0 || s.workers < 1 || s.rate < 1:
		return s, errors.New("-for, -workers and -rate must be positive, -margin must not be negative")
	}
	return s, nil
}

// run is the whole program.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	s, err := parse(args, stderr)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "leadgraph-soak-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	k := &soak{settings: s, dir: dir, progress: stderr, tally: report.NewTally()}
	if err := k.run(ctx); err != nil {
		return fmt.Errorf("seed %d: %w", s.seed, err)
	}
	text := k.tally.Show(k.summary)
	if _, err := io.WriteString(stdout, text); err != nil {
		return err
	}
	if s.markdown != "" {
		if err := os.WriteFile(s.markdown, []byte(report.About+text), 0o644); err != nil {
			return err
		}
	}
	if k.tally.Failed() {
		return fmt.Errorf("there were violations; repeat with -seed %d", s.seed)
	}
	return nil
}
