package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"leadgraph/test/bench/workload"
)

// settings are the flags.
type settings struct {
	duration, warmUp, timeout    time.Duration
	connections, listConnections int
	only                         []string // names of workloads in capitals; empty for all
	overload, mobs, peers, quick bool
	stalls, watchers, exports    bool
	audience                     int
	stallLeads                   int
	rounds                       int
	cache                        string
	mobSizes                     []int
	serveFlags                   []string
	svg, markdown                string
}

// Lengths of a run with -quick, which shows that everything works and measures nothing.
const (
	quickDuration = 200 * time.Millisecond
	quickWarmUp   = 50 * time.Millisecond
)

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
	flags.StringVar(&only, "only", "", "run only these of W1,W2,W3,W4,W4L,W5,growth, with -peers also W1C,connections,tls, a comma-separated `list`")
	flags.BoolVar(&s.overload, "overload", false, "measure leadgraph under overload instead of everything else")
	flags.BoolVar(&s.mobs, "mobs", false, "measure leadgraph with up to 2,000 clients that retry what is refused; -only takes lookups,cached,pages,mix")
	flags.BoolVar(&s.stalls, "stalls", false, "measure what refreshes of the catalogue do to other requests, and how much memory it takes")
	flags.IntVar(&s.stallLeads, "stall-leads", workload.StallLeads, "`number` of leads for -stalls and -exports")
	flags.BoolVar(&s.exports, "exports", false, "compare exports of many leads with a proxy that passes on the platform's pages")
	flags.BoolVar(&s.watchers, "watchers", false, "measure what clients that watch changes cost")
	flags.IntVar(&s.audience, "audience", 10_000, "`number` of clients for -watchers")
	flags.BoolVar(&s.peers, "peers", false, "compare leadgraph with proxies and other GraphQL servers")
	flags.BoolVar(&s.quick, "quick", false, "with -peers: one short round, which shows that everything works and measures nothing")
	flags.StringVar(&s.cache, "cache", "", "with -peers: `folder` for what is built and installed; empty for one in the user's cache")
	flags.StringVar(&sizes, "mob-connections", "1,16,64,256,1000,2000", "numbers of connections for -mobs, a comma-separated `list`")
	flags.IntVar(&s.rounds, "rounds", 3, "`number` of times that -overload and -peers measure each server")
	flags.StringVar(&serveFlags, "serve-flags", "", "additional `flags` for leadgraph serve, separated by spaces")
	flags.StringVar(&s.svg, "svg", "", "write a chart to this `file`")
	flags.StringVar(&s.markdown, "markdown", "", "write the tables in Markdown to this `file`")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if flags.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	s.serveFlags = strings.Fields(serveFlags)
	s.only = strings.FieldsFunc(strings.ToUpper(only), func(r rune) bool { return r == ',' || r == ' ' })
	if s.quick {
		s.duration, s.warmUp, s.rounds = quickDuration, quickWarmUp, 1
	}
	var err error
	s.mobSizes, err = numbers(sizes)
	return s, errors.Join(err, s.check())
}

// numbers reads a list of positive numbers.
func numbers(list string) (all []int, err error) {
	for text := range strings.SplitSeq(list, ",") {
		size, err := strconv.Atoi(text)
		if err != nil || size < 1 {
			return nil, fmt.Errorf("-mob-connections: %q is not a positive number", text)
		}
		all = append(all, size)
	}
	return all, nil
}

func (s settings) check() error {
	known := s.parts()
	for _, name := range s.only {
		if !slices.Contains(known, name) {
			return fmt.Errorf("there is no workload %q", name)
		}
	}
	switch {
	case s.duration <= 0 || s.warmUp < 0 || s.timeout <= 0:
		return errors.New("-duration and -timeout must be positive, -warm-up must not be negative")
	case s.connections < 1 || s.listConnections < 1 || s.rounds < 1:
		return errors.New("-connections, -list-connections and -rounds must be positive")
	}
	return nil
}

// parts returns what -only may select, in capitals.
func (s settings) parts() []string {
	names := []string{growthName}
	for _, w := range workload.All() {
		names = append(names, w.Name)
	}
	if s.peers {
		names = append(names, workload.CachedLookup, crowdName, secureName)
	}
	if s.mobs {
		for _, m := range workload.Mobs() {
			names = append(names, strings.ToUpper(m.Name))
		}
	}
	return names
}
