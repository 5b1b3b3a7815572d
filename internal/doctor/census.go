package doctor

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"leadgraph/lead"
	"leadgraph/upstream/reader"
)

// census counts all leads. It holds ids and tenants, which never appear in the
// report.
type census struct {
	seen      map[string]*lead.Lead // by id
	perTenant map[string]int
	tenants   []string // in the order of the list
	complete  bool
	calls     int
	bytes     int64
	took      time.Duration // for the calls alone

	rows, places          int // on the last page and on all pages
	repeated, holes       int
	reasons               reader.Oddities // why rows cannot be read
	conflicts             int             // rows that differ from an earlier one with their id
	unknownStatuses       int
	spellings             map[string]struct{}
	badTimes, oddValues   int
	fields, unknownFields int
	claimed               int // number of leads that an envelope states, or -1
}

// leads reads all pages to the end of the list.
func (e *exam) leads(ctx context.Context) (Check, error) {
	c := &e.census
	e.report.Facts.Complete = new(false)
	*c = census{seen: map[string]*lead.Lead{}, perTenant: map[string]int{}, reasons: reader.Oddities{}, spellings: map[string]struct{}{}, claimed: -1}
	for number := e.first; c.calls < e.options.Platform.MaxPages; number++ {
		p, err := e.list(ctx, number, e.largest)
		if err != nil {
			return Check{Finding: plural(len(c.seen), "lead") + ", possibly more"}, err
		}
		if p.refused() {
			if end, err := e.isEnd(ctx, p); err != nil {
				return Check{}, err
			} else if !end {
				return found(Failed, nil, "a page is refused (%d) after %s, although the list may go on", p.Status, plural(len(c.seen), "lead"))
			}
			c.calls++
			c.complete = true
			break
		}
		fresh := c.add(p)
		e.report.Facts.Leads = new(len(c.seen))
		if fresh == 0 {
			c.complete = true
			break
		}
		if e.ignoresNumber {
			break
		}
	}
	e.report.Facts.Complete = new(c.complete)
	text := plural(len(c.seen), "lead") + " on " + plural(c.calls, "page")
	switch {
	case e.ignoresNumber:
		return found(Warning, nil, "%s, possibly more that cannot be read", text)
	case !c.complete:
		return found(Warning, nil, "%s, possibly more: reading stopped at --max-pages", text)
	case c.claimed >= 0 && c.claimed != len(c.seen)+c.holes:
		return found(Warning, nil, "%s, but the platform reports %s", text, thousands(c.claimed))
	case c.conflicts > 0:
		return found(Warning, nil, "%s; %s shared an id but differed: leadgraph answers the first, unless the list changed while it was read",
			text, plural(c.conflicts, "row"))
	case c.repeated > 0:
		return found(Warning, nil, "%s; %s appeared again on a later page: the list changed while it was read", text, thousands(c.repeated))
	}
	return found(OK, nil, "%s, the complete list", text)
}

// isEnd reports whether a refused page lies past the end of the list. After a page that
// was not full it must. After a full one, a page that begins before the end and would
// continue after it decides, as in leadgraph's own walk.
func (e *exam) isEnd(ctx context.Context, refused *page) (bool, error) {
	c := &e.census
	if !refused.MeansPast() || c.places == 0 {
		return false, nil
	}
	if c.rows < e.largest {
		return true, nil
	}
	size := 2
	for c.places%size == 0 {
		size++
	}
	p, err := e.list(ctx, e.first+c.places/size, size)
	return err == nil && len(p.rows) == c.places%size, err
}

// add counts a page and returns how many of its leads are new. The rows of a page that
// has none that leadgraph can read count as new: the list may go on after it.
func (c *census) add(p *page) int {
	c.calls++
	c.took += p.Took
	c.bytes += int64(len(p.Body))
	c.rows = len(p.rows)
	c.places += c.rows
	fresh := 0
	for _, l := range p.readable() {
		if known := c.seen[l.ID]; known != nil {
			c.repeated++
			if !reflect.DeepEqual(known, l) {
				c.conflicts++
			}
			continue
		}
		fresh++
		c.seen[l.ID] = l
		if c.perTenant[l.TenantID]++; c.perTenant[l.TenantID] == 1 {
			c.tenants = append(c.tenants, l.TenantID)
		}
		if l.Status == lead.StatusUnknown && l.StatusText != nil {
			c.unknownStatuses++
			c.spellings[*l.StatusText] = struct{}{}
		}
	}
	if p.read.Holes() == len(p.rows) {
		fresh = len(p.rows)
	}
	if fresh > 0 {
		c.claimed = p.total
		c.inspect(p.read)
	}
	return fresh
}

// inspect counts what the reader reports about a page.
func (c *census) inspect(read reader.Result) {
	c.fields += read.Fields
	c.unknownFields += read.UnknownFields
	c.holes += read.Holes()
	for reason, n := range read.Unreadable {
		c.reasons[reason] += n
	}
	for field, n := range read.Oddities {
		if slices.ContainsFunc(lead.LeadFields, func(f lead.Field[lead.Lead]) bool { return f.Moment != nil && f.Name == field }) {
			c.badTimes += n
		} else {
			c.oddValues += n
		}
	}
}

// content reports on the leads that were counted.
func (e *exam) content(context.Context) (Check, error) {
	c, f := &e.census, &e.report.Facts
	f.UnreadableRows = new(c.holes)
	if c.holes > 0 && len(c.seen) == 0 {
		return found(Failed, nil, "leadgraph can read no lead: %s", c.unreadable())
	}
	if len(c.seen) == 0 {
		return found(Skipped, nil, "the platform has no leads")
	}
	several := 0
	for _, n := range c.perTenant {
		if n > 1 {
			several++
		}
	}
	f.Tenants, f.TenantsWithSeveralLeads = new(len(c.perTenant)), new(several)
	f.UnknownStatuses, f.UnknownStatusSpellings = new(c.unknownStatuses), new(len(c.spellings))
	f.UnreadableTimes, f.OddValues = new(c.badTimes), new(c.oddValues)
	f.UnknownFieldsPercent = new(percent(c.unknownFields, c.fields))
	result := OK
	if c.unknownStatuses+c.badTimes+c.oddValues+c.holes > 0 {
		result = Warning
	}
	unreadable := ""
	if c.holes > 0 {
		unreadable = c.unreadable() + ", which leadgraph leaves out and counts; "
	}
	return found(result, nil, unreadable+"%s, %s of them with several leads; %s with an unknown status (%s), %s, %s of unexpected type, %.1f %% unknown fields",
		plural(len(c.perTenant), "tenant"), thousands(several), plural(c.unknownStatuses, "lead"), plural(len(c.spellings), "spelling"),
		plural(c.badTimes, "unreadable time"), plural(c.oddValues, "value"), percent(c.unknownFields, c.fields))
}

// unreadable describes the rows that cannot be read.
func (c *census) unreadable() string {
	var reasons []string
	for _, reason := range slices.Sorted(maps.Keys(c.reasons)) {
		reasons = append(reasons, reason+": "+thousands(c.reasons[reason]))
	}
	return fmt.Sprintf("%s that cannot be read (%s)", plural(c.holes, "row"), strings.Join(reasons, ", "))
}

func percent(part, of int) float64 { return float64(part*1000/max(of, 1)) / 10 }
