package doctor

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"leadgraph/lead"
)

// census counts all leads. It holds ids and tenants, which never appear in the
// report.
type census struct {
	seen      map[string][sha256.Size]byte // the hash of each id's row
	perTenant map[string]int
	tenants   []string // in the order of the list
	complete  bool
	calls     int
	bytes     int64
	took      time.Duration // for the calls alone

	rows, places          int // on the last page and on all pages
	repeated, noKey       int
	conflicts             int // rows that differ from an earlier one with their id
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
	*c = census{seen: map[string][sha256.Size]byte{}, perTenant: map[string]int{}, spellings: map[string]struct{}{}, claimed: -1}
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
	case c.claimed >= 0 && c.claimed != len(c.seen)+c.noKey:
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
// has none that leadgraph can use count as new: the list may go on after it.
func (c *census) add(p *page) int {
	c.calls++
	c.took += p.Took
	c.bytes += int64(len(p.Body))
	c.rows = len(p.rows)
	c.places += c.rows
	fresh, before := 0, c.noKey
	for _, r := range p.rows {
		if !r.readable() {
			c.noKey++
			continue
		}
		if known, ok := c.seen[r.id]; ok {
			c.repeated++
			if known != sha256.Sum256(r.raw) {
				c.conflicts++
			}
			continue
		}
		fresh++
		c.seen[r.id] = sha256.Sum256(r.raw)
		if c.perTenant[r.tenant]++; c.perTenant[r.tenant] == 1 {
			c.tenants = append(c.tenants, r.tenant)
		}
		c.inspect(r)
	}
	if c.noKey-before == len(p.rows) {
		return len(p.rows)
	}
	if fresh > 0 {
		c.claimed = p.total
	}
	return fresh
}

// kind is the type of value that leadgraph expects in a field.
type kind int

const (
	anything kind = iota
	text
	truth
	moment
	texts
	objects
)

var fieldKinds = map[string]kind{
	"id": text, "tenantid": text, "tenantorigin": text, "operatorid": text, "status": text, "isdirectlead": truth, "isnotactive": truth,
	"umpcustomerguid": text, "channelid": text, "ovocchannelid": text, "comments": anything, "consentedon": moment, "lastmodifiedon": moment,
	"consentedcountries": texts, "contactdetails": objects, "contacts": objects, "civicaddresses": objects,
}

func (c *census) inspect(r row) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(r.raw, &fields) != nil {
		return // not reached: the page is valid JSON
	}
	for name, value := range fields {
		c.fields++
		name = strings.ToLower(name)
		kind, known := fieldKinds[name]
		switch {
		case !known:
			c.unknownFields++
		case string(value) == "null":
		case kind == moment && isScalar(value):
			if !isTime(scalar(value)) {
				c.badTimes++
			}
		case !kind.fits(value):
			c.oddValues++
		case name == "status":
			if status := scalar(value); lead.ParseStatus(status) == lead.StatusUnknown {
				c.unknownStatuses++
				c.spellings[status] = struct{}{}
			}
		}
	}
}

func isScalar(value json.RawMessage) bool { return value[0] != '{' && value[0] != '[' }

// fits reports whether leadgraph can use the value, which must not be null. A
// single value counts as a list of one.
func (k kind) fits(value json.RawMessage) bool {
	switch k {
	case text, moment:
		return isScalar(value)
	case truth:
		_, err := strconv.ParseBool(strings.Trim(string(value), `"`))
		return err == nil
	case texts, objects:
		list := []json.RawMessage{value}
		if value[0] == '[' {
			_ = json.Unmarshal(value, &list) // never fails: the page is valid JSON
		}
		for _, element := range list {
			if string(element) != "null" && isScalar(element) != (k == texts) {
				return false
			}
		}
	}
	return true
}

// isTime reports whether leadgraph can parse the time. An empty string counts as
// no time and is accepted.
func isTime(text string) bool {
	if text == "" {
		return true
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05-0700", "2006-01-02T15:04:05"} {
		if _, err := time.Parse(layout, text); err == nil {
			return true
		}
	}
	return false
}

// content reports on the leads that were counted.
func (e *exam) content(context.Context) (Check, error) {
	c, f := &e.census, &e.report.Facts
	f.UnreadableRows = new(c.noKey)
	if c.noKey > 0 && len(c.seen) == 0 {
		return found(Failed, nil, "no lead has an id and a tenantId that leadgraph can use: %s without them", plural(c.noKey, "row"))
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
	if c.unknownStatuses+c.badTimes+c.oddValues+c.noKey > 0 {
		result = Warning
	}
	unreadable := ""
	if c.noKey > 0 {
		unreadable = plural(c.noKey, "row") + " without a proper id or tenantId, which leadgraph leaves out and counts; "
	}
	return found(result, nil, unreadable+"%s, %s of them with several leads; %s with an unknown status (%s), %s, %s of unexpected type, %.1f %% unknown fields",
		plural(len(c.perTenant), "tenant"), thousands(several), plural(c.unknownStatuses, "lead"), plural(len(c.spellings), "spelling"),
		plural(c.badTimes, "unreadable time"), plural(c.oddValues, "value"), percent(c.unknownFields, c.fields))
}

func percent(part, of int) float64 { return float64(part*1000/max(of, 1)) / 10 }
