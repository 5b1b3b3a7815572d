package changes

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/flight"
)

// Catalogue is what a Feed reads; see catalogue.Catalogue.
type Catalogue interface {
	Snapshot(ctx context.Context, want lead.Freshness) (*catalogue.Snapshot, catalogue.State, error)
}

// DefaultInterval is how often a Feed reads all leads while somebody listens.
const DefaultInterval = 15 * time.Second

const (
	// restFactor is how many times longer than a reading took the time until the next one
	// is at least: polling costs the platform at most a tenth of its time.
	restFactor = 10
	// longestPause is the longest time between attempts while the platform fails.
	longestPause = 5 * time.Minute
	// spread varies the intervals, so that servers do not read in step.
	spread = 0.1
)

// Feed is a log, and the poller that keeps it up to date while somebody listens. The owner
// publishes every snapshot of the catalogue to the log. A Feed is safe for concurrent use.
type Feed struct {
	*Log
	catalogue Catalogue
	interval  time.Duration
	logger    *slog.Logger

	life context.Context
	end  context.CancelFunc
	runs sync.WaitGroup

	mu        sync.Mutex
	listeners int
	stop      context.CancelFunc // ends the poller; nil if none runs
	turn      sync.Mutex         // held by the poller: the one before may still be ending
	pause     time.Duration      // between the beginnings of two readings
	failures  int                // since the last success
	attempted time.Time          // when the poller began its last reading
}

// NewFeed returns a feed. An interval of 0 means DefaultInterval. It reads nothing until
// Listen is called. Close it before the catalogue.
func NewFeed(c Catalogue, o Options, interval time.Duration, logger *slog.Logger) *Feed {
	if interval == 0 {
		interval = DefaultInterval
	}
	f := &Feed{Log: NewLog(o), catalogue: c, interval: interval, logger: logger, pause: interval}
	f.life, f.end = context.WithCancel(context.Background())
	return f
}

// Close ends the poller and returns when it has ended. Nothing can be read from the log
// afterwards.
func (f *Feed) Close() {
	f.mu.Lock()
	f.end()
	f.mu.Unlock()
	f.close()
	f.runs.Wait()
}

// Listen keeps the log up to date until leave is called, which may be done more than once.
func (f *Feed) Listen() (leave func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.listeners++
	if f.stop == nil && f.life.Err() == nil {
		ctx, stop := context.WithCancel(f.life)
		f.stop = stop
		f.runs.Go(func() { f.poll(ctx) })
	}
	return sync.OnceFunc(func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.listeners--; f.listeners == 0 && f.stop != nil {
			f.stop()
			f.stop = nil
		}
	})
}

// Listeners returns how many listen.
func (f *Feed) Listeners() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.listeners
}

// poll reads all leads again and again until ctx ends.
func (f *Feed) poll(ctx context.Context) {
	f.turn.Lock()
	defer f.turn.Unlock()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if wait := f.due(time.Now()); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-ctx.Done():
				return
			}
			continue // somebody else may have read all leads meanwhile
		}
		if ctx.Err() != nil {
			return
		}
		f.read(ctx)
	}
}

// due returns how long it is until the next reading.
func (f *Feed) due(now time.Time) time.Duration {
	last := f.Seen()
	if last.After(now) || last.Before(f.attempted) { // another server's clock, or the attempt failed
		last = f.attempted
	}
	if last.IsZero() {
		return 0
	}
	return last.Add(f.pause).Sub(now)
}

// read reads all leads and decides when to do it next. The catalogue publishes them. Leads
// that somebody else has begun to read since the last reading do as well, so that several
// servers together read as often as one.
func (f *Feed) read(ctx context.Context) {
	begun := time.Now()
	f.attempted = begun
	_, _, err := f.catalogue.Snapshot(flight.Unhurried(ctx), lead.Freshness{NotBefore: f.Seen().Add(1)})
	if ctx.Err() != nil {
		return
	}
	pause := max(f.interval, restFactor*time.Since(begun))
	if err == nil {
		f.failures = 0
	} else {
		f.failures++
		pause = max(pause, min(pause<<min(f.failures, 16), longestPause))
		f.logger.LogAttrs(ctx, slog.LevelWarn, "leads could not be read for those who watch them", slog.Any("error", err), slog.Duration("pause", pause))
		if lead.Denied(err) {
			f.Refuse(err)
		}
	}
	f.pause = pause + time.Duration(spread*rand.Float64()*float64(pause))
}
