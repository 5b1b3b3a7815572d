// Command soak keeps leadgraph busy for a long time while everything around it
// goes wrong, and looks whether it keeps its promises: no wrong row, no hung
// request, every answer in time, nothing leaks, an end in order.
//
// It builds leadgraph, starts it as a process of its own over a sandbox, and has
// clients ask it at random, by all transports, some of which leave early or read
// slowly. Meanwhile the platform fails in all ways that the sandbox knows, is
// gone for seconds, and leads come and go. Every row of every answer is compared
// with what an oracle knows of the platform at that time.
//
// Run it from the repository:
//
//	go run ./test/soak -for 10m
//
// All traffic stays on the loopback. It ends with status 1 and the evidence if a
// promise was broken. What is asked, and which faults there are, follows from the
// seed; when they meet does not.
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
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		_, _ = fmt.Fprintln(os.Stderr, "soak:", err) // nowhere left to report to
		os.Exit(1)
	}
}

// settings are the flags.
type settings struct {
	duration, margin time.Duration
	seed             uint64
	workers, rate    int
	race             bool
	markdown, log    string
}

func parse(args []string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("soak", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.DurationVar(&s.duration, "for", time.Minute, "`time` of load")
	flags.DurationVar(&s.margin, "margin", time.Second, "`time` by which an answer may be later than leadgraph's own deadline: the clients share its cores")
	flags.Uint64Var(&s.seed, "seed", 0, "`number` that chooses requests and faults; 0 takes one at random")
	flags.IntVar(&s.workers, "workers", 24, "`number` of clients, each with one request under way")
	flags.IntVar(&s.rate, "rate", 80, "most requests a second, all clients together, a `number`")
	flags.BoolVar(&s.race, "race", false, "build leadgraph with the race detector")
	flags.StringVar(&s.markdown, "markdown", "", "also write the summary to this `file`")
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
	case s.duration <= 0 || s.margin < 0 || s.workers < 1 || s.rate < 1:
		return s, errors.New("the times and numbers must be positive")
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
	k := &soak{settings: s, dir: dir, progress: stderr, tally: newTally()}
	if err := k.run(ctx); err != nil {
		return fmt.Errorf("seed %d: %w", s.seed, err)
	}
	text := k.tally.show(k.summary)
	if _, err := io.WriteString(stdout, text); err != nil {
		return err
	}
	if s.markdown != "" {
		if err := os.WriteFile(s.markdown, []byte(about+text), 0o644); err != nil {
			return err
		}
	}
	if k.tally.failed() {
		return fmt.Errorf("promises were broken; repeat with -seed %d", s.seed)
	}
	return nil
}
