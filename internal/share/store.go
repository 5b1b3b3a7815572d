// Package share lets replicas of leadgraph share what they read from the platform:
// the list of all leads, and lookups by tenant. They also share the documents that
// clients have registered. The data is shared through Redis or Valkey, which this package
// calls the server.
//
// Sharing is an optimisation that nothing depends on. While the server cannot be
// reached every call works without it: it causes no error, and no step waits for it
// longer than Options.Bound. A background goroutine reconnects, so that no request
// has to.
//
// The shared values contain personal data. They expire on the server when they are
// too old to be used, and Options.Key encrypts and authenticates them. Stored values
// are not believed in any case: they are bounded before they are read, and must pass
// the checks that the platform's answers pass, or have the hash that was asked for. Values that fail are not used and are
// overwritten. Only the server's clock and the lease are taken as they are.
package share

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

// Defaults of Options.
const (
	DefaultPrefix = "leadgraph:"
	// DefaultBound is long enough to transfer a chunk of leads at 50 Mbit/s.
	DefaultBound = 50 * time.Millisecond
	// DefaultLeaseTTL is long enough for a holder to survive short pauses: it renews the
	// lease three times in this time. If the holder dies, others wait for less than 3 s.
	DefaultLeaseTTL = 2500 * time.Millisecond
	DefaultMaxLeads = 500_000
)

const (
	// While the server cannot be reached, the pause between attempts doubles from
	// firstPause to longestPause.
	firstPause   = time.Second
	longestPause = 30 * time.Second
	// reachTimeout bounds one attempt to reach the server; no request waits for it.
	reachTimeout = 2 * time.Second
)

// Options configure a Store. All but URL and Namespace may be zero.
type Options struct {
	// URL has the scheme redis://, rediss://, valkey://, valkeys:// or unix://. It is
	// parsed by rueidis.ParseURL. Clusters and sentinels are supported.
	URL string
	// Namespace identifies whose leads are shared: the platform's base URL and the
	// account that reads them, without its secret. Stores with different namespaces
	// share nothing.
	Namespace string
	// Prefix is the start of every key; empty means DefaultPrefix.
	Prefix string
	// Key encrypts the stored values. It has 32 bytes and must be the same in all
	// replicas. If it is empty nothing is encrypted or authenticated: whoever can
	// write to the server then decides what is answered.
	Key []byte
	// MaxLeads is the maximum number of leads to load; 0 means DefaultMaxLeads.
	MaxLeads int
	// Bound is the maximum duration of one step; 0 means DefaultBound.
	Bound time.Duration
	// LeaseTTL is the time after which another replica may take over reading from
	// one that died; 0 means DefaultLeaseTTL.
	LeaseTTL time.Duration
	// Logger receives changes of the server's state and problems with shared values.
	// If it is nil nothing is logged.
	Logger *slog.Logger
}

// Store is the connection to the shared state. It is safe for concurrent use.
type Store struct {
	opts    Options
	scripts scripts
	vaults  atomic.Pointer[vault] // the present one
	prefix  string
	doubts  doubts // about shared values

	// scriptless is set while the server forbids scripts.
	scriptless atomic.Bool

	life    context.Context // canceled by Close
	end     context.CancelFunc
	settled context.Context // done when steps need no longer wait for the first connection
	settle  context.CancelFunc
	lost    chan struct{}  // wakes the supervisor
	moved   chan struct{}  // wakes it when dial has changed
	work    sync.WaitGroup // the supervisor and background tasks
	steps   sync.WaitGroup // the steps in progress

	mu         sync.Mutex
	dial       rueidis.ClientOption
	moves      int            // how often dial has changed
	connection rueidis.Client // nil until the first success, also after a change of dial
	state      state
	closed     bool
	refusals   map[string]time.Time // when a refused step may be tried again; see judge
}

// Open returns a store, which must be closed. It does not wait for the server, which
// may start later or never. An error means that the options are invalid.
func Open(opts Options) (*Store, error) {
	dial, err := dialTo(opts.URL)
	if err != nil {
		return nil, err
	}
	vault, err := newVault(opts.Key)
	if err != nil {
		return nil, fmt.Errorf("the key of the shared state: %w", err)
	}
	opts.Prefix = cmp.Or(opts.Prefix, DefaultPrefix)
	opts.Bound = cmp.Or(opts.Bound, DefaultBound)
	opts.LeaseTTL = cmp.Or(opts.LeaseTTL, DefaultLeaseTTL)
	opts.MaxLeads = cmp.Or(opts.MaxLeads, DefaultMaxLeads)
	opts.Logger = cmp.Or(opts.Logger, slog.New(slog.DiscardHandler))
	namespace := sha256.Sum256([]byte(opts.Namespace))
	s := &Store{
		opts: opts, dial: dial, scripts: newScripts(), lost: make(chan struct{}, 1), moved: make(chan struct{}, 1), refusals: map[string]time.Time{},
		// The braces keep all keys on one node of a cluster, which scripts require.
		prefix: opts.Prefix + "{" + hex.EncodeToString(namespace[:12]) + ":" + formatVersion + "}:",
	}
	s.vaults.Store(&vault)
	s.life, s.end = context.WithCancel(context.Background())
	s.settled, s.settle = context.WithTimeout(s.life, opts.Bound)
	s.work.Go(s.supervise)
	return s, nil
}

// Close releases a lease that is held and closes the connection. Sources of the
// store then read from the platform.
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

// background runs a task that Close waits for. After Close it does nothing.
func (s *Store) background(task func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.life.Err() == nil {
		s.work.Go(task)
	}
}

// supervise connects to the server, and reconnects after every loss.
func (s *Store) supervise() {
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		err := s.reach()
		for errors.Is(err, errMoved) {
			err = s.reach()
		}
		s.mark(err)
		s.settle()
		if err == nil {
			pause = firstPause
			select {
			case <-s.lost:
			case <-s.moved:
				continue
			case <-s.life.Done():
				return
			}
		}
		select {
		case <-time.After(jittered(pause)):
		case <-s.moved:
		case <-s.life.Done():
			return
		}
	}
}

func (s *Store) reach() error {
	s.mu.Lock()
	client, dial, moves := s.connection, s.dial, s.moves
	s.mu.Unlock()
	if client != nil {
		ctx, cancel := context.WithTimeout(s.life, reachTimeout)
		defer cancel()
		err := client.Do(ctx, client.B().Ping().Build()).Error()
		if code := codeOf(err); code != "" && !refusesAll(code) {
			return nil // it forbids only this command
		}
		return err
	}
	client, err := rueidis.NewClient(dial)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.moves != moves { // meanwhile
		client.Close()
		return errMoved
	}
	s.connection = client
	return nil
}

// reached returns the connection, or an error if the server cannot be reached or has
// just refused the step. Without an error it counts the step that the caller will run,
// which must call steps.Done.
func (s *Store) reached(step string) (rueidis.Client, error) {
	<-s.settled.Done()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != reachable || s.closed || s.connection == nil {
		return nil, errUnreachable
	}
	if time.Now().Before(s.refusals[step]) {
		return nil, errRefused
	}
	s.steps.Add(1)
	return s.connection, nil
}

// jittered returns a random duration between 0.5 and 1.5 times d, so that replicas do
// not act in step.
func jittered(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.5 + rand.Float64()))
}

// millis returns a time to live as the scripts take it.
func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
