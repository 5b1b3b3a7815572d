package changes_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/changes"
	"leadgraph/lead/leadtest"
)

// platform is a list of leads that changes. The oracle: plain maps of texts, which share
// no code with the log.
type platform struct {
	leads []*lead.Lead
	asOf  time.Time
	last  *catalogue.Snapshot
}

// change draws the next state: leads come, go, change and move.
func (p *platform) change(t *rapid.T) {
	next := slices.Clone(p.leads)
	for range rapid.IntRange(0, 4).Draw(t, "edits") {
		fresh := leadtest.GenLead().Draw(t, "lead")
		fresh.ID = fmt.Sprint(rapid.IntRange(0, 12).Draw(t, "id"))
		at := slices.IndexFunc(next, func(l *lead.Lead) bool { return l.ID == fresh.ID })
		switch kind := rapid.IntRange(0, 3).Draw(t, "kind"); {
		case at < 0:
			next = slices.Insert(next, rapid.IntRange(0, len(next)).Draw(t, "at"), fresh)
		case kind == 0:
			next = slices.Delete(next, at, at+1)
		case kind == 1:
			moved := next[at]
			next = slices.Delete(next, at, at+1)
			next = slices.Insert(next, rapid.IntRange(0, len(next)).Draw(t, "to"), moved)
		default:
			next[at] = fresh
		}
	}
	p.leads = next
}

// read returns a snapshot of what the platform has, as copies, like those of a reading.
func (p *platform) read() *catalogue.Snapshot {
	p.asOf = p.asOf.Add(time.Second)
	leads := make([]*lead.Lead, len(p.leads))
	for i, l := range p.leads {
		leads[i] = lead.Clone(l)
		leads[i].AsOf = p.asOf
	}
	p.last = catalogue.Build(leads, p.asOf, p.last)
	return p.last
}

// list returns what a client sees that lists the leads which match.
func list(s *catalogue.Snapshot, filter *lead.Filter) map[string]string {
	view := s.Select(filter, lead.Order{})
	seen := map[string]string{}
	for _, l := range view.Slice(0, view.Total()) {
		seen[l.ID] = describe(l)
	}
	return seen
}

// describe returns all values of a lead but the time of the reading.
func describe(l *lead.Lead) string {
	values := *l
	values.AsOf = time.Time{}
	details, text := values.ContactDetails, ""
	values.ContactDetails = nil
	for _, p := range []*string{l.TenantOrigin, l.OperatorID, l.StatusText, l.UMPCustomerGUID, l.ChannelID, l.OVOCChannelID} {
		text += shown(p) + "|"
	}
	if details != nil {
		for _, p := range []*string{details.FullName, details.Email, details.CompanyName, details.CompanySize} {
			text += shown(p) + "+"
		}
	}
	for _, c := range l.Contacts {
		text += shown(c.FullName) + shown(c.Email) + shown(c.CompanyName) + ";"
	}
	return fmt.Sprint(text, l.TenantID, l.Status, l.IsDirectLead != nil && *l.IsDirectLead, l.IsDirectLead == nil, l.ConsentedOn.UnixNano(), l.LastModifiedOn.UnixNano(), l.ConsentedCountries)
}

func shown(text *string) string {
	if text == nil {
		return "none"
	}
	return fmt.Sprintf("%q", *text)
}

// client applies changes as docs/live.md says, to what it has listed.
type client struct {
	filter *lead.Filter
	at     changes.Position
	has    map[string]string
	log    []string
}

func (c *client) read(t *rapid.T, log *changes.Log, most int) {
	for {
		batch, err := log.Read(c.at, c.filter, most)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range batch.Entries {
			c.apply(t, e)
		}
		if c.at = batch.Next; !batch.More {
			return
		}
	}
}

// apply checks the kind of a change against what the client has.
func (c *client) apply(t *rapid.T, e changes.Entry) {
	var id string
	switch e.Kind {
	case changes.Created, changes.Entered, changes.Updated:
		id = e.After.ID
		c.has[id] = describe(e.After)
	case changes.Removed, changes.Left:
		id = e.Before.ID
		delete(c.has, id)
	default:
		t.Fatalf("kind %d", e.Kind)
	}
	if (e.Before == nil) != (e.Kind == changes.Created) || (e.After == nil) != (e.Kind == changes.Removed) {
		t.Fatalf("kind %d with %v and %v", e.Kind, e.Before, e.After)
	}
	c.log = append(c.log, fmt.Sprint(e.Kind, id, e.At))
}

// A list with the changes that follow is the platform's list at the last revision, for any
// filter, from any list, with any size of batches, and when a position is used again.
func TestListAndChangesAreTheList(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, log := &platform{asOf: time.Now()}, changes.NewLog(changes.Options{})
		filters := append(rapid.SliceOfN(leadtest.GenFilter(3), 1, 3).Draw(t, "filters"), nil)
		var clients []*client
		for range rapid.IntRange(1, 8).Draw(t, "readings") {
			p.change(t)
			s := p.read()
			log.Publish(t.Context(), s)
			if rapid.Bool().Draw(t, "list") {
				for _, f := range filters {
					clients = append(clients, &client{filter: f, at: log.Of(s), has: list(s, f)})
				}
			}
			for _, c := range clients {
				switch rapid.IntRange(0, 3).Draw(t, "read") {
				case 0:
					c.read(t, log, rapid.IntRange(1, 3).Draw(t, "most"))
				case 1: // it loses its answer and asks again
					again := &client{filter: c.filter, at: c.at, has: c.has}
					again.read(t, log, 2)
				}
			}
		}
		for i, c := range clients {
			c.read(t, log, 2)
			if want := list(p.last, c.filter); !maps.Equal(c.has, want) {
				t.Fatalf("client %d has\n%v, want\n%v", i, c.has, want)
			}
			if end, _ := log.End(); c.at != end {
				t.Fatalf("client %d is at %v, the end is %v", i, c.at, end)
			}
		}
	})
}

// Whether a lead entered, left or was updated agrees with what the filter says of it before
// and after: a client is never told that a lead enters that it has, or leaves that it has
// not. Nothing that is the same is told.
func TestKindsAgreeWithTheFilter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, log := &platform{asOf: time.Now()}, changes.NewLog(changes.Options{})
		f := leadtest.GenFilter(3).Draw(t, "filter")
		p.change(t)
		before := p.read()
		log.Publish(t.Context(), before)
		at := log.Of(before)
		for range 3 {
			p.change(t)
			now := p.read()
			log.Publish(t.Context(), now)
			want := map[string]changes.Kind{}
			was, is, all, allNow := list(before, f), list(now, f), list(before, nil), list(now, nil)
			for id := range maps.Keys(merged(all, allNow)) {
				_, existed := all[id]
				_, exists := allNow[id]
				text, matched := was[id]
				textNow, matches := is[id]
				switch {
				case matched && matches && text != textNow:
					want[id] = changes.Updated
				case matched && !matches && !exists:
					want[id] = changes.Removed
				case matched && !matches:
					want[id] = changes.Left
				case !matched && matches && !existed:
					want[id] = changes.Created
				case !matched && matches:
					want[id] = changes.Entered
				}
			}
			batch, err := log.Read(at, f, 1000)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]changes.Kind{}
			for _, e := range batch.Entries {
				l := e.After
				if l == nil {
					l = e.Before
				}
				got[l.ID] = e.Kind
			}
			if !maps.Equal(got, want) || len(batch.Entries) != len(want) {
				t.Fatalf("got %v, want %v", got, want)
			}
			before, at = now, batch.Next
		}
	})
}

func merged(a, b map[string]string) map[string]string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

func simple(n int, text string, asOf time.Time) *catalogue.Snapshot {
	leads := make([]*lead.Lead, n)
	for i := range leads {
		leads[i] = &lead.Lead{ID: fmt.Sprint(i), TenantID: "t", Comments: []string{text}, AsOf: asOf}
	}
	return catalogue.Build(leads, asOf, nil)
}

// Positions expire by age and by size, never sooner, and what is left can be read.
func TestRetention(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := changes.NewLog(changes.Options{Retention: time.Hour})
		first := simple(3, "", time.Now())
		log.Publish(t.Context(), first)
		at := log.Of(first)
		kept := at // after the revision that will be forgotten
		for i := range 4 {
			leadtest.Pass(25 * time.Minute)
			log.Publish(t.Context(), simple(3, fmt.Sprint(i), time.Now()))
			if i == 0 {
				kept, _ = log.End()
			}
		}
		if _, err := log.Read(at, nil, 100); !errors.Is(err, changes.ErrExpired) {
			t.Errorf("a position before the retention: %v", err)
		}
		if b, err := log.Read(kept, nil, 100); err != nil || len(b.Entries) != 9 {
			t.Errorf("%d changes are left, %v", len(b.Entries), err)
		}
		future := kept
		future.Revision.Number += 99
		within := changes.Position{Revision: kept.Revision, Index: 2}
		for name, at := range map[string]changes.Position{"in the future": future, "in a revision that is forgotten": within, "of another log": {}} {
			if _, err := log.Read(at, nil, 1); !errors.Is(err, changes.ErrExpired) {
				t.Errorf("a position %s: %v", name, err)
			}
		}
		if old := log.Of(first); old != (changes.Position{}) {
			t.Errorf("a list before the log is at %v", old)
		}
		leadtest.Pass(2 * time.Hour)
		if _, err := log.Read(kept, nil, 1); !errors.Is(err, changes.ErrExpired) {
			t.Errorf("nothing is published, and nothing expires: %v", err)
		}
	})
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	log := changes.NewLog(changes.Options{MaxBytes: 100 << 10})
	now := time.Now()
	log.Publish(t.Context(), simple(10, "", now))
	for i := range 50 {
		log.Publish(t.Context(), simple(10, fmt.Sprint(i), now.Add(time.Duration(i+1)*time.Millisecond)))
	}
	end, _ := log.End()
	kept := 0
	for at := end; at.Revision.Number > 1; kept++ {
		at.Revision.Number--
		if _, err := log.Read(at, nil, 1); err != nil {
			break
		}
	}
	if kept < 2 || kept > 6 { // 10 changes of about 2.5 KiB each
		t.Errorf("%d revisions are kept", kept)
	}
}

// News come once for each revision that differs, and with a refusal.
func TestNews(t *testing.T) {
	t.Parallel()
	log := changes.NewLog(changes.Options{})
	now := time.Now()
	log.Publish(t.Context(), simple(1, "", now))
	end, _ := log.End()
	has := func(news <-chan struct{}) bool {
		select {
		case <-news:
			return true
		default:
			return false
		}
	}
	news := log.News(end)
	log.Publish(t.Context(), simple(1, "", now.Add(1)))
	if _, asOf := log.End(); has(news) || !asOf.Equal(now.Add(1)) {
		t.Error("the same leads are news, or not newer")
	}
	log.Publish(t.Context(), simple(1, "x", now.Add(2)))
	if !has(news) || !has(log.News(end)) {
		t.Error("a change is no news")
	}
	end, _ = log.End()
	news = log.News(end)
	log.Refuse(leadtest.ErrDown)
	if _, err := log.Read(end, nil, 1); !has(news) || !errors.Is(err, leadtest.ErrDown) {
		t.Errorf("a refusal is no news, or can be read: %v", err)
	}
	log.Publish(t.Context(), simple(1, "x", now.Add(3)))
	if _, err := log.Read(end, nil, 1); err != nil || has(log.News(end)) {
		t.Errorf("the refusal stays: %v", err)
	}
	log.Unsettle([]string{"0", "nobody"})
	log.Publish(t.Context(), simple(1, "x", now.Add(4)))
	if b, err := log.Read(end, nil, 5); err != nil || len(b.Entries) != 1 || b.Entries[0].Kind != changes.Updated {
		t.Errorf("%+v %v", b, err)
	}
}
