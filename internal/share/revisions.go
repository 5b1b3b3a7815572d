package share

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/changes"
)

// list is all leads of a revision. The zero list knows none.
type list struct {
	name       catalogue.Revision
	leads      []*lead.Lead
	unreadable int
}

// known returns the leads of the newest revision that the catalogue has shown, or that was
// reached before the reading that goes on.
func (s *Source) known() list {
	latest := s.opts.Latest()
	s.mu.Lock()
	defer s.mu.Unlock()
	if latest != nil && latest.Revision() != (catalogue.Revision{}) {
		s.named = latest
	}
	if s.reached.leads != nil {
		return s.reached
	}
	if s.named == nil {
		return list{}
	}
	return list{s.named.Revision(), s.named.All(), s.named.Unreadable()}
}

// reach returns the leads of a head: those that are known with the revisions that follow, or
// all that are stored.
func (s *Source) reach(ctx context.Context, h head, t turn) (list, error) {
	known := s.known()
	if known.name == h.name && h.name != (catalogue.Revision{}) {
		return known, nil
	}
	if known.name.Log == h.name.Log && known.name.Number < h.name.Number {
		if got, err := s.forward(ctx, known, h.name, t); err == nil {
			return got, nil
		}
	}
	reading, err := s.store.load(ctx, h.name.Log, h.whole)
	if err != nil {
		return list{}, err
	}
	name := catalogue.Revision{Log: h.name.Log, Number: h.whole.number, Tag: h.whole.tag}
	return s.forward(ctx, list{name, reading.Leads, reading.Unreadable}, h.name, t)
}

// maxForward bounds the changes that are applied to get from one revision to another, in
// bytes, by estimate. With more, loading all leads takes less.
const maxForward = changes.DefaultMaxBytes

// forward applies the revisions that lead to another one.
func (s *Source) forward(ctx context.Context, from list, to catalogue.Revision, t turn) (list, error) {
	if from.name == to {
		return from, nil
	}
	var steps []changes.Step
	left := int64(maxForward)
	err := s.store.between(ctx, from.name.Number+1, to.Number, func(e entry) error {
		leads, fits := e.Apply(from.leads)
		left -= changes.Weight(e.Changes)
		if e.base != from.name || e.whole || !fits || len(leads) > s.store.opts.MaxLeads || left < 0 {
			return errStep
		}
		from = list{e.name, leads, e.unreadable}
		steps = append(steps, e.step(t.moment))
		return nil
	})
	if err != nil {
		return list{}, err
	}
	if from.name != to {
		return list{}, errStep
	}
	s.remember(steps)
	return from, nil
}

// remember keeps steps for the log, which asks for them when the catalogue has published.
func (s *Source) remember(steps []changes.Step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.steps = steps
}

// between calls take for each entry of the stream with a number in a range.
func (s *Store) between(ctx context.Context, first, last uint64, take func(entry) error) error {
	for first <= last {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		page, err := s.entries(first, last)
		if err != nil || len(page)%2 != 0 {
			return errors.Join(err, errStep)
		}
		if len(page) == 0 {
			break
		}
		for i := 0; i < len(page); i += 2 {
			e, err := s.parseEntry(page[i+1])
			if err == nil && (page[i] != strconv.FormatUint(e.name.Number, 10)+"-0" || e.name.Number < first) {
				err = errFormat
			}
			if err != nil {
				s.complain(err)
				return err
			}
			if err := take(e); err != nil {
				return err
			}
			first = e.name.Number + 1
		}
	}
	return nil
}

// entries returns the entries with numbers in a range, as far as they fit one answer: ids
// and values by turns.
func (s *Store) entries(first, last uint64) ([]string, error) {
	args := []string{strconv.FormatUint(first, 10), strconv.FormatUint(last, 10), strconv.Itoa(maxEntry)}
	return scripted(s, "entries", func(ctx context.Context, client rueidis.Client) ([]string, error) {
		return s.scripts.entries.Exec(ctx, client, []string{s.logKey()}, args).AsStrSlice()
	}, func(commands) ([]string, error) { return nil, errStep })
}

// Steps implements changes.History.
func (s *Source) Steps(ctx context.Context, from, to catalogue.Revision) []changes.Step {
	s.mu.Lock()
	recent := s.steps
	s.mu.Unlock()
	if from != (catalogue.Revision{}) {
		if steps := chain(recent, from, to); steps != nil || from.Log != to.Log || from.Number >= to.Number {
			return steps
		}
	}
	asked := time.Now()
	now, err := s.store.clock()
	if err != nil {
		return nil
	}
	t := turn{now: now, asked: asked}
	var steps []changes.Step // the newest, as far as the log has room for them
	left := s.opts.MaxBytes
	err = s.store.between(ctx, from.Number+1, to.Number, func(e entry) error {
		if e.whole {
			steps, left = nil, s.opts.MaxBytes
			return nil
		}
		steps = append(steps, e.step(t.moment))
		for left -= changes.Weight(e.Changes); left < 0 && len(steps) > 1; steps = slices.Delete(steps, 0, 1) {
			left += changes.Weight(steps[0].Changes)
		}
		return nil
	})
	if err != nil {
		return nil
	}
	return chain(steps, from, to)
}

// chain returns the steps that lead to a revision without a gap, from another one or, if
// that is zero, as many as there are.
func chain(steps []changes.Step, from, to catalogue.Revision) []changes.Step {
	last := slices.IndexFunc(steps, func(s changes.Step) bool { return s.Name == to })
	first := last
	for ; first > 0 && steps[first].Base != from && steps[first-1].Name == steps[first].Base; first-- {
		continue
	}
	if last < 0 || from != (catalogue.Revision{}) && steps[first].Base != from {
		return nil
	}
	return steps[first : last+1]
}

// Unsettle implements changes.History.
func (s *Source) Unsettle(ids []string) {
	s.store.background(func() { s.store.unsettle(strings.Join(ids, "\n")+"\n", s.opts.Keep) })
}

// unsettled returns the leads that the next revision tells.
func (s *Source) unsettled() map[string]struct{} {
	ids := s.store.takeUnsettled()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.told == nil {
		s.told = map[string]struct{}{}
	}
	for id := range strings.SplitSeq(ids, "\n") {
		s.told[id] = struct{}{}
	}
	return s.told
}

func (s *Source) settle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = nil
}

func (s *Source) setReached(l list) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reached = l
}

type baseKey struct{}

// Base returns the leads that a reading will be compared with, for a source that is read
// with this context; nil if they are not known, or are those of the latest snapshot.
func Base(ctx context.Context) []*lead.Lead {
	base, _ := ctx.Value(baseKey{}).([]*lead.Lead)
	return base
}

// prepare loads the revisions that this replica has missed, before it reads for all.
func (s *Source) prepare(ctx context.Context, t turn) context.Context {
	h, err := s.store.parseHead(t.head)
	if err != nil || s.store.scriptless.Load() || h.name == (catalogue.Revision{}) || h.name == s.known().name {
		return ctx
	}
	base, err := s.reach(ctx, h, t)
	if err != nil {
		return ctx
	}
	s.setReached(base)
	return context.WithValue(ctx, baseKey{}, base.leads)
}
func (s *Store) unsettledKey() string { return s.prefix + "unsettled" }

// unsettle and takeUnsettled do nothing where scripts are forbidden, because replicas share
// no revisions then.
func (s *Store) unsettle(ids string, keep time.Duration) {
	args := []string{ids, millis(keep)}
	_, _ = scripted(s, "unsettle", func(ctx context.Context, client rueidis.Client) (struct{}, error) {
		return struct{}{}, s.scripts.unsettle.Exec(ctx, client, []string{s.unsettledKey()}, args).Error()
	}, func(commands) (struct{}, error) { return struct{}{}, nil })
}

func (s *Store) takeUnsettled() string {
	ids, _ := scripted(s, "take", func(ctx context.Context, client rueidis.Client) (string, error) {
		return s.scripts.take.Exec(ctx, client, []string{s.unsettledKey()}, nil).ToString()
	}, func(commands) (string, error) { return "", nil })
	return ids
}
