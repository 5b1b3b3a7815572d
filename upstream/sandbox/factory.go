package sandbox

import (
	"bytes"
	_ "embed" // for samplesJSON
	"encoding/json"
	"math/rand/v2"
	"regexp"

	"github.com/brianvoe/gofakeit/v7"
)

// samplesJSON holds the example leads of the documents, which are always the
// first rows: the direct lead of [SEED], a full consented lead, and a removed
// lead with a direct lead of the same tenant.
//
//go:embed samples.json
var samplesJSON []byte

const (
	sampleLeads = 4 // number of leads in samplesJSON

	// In each block of twinPeriod leads, the lead at twinDirect is a direct lead
	// and the last one is a later, consented lead of the same tenant. This gives
	// about 2 % of the tenants both kinds of lead, as [TRG] describes.
	twinPeriod   = 50
	twinDistance = 25
	twinDirect   = twinPeriod - 1 - twinDistance

	// Inserted leads and online leads have separate ranges of serial numbers,
	// above those of the initial leads.
	firstInserted uint64 = 1 << 32
	firstOnline   uint64 = 1 << 62
	onlineTenants        = 5
)

// Each lead uses two streams of random numbers, so that twins share their owner
// and nothing else. Each change of Server.Live uses another.
const (
	streamOwner uint64 = iota + 1
	streamLead
	streamOperators
	streamChange
)

// factory makes leads. A lead depends only on the seed, the operator and its
// serial number. A factory is immutable and safe for concurrent use.
type factory struct {
	seed      uint64
	countries []weighted[country]
	operators []string
	operator  string // operator of every lead, unless empty
}

func newFactory(seed uint64) factory {
	f := factory{seed: seed}
	for _, c := range atlas() {
		f.countries = append(f.countries, weighted[country]{c.weight, c})
	}
	d := f.dice(0, streamOperators)
	for range 4 {
		f.operators = append(f.operators, d.UUID())
	}
	return f
}

// dice makes the random choices for one lead.
type dice struct{ *gofakeit.Faker }

func (f factory) dice(serial, stream uint64) dice {
	// The odd constant spreads consecutive serials over the generator's states.
	return dice{gofakeit.NewFaker(rand.NewPCG(f.seed^stream, serial*0x9E3779B97F4A7C15), false)}
}

func (d dice) percent(p float64) bool { return d.Float64() < p/100 }

func (d dice) between(low, high int) int { return low + d.IntN(high-low+1) }

func pick[T any](d dice, from []T) T { return from[d.IntN(len(from))] }

// weighted is a choice with a probability in proportion to its weight.
type weighted[T any] struct {
	weight int
	value  T
}

func choose[T any](d dice, from []weighted[T]) T {
	total := 0
	for _, w := range from {
		total += w.weight
	}
	n := d.IntN(total)
	for _, w := range from {
		if n -= w.weight; n < 0 {
			return w.value
		}
	}
	return from[0].value
}

// initial makes the n rows that the platform starts with.
func (f factory) initial(n int) ([]row, error) {
	rows := make([]row, 0, n)
	var samples []json.RawMessage
	if err := json.Unmarshal(samplesJSON, &samples); err != nil {
		return nil, err
	}
	for _, sample := range samples[:min(n, len(samples))] {
		var key struct{ ID, TenantID string }
		var compact bytes.Buffer
		if err := json.Unmarshal(sample, &key); err != nil {
			return nil, err
		}
		if err := json.Compact(&compact, sample); err != nil {
			return nil, err
		}
		rows = append(rows, f.owned(row{id: key.ID, tenant: key.TenantID, json: compact.Bytes()}))
	}
	for len(rows) < n {
		rows = append(rows, f.lead(uint64(len(rows))))
	}
	return rows, nil
}

// batch makes n leads with serial numbers from first on. Each belongs to a
// different tenant.
func (f factory) batch(first uint64, n int) []row {
	rows := make([]row, n)
	for i := range rows {
		serial := first + uint64(i)
		d := f.dice(serial, streamLead)
		o := f.owner(serial)
		rows[i] = f.owned(d.row(o, d.anyLead(o)))
	}
	return rows
}

func (f factory) lead(serial uint64) row {
	d := f.dice(serial, streamLead)
	switch serial % twinPeriod {
	case twinDirect:
		o := f.owner(serial)
		return f.owned(d.row(o, d.directLead(o)))
	case twinPeriod - 1:
		o := f.owner(serial - twinDistance).later(d)
		return f.owned(d.row(o, d.consentedLead(o)))
	}
	o := f.owner(serial)
	return f.owned(d.row(o, d.anyLead(o)))
}

var operatorMember = regexp.MustCompile(`"operatorId":(null|"[^"]*"),`)

// owned sets the operator of the row if the factory has one.
func (f factory) owned(r row) row {
	if f.operator != "" {
		rest := operatorMember.ReplaceAll(r.json[1:], nil)
		r.json = append([]byte(`{"operatorId":"`+f.operator+`",`), rest...)
	}
	return r
}

func (d dice) anyLead(o owner) wireLead {
	if d.percent(60) {
		return d.consentedLead(o)
	}
	return d.directLead(o)
}

// row sets the lead's id and serialises the lead.
func (d dice) row(o owner, l wireLead) row {
	id := d.UUID()
	l.ID = id
	body, err := json.Marshal(l)
	if err != nil { // a lead has only strings, numbers and lists
		panic("sandbox: cannot serialise lead: " + err.Error())
	}
	return row{id: id, tenant: o.tenant, json: body}
}
