package catalogue_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
)

// slow is a source that takes its time and may fail.
type slow struct {
	takes time.Duration
	err   error
	reads int
}

func (s *slow) AllLeads(context.Context, time.Time) (catalogue.Reading, error) {
	s.reads++
	<-time.After(s.takes)
	return catalogue.Reading{Leads: []*lead.Lead{{ID: "1", TenantID: "t"}}, Complete: true, Calls: 1}, s.err
}

// However many clients demand new leads, all leads are read once in five seconds, or once
// in twice the time that a reading takes.
func TestNoCacheIsGrantedOnceInAWhile(t *testing.T) {
	t.Parallel()
	zero := time.Duration(0)
	for name, test := range map[string]struct {
		takes, oldest time.Duration
		wish          lead.Freshness
		most          int
	}{
		"quick":     {takes: 50 * time.Millisecond, oldest: 5 * time.Second, wish: lead.Freshness{NoCache: true, Wish: true}, most: 12},
		"max-age=0": {takes: 50 * time.Millisecond, oldest: 5 * time.Second, wish: lead.Freshness{MaxAge: &zero, Wish: true}, most: 12},
		"slow":      {takes: 6 * time.Second, oldest: 18 * time.Second, wish: lead.Freshness{NoCache: true, Wish: true}, most: 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				source := &slow{takes: test.takes}
				c := catalogue.New(source, catalogue.Options{TTL: time.Hour})
				defer c.Close()
				for begun := time.Now(); time.Since(begun) < time.Minute; <-time.After(100 * time.Millisecond) {
					s, _, err := c.Snapshot(t.Context(), test.wish)
					if err != nil || time.Since(s.AsOf()) > test.oldest {
						t.Fatalf("%v old, %v", time.Since(s.AsOf()), err)
					}
				}
				if source.reads > test.most {
					t.Errorf("%d reads in a minute, want at most %d", source.reads, test.most)
				}
			})
		})
	}
}

// While the platform fails, clients that demand new leads cause few attempts, and learn of
// its recovery within the interval.
func TestNoCacheWhileThePlatformFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		source := &slow{err: &lead.SourceError{Kind: lead.FailureUnavailable}}
		c := catalogue.New(source, catalogue.Options{TTL: time.Hour})
		defer c.Close()
		wish := lead.Freshness{NoCache: true, Wish: true}
		for range 600 { // a minute
			if _, _, err := c.Snapshot(t.Context(), wish); err == nil {
				t.Fatal("no error")
			}
			<-time.After(100 * time.Millisecond)
		}
		if source.reads > 16 {
			t.Errorf("%d attempts in a minute", source.reads)
		}
		source.err = nil
		<-time.After(lead.DefaultNoCacheInterval)
		if _, _, err := c.Snapshot(t.Context(), wish); err != nil {
			t.Error(err)
		}
	})
}

// LastResort returns what is at hand, unless it is too old or access was denied.
func TestLastResort(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		source, denied := &slow{}, false
		c := catalogue.New(source, catalogue.Options{TTL: 1, ResortAge: time.Hour, Denied: func() bool { return denied }})
		defer c.Close()
		if c.LastResort(t.Context()) != nil {
			t.Error("leads from nowhere")
		}
		if err := c.Warm(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Hour)
		if c.LastResort(t.Context()) == nil {
			t.Error("none at the last moment")
		}
		denied = true
		if c.LastResort(t.Context()) != nil {
			t.Error("leads although a read was denied")
		}
		denied, source.err = false, &lead.SourceError{Kind: lead.FailureAuth, Status: 403}
		_, _, _ = c.Snapshot(t.Context(), lead.Freshness{})
		if c.LastResort(t.Context()) != nil {
			t.Error("leads although a refresh was denied")
		}
		source.err = nil
		<-time.After(time.Minute)
		_, _, _ = c.Snapshot(t.Context(), lead.Freshness{})
		<-time.After(time.Hour + 1)
		if c.LastResort(t.Context()) != nil || source.reads != 3 {
			t.Errorf("leads that are too old, or %d reads", source.reads)
		}
	})
}
