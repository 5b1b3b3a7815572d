// Command watch has many clients watch leads while servers, Redis and the platform come and
// go. It checks that no client loses a change, gets one out of order or one that never was.
//
// It builds leadgraph and starts several servers that share a Redis. Clients list leads and
// follow their changes over WebSockets, server-sent events, multipart answers and polling,
// with and without a filter. Some are slow, some lose their connection with a batch that
// they have not applied. Meanwhile the leads change all the time, the servers restart one
// after the other, the one that reads the platform is killed, and so is Redis. Each client checks
// that every change goes on from where the one before has ended. When everything is quiet
// its copy must be the platform's list.
//
// Run it from the repository:
//
//	go run ./test/watch -for 10m -restarts 20 -rate 170
//
// All traffic stays on the loopback. If anything was wrong, it prints the evidence and exits
// with status 1.
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

	"leadgraph/test/soak/child"
	"leadgraph/test/watch/follower"
	"leadgraph/test/watch/world"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		_, _ = fmt.Fprintln(os.Stderr, "watch:", err) // there is nowhere else to report an error
		os.Exit(1)
	}
}

// settings are the flags.
type settings struct {
	duration                 time.Duration
	followers, replicas      int
	leads, rate              int
	restarts, outages, kills int
	seed                     uint64
	race, forgets            bool
	logs                     string
}

func parse(args []string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("watch", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.DurationVar(&s.duration, "for", time.Minute, "how long leads change, a `duration`")
	flags.IntVar(&s.followers, "followers", 100, "`number` of clients")
	flags.IntVar(&s.replicas, "replicas", 3, "`number` of servers")
	flags.IntVar(&s.leads, "leads", 500, "`number` of leads at the start; at most 800, so that a client lists them at once")
	flags.IntVar(&s.rate, "rate", 50, "`number` of changes a second")
	flags.IntVar(&s.restarts, "restarts", 3, "`number` of times that all servers restart, one after the other")
	flags.IntVar(&s.outages, "outages", 1, "`number` of times that Redis is killed, and starts again with its data")
	flags.BoolVar(&s.forgets, "forgets", false, "let Redis start without its data; the log of changes is lost then, so resets are no violations")
	flags.IntVar(&s.kills, "kills", 2, "`number` of times that the server which reads the platform is killed")
	flags.Uint64Var(&s.seed, "seed", 0, "`number` that determines the changes; 0 chooses one at random")
	flags.BoolVar(&s.race, "race", false, "build leadgraph with the race detector")
	flags.StringVar(&s.logs, "logs", "", "keep the logs of the servers in this `folder`")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if s.seed == 0 {
		s.seed = rand.Uint64()
	}
	if flags.NArg() > 0 || s.duration <= 0 || s.followers < 1 || s.replicas < 1 || s.leads < 20 || s.leads > 800 || s.rate < 1 || s.restarts < 0 || s.outages < 0 || s.kills < 0 {
		return s, errors.New("a flag is out of range")
	}
	return s, nil
}

// run is the whole program.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	s, err := parse(args, stderr)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "leadgraph-watch-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	binary, err := child.Build(ctx, dir, s.race)
	if err != nil {
		return err
	}
	all, err := world.Start(ctx, s.leads, s.seed)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, all.Close()) }()
	tally := follower.NewTally()
	st := &stage{settings: s, dir: dir, binary: binary, world: all, tally: tally, random: rand.New(rand.NewPCG(s.seed, 2)), progress: stderr}
	if err := st.play(ctx); err != nil {
		return fmt.Errorf("seed %d: %w", s.seed, err)
	}
	if _, err := io.WriteString(stdout, tally.Show()); err != nil {
		return err
	}
	if tally.Failed() {
		return fmt.Errorf("there were violations; repeat with -seed %d", s.seed)
	}
	return nil
}
