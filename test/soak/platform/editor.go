package platform

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"leadgraph/test/soak/oracle"
)

// Editor changes the leads of a platform while they are walked through. It is safe
// for concurrent use.
type Editor struct {
	Platform *Platform
	History  *oracle.History
	// Moves lets leads move to the front and to the end of the list.
	Moves bool
	// Count notes a change.
	Count func(kind string)

	mu     sync.Mutex
	random *rand.Rand
	texts  map[*oracle.Row]json.RawMessage
}

// NewEditor returns an editor that has the history of a platform from now on.
func NewEditor(p *Platform, random *rand.Rand, moves bool, count func(kind string)) (*Editor, error) {
	rows, err := p.Rows()
	if err != nil {
		return nil, err
	}
	return &Editor{
		Platform: p, History: oracle.NewHistory(rows, time.Now()), Moves: moves, Count: count, random: random, texts: map[*oracle.Row]json.RawMessage{},
	}, nil
}

// mostPage is the maximum number of leads that are deleted at once.
const mostPage = 45

// Change changes the platform once. In four of ten cases it edits or deletes the
// lead with the given id, if there is one.
func (e *Editor) Change(anchor string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.History.Change(func(rows []*oracle.Row) ([]*oracle.Row, error) {
		at, kind := e.random.IntN(len(rows)), ""
		if place := slices.IndexFunc(rows, func(r *oracle.Row) bool { return r.ID == anchor }); place >= 0 && e.random.IntN(10) < 4 {
			at, kind = place, " at a cursor"
		}
		switch n := e.random.IntN(20); {
		case len(rows) < walkedLeads*3/4 || kind == "" && n < 4 && len(rows) < walkedLeads*5/4:
			e.Count("insertions")
			return e.insert(rows, at, 1+e.random.IntN(30))
		case e.Moves && n < 8:
			e.Count("moves" + kind)
			return e.replace(e.moved(rows, at))
		case n < 13:
			e.Count("edits" + kind)
			return e.edit(rows, at)
		case n < 15:
			e.Count("whole pages deleted" + kind)
			from := max(0, at-e.random.IntN(mostPage))
			return e.replace(slices.Delete(slices.Clone(rows), from, at+1))
		}
		e.Count("deletions" + kind)
		return e.replace(slices.Delete(slices.Clone(rows), at, at+1))
	})
}

// insert inserts n new leads.
func (e *Editor) insert(rows []*oracle.Row, at, n int) ([]*oracle.Row, error) {
	inserted, err := rowsOf(e.Platform.Server, e.Platform.Insert(at, n))
	return slices.Insert(slices.Clone(rows), at, inserted...), err
}

// moved returns the rows with one of them moved to the front or to the end.
func (e *Editor) moved(rows []*oracle.Row, at int) []*oracle.Row {
	r := rows[at]
	rest := slices.Delete(slices.Clone(rows), at, at+1)
	if e.random.IntN(2) == 0 {
		return slices.Insert(rest, 0, r)
	}
	return append(rest, r)
}

// edit changes a value of a lead that lists are sorted or filtered by, or another one.
func (e *Editor) edit(rows []*oracle.Row, at int) ([]*oracle.Row, error) {
	members := maps.Clone(rows[at].Raw)
	switch e.random.IntN(5) {
	case 0:
		members["lastModifiedOn"] = e.moment()
	case 1:
		members["consentedOn"] = e.moment()
	case 2:
		members["status"] = []string{"Active", "Suspended", "Removed", "Not Active"}[e.random.IntN(4)]
	case 3:
		details, _ := members["contactDetails"].(oracle.Object)
		if details = maps.Clone(details); details == nil {
			details = oracle.Object{}
		}
		details["companyName"] = fmt.Sprintf("%c Trading %d", 'A'+e.random.IntN(26), e.random.IntN(100))
		members["contactDetails"] = details
	default:
		members["comments"] = []string{fmt.Sprintf("Note %d", e.random.IntN(1000))}
	}
	text, err := json.Marshal(members)
	if err != nil {
		return nil, err
	}
	edited, err := oracle.NewRow(text)
	if err != nil {
		return nil, err
	}
	changed := slices.Clone(rows)
	changed[at] = edited
	return e.replace(changed)
}

// moment returns a time of the last years.
func (e *Editor) moment() string {
	const years = 5 * 365 * 24 * time.Hour
	return time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(e.random.Int64N(int64(years)))).Format(time.RFC3339)
}

// replace makes the rows all leads of the platform.
func (e *Editor) replace(rows []*oracle.Row) ([]*oracle.Row, error) {
	texts := make([]json.RawMessage, len(rows))
	var problems []error
	for i, r := range rows {
		if e.texts[r] == nil {
			text, err := json.Marshal(r.Raw)
			problems = append(problems, err)
			e.texts[r] = text
		}
		texts[i] = e.texts[r]
	}
	return rows, errors.Join(append(problems, e.Platform.Replace(texts))...)
}
