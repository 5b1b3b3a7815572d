// Package share lets replicas of leadgraph share what they read from the
// platform through Redis or Valkey: the list of all leads, and lookups by tenant.
//
// It is an optimisation that nothing depends on. While the server cannot be
// reached every call does without it: no error comes from it, and no step waits
// for it longer than Options.Bound. A background goroutine tries to reach it
// again, so that no request has to.
//
// What is shared holds personal data. It expires on the server when it is too
// old to be used, and Options.Key encrypts it.
package share

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/redis/rueidis"
)

// Defaults of Options.
const (
	DefaultPrefix = "leadgraph:"
	// DefaultBound leaves time for a chunk of leads at 50 Mbit/s.
	DefaultBound = 50 * time.Millisecond
	// DefaultLeaseTTL is long enough for a holder to survive pauses, and short
	// enough to wait for when it does not.
	DefaultLeaseTTL = 10 * time.Second
)

const (
	// The pause after a failure doubles from the first to the longest for as long as
	// the server cannot be reached.
	firstPause   = time.Second
	longestPause = 30 * time.Second
	// reachTimeout bounds one attempt to reach the server; no request waits for it.
	reachTimeout = 2 * time.Second
)

// errUnreachable is why a step was not tried; the reason is in the log already.
var errUnreachable = errors.New("shared state is out of reach")

// Options configure a Store. All but URL and Namespace may be zero.
type Options struct {
	// URL is redis://, rediss://, valkey://, valkeys:// or unix://, as
	// rueidis.ParseURL reads it. A cluster and a sentinel set are understood.
	URL string
	// Namespace says whose leads these are: the platform's base URL and the
	// account they are read with, without its secret. Stores with different
	// namespaces share nothing.
	Namespace string
	// Prefix starts every key; empty means DefaultPrefix.
	Prefix string
	// Key encrypts what is stored; 32 bytes, the same in all replicas, or none.
	Key []byte
	// Bound is the most that one step may take; 0 means DefaultBound.
	Bound time.Duration
	// LeaseTTL is after which time another replica may read in the place of one
	// that died; 0 means DefaultLeaseTTL.
	LeaseTTL time.Duration
	// Logger is told when the server is lost and found; nil means none.
	Logger *slog.Logger
}

// Store is the connection to the shared state. It is safe for concurrent use.
type Store struct {
	opts     Options
	client   rueidis.ClientOption
	scripts  scripts
	vault    vault
	warnOnce sync.Once // of a wrong key
	prefix   string

	life    context.Context // ends with Close
	end     context.CancelFunc
	settled context.Context // ends when the first attempt to connect need not be awaited
	settle  context.CancelFunc
	lost    chan struct{}  // wakes the supervisor
	work    sync.WaitGroup // the supervisor and terms of reading
	steps   sync.WaitGroup

	mu         sync.Mutex
	connection rueidis.Client // nil until the first success
	state      state
	closed     bool
}

type state uint8

const (
	untried state = iota
	reachable
	unreachable
)

// Open makes a store. It does not wait for the server, which may come up later
// or never; the error says what is wrong with the options. Close it after use.
func Open(opts Options) (*Store, error) {
	client, err := rueidis.ParseURL(opts.URL)
	if err != nil {
		// The parser's error quotes the URL, which may hold a password.
		return nil, errors.New("the URL of the shared state is not of the form redis://HOST:PORT/DB")
	}
	vault, err := newVault(opts.Key)
	if err != nil {
		return nil, fmt.Errorf("the key of the shared state: %w", err)
	}
	if opts.Prefix == "" {
		opts.Prefix = DefaultPrefix
	}
	if opts.Bound == 0 {
		opts.Bound = DefaultBound
	}
	if opts.LeaseTTL == 0 {
		opts.LeaseTTL = DefaultLeaseTTL
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	client.DisableCache = true // nothing here is read twice
	client.DisableRetry = true // a step that fails is done without
	// When the one connection works again there is no other that does not.
	client.PipelineMultiplex = -1
	if client.Dialer.Timeout == 0 {
		client.Dialer.Timeout = reachTimeout
	}
	if client.ConnWriteTimeout == 0 {
		client.ConnWriteTimeout = reachTimeout
	}
	namespace := sha256.Sum256([]byte(opts.Namespace))
	s := &Store{
		opts: opts, client: client, scripts: newScripts(), vault: vault, lost: make(chan struct{}, 1),
		// The braces keep all keys on one node of a cluster, as scripts need.
		prefix: opts.Prefix + "{" + hex.EncodeToString(namespace[:12]) + ":" + formatVersion + "}:",
	}
	s.life, s.end = context.WithCancel(context.Background())
	s.settled, s.settle = context.WithTimeout(s.life, opts.Bound)
	s.work.Go(s.supervise)
	return s, nil
}

// Close gives up a lease that is held and closes the connection. Sources of the
// store read from the platform from then on.
func (s *Store) Close() {
	s.mu.Lock()
	s.end()
	s.mu.Unlock()
	s.settle()
	s.work.Wait()
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	if s.connection != nil {
		s.connection.Close()
	}
	s.steps.Wait()
}

// background runs a task that Close waits for, unless it is too late for that.
func (s *Store) background(task func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.life.Err() == nil {
		s.work.Go(task)
	}
}

// supervise connects, and after every loss reconnects.
func (s *Store) supervise() {
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		err := s.reach()
		s.mark(err)
		s.settle()
		if err == nil {
			pause = firstPause
			select {
			case <-s.lost:
			case <-s.life.Done():
				return
			}
		}
		select {
		case <-time.After(jittered(pause)):
		case <-s.life.Done():
			return
		}
	}
}

func (s *Store) reach() error {
	s.mu.Lock()
	client := s.connection
	s.mu.Unlock()
	if client != nil {
		ctx, cancel := context.WithTimeout(s.life, reachTimeout)
		defer cancel()
		return client.Do(ctx, client.B().Ping().Build()).Error()
	}
	client, err := rueidis.NewClient(s.client)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.connection = client
	s.mu.Unlock()
	return nil
}

// mark notes whether the server can be reached, and logs when that changes.
func (s *Store) mark(err error) {
	now := reachable
	if err != nil {
		now = unreachable
	}
	s.mu.Lock()
	before := s.state
	s.state = now
	s.mu.Unlock()
	switch {
	case before == now || s.life.Err() != nil:
	case now == reachable:
		s.opts.Logger.Info("shared state is reachable")
	default:
		s.opts.Logger.Warn("shared state is unreachable, going on without it", slog.Any("error", err))
		if before == reachable {
			s.lost <- struct{}{} // has room: the supervisor took the last before it marked success
		}
	}
}

// Lost tells whether the server cannot be reached.
func (s *Store) Lost() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == unreachable
}

// complain logs why something shared is of no use, unless that is because the
// server is lost.
func (s *Store) complain(err error) {
	switch {
	case errors.Is(err, errSealed):
		s.warnOnce.Do(func() {
			s.opts.Logger.Warn("shared state cannot be decrypted; the key must be the same in all replicas")
		})
	case errors.Is(err, errFormat), errors.Is(err, errChunks), errors.Is(err, errTooLarge):
		s.opts.Logger.Warn("leads cannot be shared", slog.Any("error", err))
	}
}

// attempt runs one step with the server if that can be reached. It returns
// after Options.Bound at the latest; the step may then still be running, so it
// must not write to anything that the caller reads.
//
// The bound is not that of the caller's context, because a command that is cut
// off costs the connection.
func attempt[T any](s *Store, step func(context.Context, rueidis.Client) (T, error)) (T, error) {
	var none T
	client := s.reached()
	if client == nil {
		return none, errUnreachable
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.opts.Bound)
	defer cancel()
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		defer s.steps.Done()
		value, err := step(ctx, client)
		done <- result{value, err}
	}()
	var got result
	select {
	case got = <-done:
	case <-ctx.Done():
		got.err = ctx.Err()
	}
	if got.err != nil && !rueidis.IsRedisNil(got.err) {
		s.mark(got.err)
	}
	return got.value, got.err
}

// reached returns the connection, with the step counted that the caller is to
// do with it; nil if the server cannot be reached.
func (s *Store) reached() rueidis.Client {
	<-s.settled.Done()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != reachable || s.closed {
		return nil
	}
	s.steps.Add(1)
	return s.connection
}

// jittered varies a duration by half to both sides, so that replicas do not
// come in step.
func jittered(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.5 + rand.Float64()))
}
