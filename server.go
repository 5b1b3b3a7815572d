// Command leadgraph serves a GraphQL API over the Operator Connect leads of the
// AudioCodes Live Platform. Without settings it starts its own sandbox, a stand-in
// platform, so `go run .` needs neither credentials nor network.
package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"leadgraph/internal/app"
	"leadgraph/internal/heap"
)

//go:embed schema.graphqls
var schema string

// gcPercent and heapFloor trade memory for time. With Go's default of 100 the collector
// takes a fifth of the time of small answers; with 400 a page of 100 leads takes 180 MB.
// A higher floor would let the garbage of large documents double the process.
// docs/operations.md has the figures. GOGC and GOMEMLIMIT still apply.
const (
	gcPercent = 200
	heapFloor = 64 << 20
)

func main() {
	if err := runUntilSignal(os.Args[1:]); err != nil {
		if errors.Is(err, syscall.EPIPE) { // the reader has seen enough, as head has
			os.Exit(1)
		}
		_, _ = fmt.Fprintln(os.Stderr, "leadgraph:", err) // nowhere left to report to
		os.Exit(1)
	}
}

// runUntilSignal runs the program. The first signal stops it gracefully; a second
// one ends the process at once. A reader of standard output or error that goes away
// does not end the process.
func runUntilSignal(args []string) error {
	if os.Getenv("GOGC") == "" {
		defer heap.Keep(gcPercent, heapFloor).Stop()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the second signal gets Go's default handling
	signal.Ignore(syscall.SIGPIPE)
	return app.Program{Schema: schema, Hangups: hangups}.Run(ctx, args, os.Getenv, os.Stdout, os.Stderr)
}

// hangups passes on SIGHUP, which would otherwise end the process, until stop is
// called.
func hangups() (signals <-chan os.Signal, stop func()) {
	received := make(chan os.Signal, 1)
	signal.Notify(received, syscall.SIGHUP)
	return received, func() { signal.Stop(received) }
}
