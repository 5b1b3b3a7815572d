package changes_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/changes"
	"leadgraph/lead/leadtest"
)

// shelf is a history of steps that a test puts there.
type shelf []changes.Step

// Steps implements changes.History.
func (h *shelf) Steps(_ context.Context, from, to catalogue.Revision) []changes.Step {
	first, last := 0, slices.IndexFunc(*h, func(s changes.Step) bool { return s.Name == to })
	if from != (catalogue.Revision{}) {
		first = slices.IndexFunc(*h, func(s changes.Step) bool { return s.Base == from })
	}
	if last < 0 || first < 0 || first > last {
		return nil
	}
	return (*h)[first : last+1]
}

// Unsettle implements changes.History.
func (*shelf) Unsettle([]string) {}

// reading is a source with one reading.
type reading catalogue.Reading

// AllLeads implements catalogue.Source.
func (r reading) AllLeads(context.Context, time.Time) (catalogue.Reading, error) {
	return catalogue.Reading(r), nil
}

func rev(n uint64) catalogue.Revision { return catalogue.Revision{Log: 1, Number: n, Tag: 7} }

// a returns a list of one lead with a value.
func a(value string) []*lead.Lead {
	return []*lead.Lead{{ID: "a", TenantID: "t", StatusText: &value}}
}

// snap returns a snapshot of one lead; the revision may be zero.
func snap(t *testing.T, value string, name catalogue.Revision) *catalogue.Snapshot {
	t.Helper()
	c := catalogue.New(reading{Leads: a(value), Complete: true, Revision: name}, catalogue.Options{TTL: time.Hour})
	defer c.Close()
	s, _, err := c.Snapshot(t.Context(), lead.Freshness{})
	if err != nil {
		t.Fatal(err)
	}
	leadtest.Pass(time.Second)
	return s
}

// put adds the step from the revision before.
func (h *shelf) put(n uint64, before, after string) {
	*h = append(*h, changes.Step{Base: rev(n - 1), Name: rev(n), AsOf: time.Now(), Changes: []changes.Change{{Before: a(before)[0], After: a(after)[0]}}})
}

// told returns the values that a reader gets from a position, and where it is then.
func told(t *testing.T, log *changes.Log, at changes.Position) (values []string, end changes.Position) {
	t.Helper()
	batch, err := log.Read(at, nil, 100)
	if err != nil {
		t.Fatalf("position %v: %v", at, err)
	}
	for _, e := range batch.Entries {
		values = append(values, *e.After.StatusText)
	}
	return values, batch.Next
}

func wantTold(t *testing.T, log *changes.Log, at, end changes.Position, want ...string) {
	t.Helper()
	if got, next := told(t, log, at); !slices.Equal(got, want) || next != end {
		t.Errorf("from %v: %q to %v, want %q to %v", at, got, next, want, end)
	}
}

// A log waits for the revisions that replicas share. Whoever has listed leads that they do
// not share gets from there to the next revision that they do.
func TestLogWaitsForSharedRevisions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		history := &shelf{}
		log := changes.NewLog(changes.Options{History: history})
		log.Publish(t.Context(), snap(t, "1", rev(1)))
		first := changes.Position{Revision: rev(1)}
		wantTold(t, log, first, first)
		alone := snap(t, "x", catalogue.Revision{})
		log.Publish(t.Context(), alone)
		wantTold(t, log, first, first)
		aside := log.Of(alone)
		wantTold(t, log, aside, aside)
		news := log.News(aside)
		history.put(2, "1", "2")
		log.Publish(t.Context(), snap(t, "2", rev(2)))
		second := changes.Position{Revision: rev(2)}
		<-news
		wantTold(t, log, first, second, "2")
		wantTold(t, log, aside, second, "2")

		// The platform goes back while nothing is shared: only who has seen it is told.
		alone = snap(t, "y", catalogue.Revision{})
		log.Publish(t.Context(), alone)
		aside = log.Of(alone)
		log.Publish(t.Context(), snap(t, "2", rev(2)))
		wantTold(t, log, second, second)
		wantTold(t, log, aside, second, "2")
	})
}

// After a minute without a shared revision the log goes on by itself. Later it comes back,
// and tells positions of other replicas as well.
func TestLogGoesOnByItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		history := &shelf{}
		log := changes.NewLog(changes.Options{History: history})
		log.Publish(t.Context(), snap(t, "1", rev(1)))
		first := changes.Position{Revision: rev(1)}
		log.Publish(t.Context(), snap(t, "x", catalogue.Revision{}))
		wantTold(t, log, first, first)
		leadtest.Pass(changes.Pause)
		log.Publish(t.Context(), snap(t, "y", catalogue.Revision{}))
		got, own := told(t, log, first)
		if !slices.Equal(got, []string{"x", "y"}) || own.Revision.Log == 1 {
			t.Errorf("told %q, is at %v", got, own)
		}
		for n, value := range []string{"2", "3"} {
			history.put(uint64(n+2), []string{"1", "2"}[n], value)
		}
		log.Publish(t.Context(), snap(t, "3", rev(3)))
		third := changes.Position{Revision: rev(3)}
		wantTold(t, log, own, third, "3")
		wantTold(t, log, first, third, "x", "y", "3")
		wantTold(t, log, changes.Position{Revision: rev(2)}, third, "3") // of another replica
	})
}

// A position of a revision that another replica has already is not expired, as long as the log
// waits for it.
func TestPositionsOfReplicasThatAreAhead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := changes.NewLog(changes.Options{History: &shelf{}})
		log.Publish(t.Context(), snap(t, "1", rev(2)))
		next := changes.Position{Revision: rev(3)}
		if err := log.Find(t.Context(), next); err == nil || errors.Is(err, changes.ErrExpired) {
			t.Errorf("the next one: %v", err)
		}
		for name, at := range map[string]changes.Position{"before": {Revision: rev(1)}, "of another log": {Revision: catalogue.Revision{Log: 2, Number: 3}}} {
			if err := log.Find(t.Context(), at); !errors.Is(err, changes.ErrExpired) {
				t.Errorf("one %s: %v", name, err)
			}
		}
		started := changes.NewLog(changes.Options{History: &shelf{}}) // while nothing is shared
		started.Publish(t.Context(), snap(t, "1", catalogue.Revision{}))
		if err := started.Find(t.Context(), next); err == nil || errors.Is(err, changes.ErrExpired) {
			t.Errorf("after a start: %v", err)
		}
		leadtest.Pass(changes.Pause)
		for _, log := range []*changes.Log{log, started} {
			if err := log.Find(t.Context(), next); !errors.Is(err, changes.ErrExpired) {
				t.Errorf("after the pause: %v", err)
			}
		}
	})
}

// A log that begins with a shared revision knows what came before it.
func TestLogBeginsWithItsHistory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		history := &shelf{}
		for n := range uint64(5) {
			history.put(n+2, string(rune('0'+n)), string(rune('1'+n)))
		}
		log := changes.NewLog(changes.Options{History: history})
		log.Publish(t.Context(), snap(t, "5", rev(6)))
		sixth := changes.Position{Revision: rev(6)}
		wantTold(t, log, changes.Position{Revision: rev(4)}, sixth, "4", "5")
		wantTold(t, log, changes.Position{Revision: rev(1)}, sixth, "1", "2", "3", "4", "5")
		other := rev(4)
		other.Tag++
		for _, unknown := range []catalogue.Revision{other, {Log: 2, Number: 4, Tag: 7}} {
			if err := log.Find(t.Context(), changes.Position{Revision: unknown}); !errors.Is(err, changes.ErrExpired) {
				t.Errorf("%v: %v", unknown, err)
			}
		}
	})
}

// Shared names that come again after others, as after a failover, are no circle.
func TestLogGoesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		history := &shelf{}
		history.put(2, "1", "2")
		log := changes.NewLog(changes.Options{History: history})
		log.Publish(t.Context(), snap(t, "1", rev(1)))
		log.Publish(t.Context(), snap(t, "2", rev(2)))
		log.Publish(t.Context(), snap(t, "1", rev(1)))
		first, second := changes.Position{Revision: rev(1)}, changes.Position{Revision: rev(2)}
		wantTold(t, log, second, first, "1")
		wantTold(t, log, first, first)
		log.Publish(t.Context(), snap(t, "2", rev(2)))
		wantTold(t, log, first, second, "2")
		wantTold(t, log, second, second)
	})
}

// common is a platform whose readings several servers share: whoever needs one waits for
// that which goes on, if it began late enough.
type common struct {
	leadtest.Platform
	turn  chan struct{} // holds one value while nobody reads
	begun time.Time
	reads int
}

// AllLeads implements catalogue.Source.
func (c *common) AllLeads(ctx context.Context, notBefore time.Time) (catalogue.Reading, error) {
	<-c.turn
	defer func() { c.turn <- struct{}{} }()
	if c.begun.IsZero() || c.begun.Before(notBefore) {
		c.reads++
		c.begun = time.Now()
		if _, err := c.Platform.AllLeads(ctx, notBefore); err != nil {
			return catalogue.Reading{}, err
		}
	}
	return catalogue.Reading{Leads: a("1"), Complete: true, AsOf: c.begun}, nil
}

// Several servers with listeners together read as often as one.
func TestPollersShareReadings(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &common{turn: make(chan struct{}, 1)}
		p.turn <- struct{}{}
		for range 3 {
			o := leadtest.Options()
			var f *changes.Feed
			o.OnPublish = func(ctx context.Context, s *catalogue.Snapshot) { f.Publish(ctx, s) }
			all := catalogue.New(p, o)
			defer all.Close()
			f = changes.NewFeed(all, changes.Options{}, 20*time.Second, slog.New(slog.DiscardHandler))
			defer f.Close()
			defer f.Listen()()
		}
		leadtest.Pass(201 * time.Second) // every 20 to 22 s
		if p.reads < 10 || p.reads > 11 {
			t.Errorf("%d readings", p.reads)
		}
	})
}
