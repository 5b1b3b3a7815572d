package webhook

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"golang.org/x/sync/errgroup"

	"leadgraph/lead"
	"leadgraph/lead/changes"
	"leadgraph/lead/flight"
)

const (
	// maxBatch is how many changes are sent before the position is stored.
	maxBatch = 100
	// maxConcurrent is how many leads are sent at a time.
	maxConcurrent = 8
	// brokenPause is the pause before leads or positions that cannot be read are tried again.
	brokenPause = time.Second
)

// sender sends to one receiver.
type sender struct {
	*Senders
	url     string
	name    string // of the receiver among positions
	holder  string // the name of this process
	retrier failsafe.Executor[attempted]
	log     *slog.Logger

	last string // the text of the position, also of that of another holder; empty if none is known

	sent, failed  atomic.Uint64
	gone, failing atomic.Bool
	oldest        atomic.Int64 // when the oldest change that is not accepted was observed, in ns since 1970, or 0
}

func newSender(all *Senders, address, holder string) *sender {
	sum := sha256.Sum256([]byte(address))
	host := ""
	if parsed, err := url.Parse(address); err == nil {
		host = parsed.Hostname()
	}
	return &sender{
		Senders: all, url: address, name: hex.EncodeToString(sum[:16]), holder: holder, retrier: newRetrier(),
		log: all.options.Logger.With(slog.String("host", host)),
	}
}

func (s *sender) state() State {
	state := State{Sent: s.sent.Load(), Failed: s.failed.Load(), Gone: s.gone.Load()}
	if oldest := s.oldest.Load(); oldest > 0 {
		state.Lag = max(0, time.Since(time.Unix(0, oldest)))
	}
	return state
}

// ends reports whether nothing more is to be sent.
func (s *sender) ends(ctx context.Context) bool { return ctx.Err() != nil || s.gone.Load() }

// run sends until ctx ends or the receiver is gone.
func (s *sender) run(ctx context.Context) {
	if s.options.Positions == nil {
		s.follow(ctx, "")
		return
	}
	for !s.ends(ctx) {
		position, held, err := s.options.Positions.Hold(s.name, s.holder)
		if err != nil || !held {
			s.last = cmp.Or(position, s.last)
			pause(ctx, s.options.Lease/3)
			continue
		}
		s.serve(ctx, position)
		s.oldest.Store(0)
	}
}

// serve sends for as long as this process has the lease, which it has just got.
func (s *sender) serve(ctx context.Context, position string) {
	ctx, lose := context.WithCancel(ctx)
	var keeping sync.WaitGroup
	keeping.Go(func() {
		defer lose()
		s.keep(ctx)
	})
	s.follow(ctx, position)
	lose()
	keeping.Wait()
	s.options.Positions.Release(s.name, s.holder)
}

// keep renews the lease until it is lost or ctx ends.
func (s *sender) keep(ctx context.Context) {
	for until := time.Now().Add(s.options.Lease); time.Now().Before(until); {
		pause(ctx, s.options.Lease/3)
		if ctx.Err() != nil {
			return
		}
		begun := time.Now()
		_, held, err := s.options.Positions.Hold(s.name, s.holder)
		switch {
		case held:
			until = begun.Add(s.options.Lease)
		case err == nil:
			return
		}
	}
}

// follow sends the changes after a stored position until ctx ends or the receiver is gone.
func (s *sender) follow(ctx context.Context, stored string) {
	log, leave, err := s.options.Leads.Listen(ctx)
	if err != nil { // never, because all callers read the same leads
		s.log.Error("webhooks cannot be sent", slog.Any("error", err))
		pause(ctx, longestPause)
		return
	}
	defer leave()
	at, ok := s.begin(ctx, log, stored)
	for ok && !s.ends(ctx) {
		batch, err := log.Read(at, nil, maxBatch)
		switch {
		case errors.Is(err, changes.ErrExpired):
			at, ok = s.reset(ctx, log)
		case err != nil:
			pause(ctx, brokenPause)
		case len(batch.Entries) > 0:
			at, ok = s.deliver(ctx, at, batch)
		default:
			at = batch.Next
			select {
			case <-log.News(at):
			case <-ctx.Done():
			}
		}
	}
}

// begin returns the position to begin with: the stored one, the last that this process knows
// of, or the end of the log. An empty log begins with the next snapshot.
func (s *sender) begin(ctx context.Context, log *changes.Log, stored string) (at changes.Position, ok bool) {
	for wait := brokenPause; ; wait = min(2*wait, longestPause) {
		snapshot, _, err := s.options.Leads.Snapshot(flight.Unhurried(ctx), lead.Freshness{})
		if err == nil {
			log.Of(snapshot)
			break
		}
		if pause(ctx, wait); ctx.Err() != nil {
			return at, false
		}
	}
	if at = positionOf(stored); at == (changes.Position{}) && s.last != "" {
		at = positionOf(s.last) // the stored one is lost
	}
	for err := log.Find(ctx, at); err != nil && !errors.Is(err, changes.ErrExpired) && ctx.Err() == nil; err = log.Find(ctx, at) {
		pause(ctx, brokenPause) // the replica that has stored it is ahead
	}
	from := "the stored position"
	if ok = stored != "" || s.last != ""; !ok {
		from = "now"
		at, _ = log.End()
		ok = s.save(ctx, textOf(at))
	}
	s.log.Info("changes are sent to a webhook", slog.String("from", from))
	return at, ok
}

// reset tells the receiver that changes are missing, and returns the position to go on with.
func (s *sender) reset(ctx context.Context, log *changes.Log) (at changes.Position, ok bool) {
	at, asOf := log.End()
	s.oldest.Store(time.Now().UnixNano())
	defer s.oldest.Store(0)
	s.log.Warn("changes for a webhook are no longer known; its receiver is told to read all leads again")
	id := "reset-" + textOf(at)
	body, err := resetEvent(s.options.Source, id, asOf)
	if err != nil { // never
		s.log.Error("a change cannot be sent", slog.Any("error", err))
		return at, false
	}
	return at, s.send(ctx, id, body) && s.save(ctx, textOf(at))
}

// deliver sends a batch, stores the position after the changes up to the first that was not
// accepted, and returns it. ok is false if there is such a change, or if the position
// cannot be stored.
func (s *sender) deliver(ctx context.Context, at changes.Position, batch changes.Batch) (next changes.Position, ok bool) {
	s.oldest.Store(batch.Entries[0].AsOf.UnixNano())
	defer s.oldest.Store(0)
	accepted := make([]bool, len(batch.Entries))
	var sending errgroup.Group
	sending.SetLimit(maxConcurrent)
	for _, chain := range chains(batch.Entries) {
		sending.Go(func() error {
			for _, i := range chain {
				if accepted[i] = s.sendChange(ctx, batch.Entries[i]); !accepted[i] {
					break
				}
			}
			return nil
		})
	}
	_ = sending.Wait() // no error
	for i, entry := range batch.Entries {
		if !accepted[i] {
			s.save(ctx, textOf(at))
			return at, false
		}
		at = entry.At
	}
	return batch.Next, s.save(ctx, textOf(batch.Next))
}

func (s *sender) sendChange(ctx context.Context, entry changes.Entry) (accepted bool) {
	id := textOf(entry.Nth)
	body, err := flight.Guard(func() ([]byte, error) { return changeEvent(s.options.Source, id, entry, s.options.PII) })
	if err != nil { // never: leads hold well-formed JSON
		s.log.Error("a change cannot be sent", slog.String("event", id), slog.String("reason", "it cannot be encoded"))
		return true
	}
	return s.send(ctx, id, body)
}

// chains returns the places of the changes of each lead, in the order in which the leads occur.
func chains(entries []changes.Entry) [][]int {
	var all [][]int
	known := map[string]int{}
	for i, entry := range entries {
		l := entry.After
		if l == nil {
			l = entry.Before
		}
		place, ok := known[l.ID]
		if !ok {
			place = len(all)
			known[l.ID] = place
			all = append(all, nil)
		}
		all[place] = append(all[place], i)
	}
	return all
}

// save stores a position. It reports whether this process still has the lease.
func (s *sender) save(ctx context.Context, position string) bool {
	s.last = position
	if s.options.Positions == nil {
		return true
	}
	for {
		held, err := s.options.Positions.Save(s.name, s.holder, position)
		if err == nil || ctx.Err() != nil {
			return held
		}
		pause(ctx, brokenPause)
	}
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
