package changes_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/changes"
	"leadgraph/lead/leadtest"
)

// fed returns a feed of a catalogue that reads from p, and what to call at the end.
func fed(p *leadtest.Platform, interval time.Duration) (f *changes.Feed, all *catalogue.Catalogue, end func()) {
	o := leadtest.Options()
	o.OnPublish = func(ctx context.Context, s *catalogue.Snapshot) { f.Publish(ctx, s) }
	all = catalogue.New(p, o)
	f = changes.NewFeed(all, changes.Options{}, interval, slog.New(slog.DiscardHandler))
	return f, all, func() { f.Close(); all.Close() }
}

// Each reading takes a second, so the poller rests for nine more.
func TestPollerReadsWhileSomebodyListens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var p leadtest.Platform
		f, _, end := fed(&p, 20*time.Second)
		defer end()
		leadtest.Pass(time.Hour)
		p.WantReads(t, 0, 0)
		leave, other := f.Listen(), f.Listen()
		leadtest.Pass(2 * time.Second)
		p.WantReads(t, 1, 0)
		leadtest.Pass(98 * time.Second) // every 20 to 22 s
		p.WantReads(t, 5, 0)
		leave()
		leave()
		leadtest.Pass(15 * time.Second)
		p.WantReads(t, 6, 0)
		other()
		leadtest.Pass(time.Hour)
		p.WantReads(t, 6, 0)
		// Listeners that come and go all the time cause no more readings.
		for range 40 {
			leave := f.Listen()
			leadtest.Pass(time.Second / 2)
			leave()
		}
		p.WantReads(t, 7, 0)
	})
}

func TestPollerRestsTenTimesAsLongAsItReads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var p leadtest.Platform
		f, _, end := fed(&p, time.Second)
		defer end()
		defer f.Listen()()
		leadtest.Pass(56 * time.Second) // every 10 to 11 s
		p.WantReads(t, 6, 0)
	})
}

// The poller uses the readings of others.
func TestPollerSharesReadings(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var p leadtest.Platform
		f, all, end := fed(&p, 20*time.Second)
		defer end()
		defer f.Listen()()
		leadtest.Pass(2 * time.Second)
		for range 10 {
			leadtest.Pass(15 * time.Second)
			if _, _, err := all.Snapshot(t.Context(), leadtest.NoCache); err != nil {
				t.Fatal(err)
			}
		}
		p.WantReads(t, 11, 0)
	})
}

// While the platform fails, attempts become rare. They are frequent again after a success.
func TestPollerOfAPlatformThatFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var p leadtest.Platform
		f, _, end := fed(&p, 20*time.Second)
		defer end()
		defer f.Listen()()
		leadtest.Pass(2 * time.Second)
		p.Fail(leadtest.ErrDown)
		leadtest.Pass(9 * time.Minute) // after 20, 40, 80 and 160 s, then every 300 s, and up to a tenth longer
		before, _ := f.End()
		p.WantReads(t, 5, 0)
		p.Fail(nil)
		leadtest.Pass(6 * time.Minute)
		if after, _ := f.End(); after == before {
			t.Error("nothing is read again")
		}
	})
}

// A platform that denies access ends what is read from the log, until it allows it again.
func TestDeniedAccessEndsReading(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var p leadtest.Platform
		f, _, end := fed(&p, 20*time.Second)
		defer end()
		defer f.Listen()()
		leadtest.Pass(2 * time.Second)
		at, _ := f.End()
		p.Fail(&lead.SourceError{Kind: lead.FailureAuth, Status: 403})
		leadtest.Pass(time.Minute)
		if _, err := f.Read(at, nil, 1); !lead.Denied(err) {
			t.Errorf("got %v", err)
		}
		p.Fail(nil)
		leadtest.Pass(6 * time.Minute)
		if _, err := f.Read(at, nil, 1); err != nil {
			t.Errorf("got %v", err)
		}
	})
}

// Close ends a reading that runs, and every reader.
func TestFeedCloses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var p leadtest.Platform
		f, _, end := fed(&p, 20*time.Second)
		leave := f.Listen()
		leadtest.Pass(time.Second / 2)
		at, _ := f.End()
		news := f.News(at)
		end()
		<-news
		if _, err := f.Read(at, nil, 1); err == nil {
			t.Error("a closed log can be read")
		}
		f.Listen()()
		leave()
	})
}
