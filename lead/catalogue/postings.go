package catalogue

import (
	"slices"

	"leadgraph/lead"
	"leadgraph/lead/flight"
)

// postings lists the rows that have a value, for each value of one property. The
// lists share one array, because most tenants and channels have only one or two
// rows.
type postings[K comparable] struct {
	index  map[K]int32
	starts []int32 // where each value's list starts in rows, and the end of the last
	rows   []int32 // ascending within a list
}

// postingsOf returns the postings of a property: those of the old snapshot if it has not
// changed.
func postingsOf[K comparable](b *builder, old *postings[K], values func(l *lead.Lead, add func(K))) postings[K] {
	of := func(l *lead.Lead) (all []K) {
		values(l, func(key K) { all = append(all, key) })
		return all
	}
	if b.unchanged(func(before, now *lead.Lead) bool { return slices.Equal(of(before), of(now)) }) {
		return *old
	}
	return newPostings(b.leads, values, b.pace)
}

// newPostings calls values for each lead, which adds the lead's values. A value
// that a lead adds twice counts once.
func newPostings[K comparable](leads []*lead.Lead, values func(l *lead.Lead, add func(K)), pace *flight.Pace) postings[K] {
	type posting struct{ value, row int32 }
	p := postings[K]{index: make(map[K]int32)}
	found := make([]posting, 0, len(leads))
	var sizes, last []int32
	for row, l := range leads {
		pace.Step()
		values(l, func(key K) {
			value, known := p.index[key]
			if !known {
				value = int32(len(sizes))
				p.index[key] = value
				sizes, last = append(sizes, 0), append(last, -1)
			}
			if last[value] == int32(row) {
				return
			}
			last[value] = int32(row)
			sizes[value]++
			found = append(found, posting{value, int32(row)})
		})
	}
	p.starts = runningTotals(sizes)
	p.rows = make([]int32, len(found))
	next := append([]int32(nil), p.starts...)
	for _, f := range found {
		p.rows[next[f.value]] = f.row
		next[f.value]++
	}
	return p
}

// of returns the rows that have the value, in ascending order.
func (p *postings[K]) of(key K) []int32 {
	value, known := p.index[key]
	if !known {
		return nil
	}
	return p.list(value)
}

func (p *postings[K]) list(value int32) []int32 { return p.rows[p.starts[value]:p.starts[value+1]] }

// anyOf returns the rows [0, length) that have at least one of the values. It looks
// at a repeated value only once, so that the work is bounded by the rows, not by
// the keys.
func (p *postings[K]) anyOf(length int, keys []K, normal func(K) K) bitset {
	set, done := newBitset(length), newBitset(len(p.index))
	for _, key := range keys {
		value, known := p.index[normal(key)]
		if !known || done.has(value) {
			continue
		}
		done.set(value)
		for _, row := range p.list(value) {
			set.set(row)
		}
	}
	return set
}

// any returns the rows [0, length) that have any value.
func (p *postings[K]) any(length int) bitset {
	set := newBitset(length)
	for _, row := range p.rows {
		set.set(row)
	}
	return set
}

// matching returns the rows [0, length) that have a value of the kind.
func (p *postings[K]) matching(length int, kind func(K) bool) bitset {
	set := newBitset(length)
	for key, value := range p.index {
		if !kind(key) {
			continue
		}
		for _, row := range p.list(value) {
			set.set(row)
		}
	}
	return set
}

// counts returns how many of the rows within have each value. It leaves out values
// that none of them has.
func (p *postings[K]) counts(within bitset) map[K]int {
	counts := make(map[K]int)
	for key, value := range p.index {
		n := 0
		for _, row := range p.list(value) {
			n += within.bit(row)
		}
		if n > 0 {
			counts[key] = n
		}
	}
	return counts
}

// runningTotals returns the start of each of the consecutive groups, and the end of
// the last one.
func runningTotals(sizes []int32) []int32 {
	totals := make([]int32, len(sizes)+1)
	for i, size := range sizes {
		totals[i+1] = totals[i] + size
	}
	return totals
}
