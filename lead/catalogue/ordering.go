package catalogue

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
	"sync"

	"leadgraph/lead"
	"leadgraph/lead/flight"
)

// ranking holds the rank of every row: the number of its value among the distinct
// values in ascending order. Rows without a value have the rank groups, after all
// others.
type ranking struct {
	ranks  []int32
	groups int32
}

// sortKey holds the first bytes of a row's value. They decide almost every
// comparison of the sort without following a pointer.
type sortKey struct {
	major uint64
	minor uint32
	row   int32
}

// rankTexts ranks by the bytes of the texts; "" means no value.
func rankTexts(texts []string, pace *flight.Pace) ranking {
	keys := make([]sortKey, 0, len(texts))
	for row, text := range texts {
		if text == "" {
			continue
		}
		var head [12]byte
		copy(head[:], text)
		keys = append(keys, sortKey{
			major: binary.BigEndian.Uint64(head[:8]),
			minor: binary.BigEndian.Uint32(head[8:]),
			row:   int32(row),
		})
	}
	compare := func(a, b sortKey) int {
		pace.Step()
		if a.major != b.major {
			return cmp.Compare(a.major, b.major)
		}
		if a.minor != b.minor {
			return cmp.Compare(a.minor, b.minor)
		}
		return strings.Compare(texts[a.row], texts[b.row])
	}
	slices.SortFunc(keys, compare)
	r := ranking{ranks: make([]int32, len(texts))}
	for i, key := range keys {
		if i == 0 || compare(keys[i-1], key) != 0 {
			r.groups++
		}
		r.ranks[key.row] = r.groups - 1
	}
	for row, text := range texts {
		if text == "" {
			r.ranks[row] = r.groups
		}
	}
	return r
}

// ordering is one total order of all rows: the rows in that order, and the
// place of each row in it.
type ordering struct {
	rows   []int32
	places []int32
}

// newOrdering orders by rank, and rows of equal rank as in ties. Rows without a
// value come last in both directions, so the descending order is not just the
// ascending one backwards.
func newOrdering(r ranking, ties []int32, descending bool, pace *flight.Pace) ordering {
	group := func(row int32) int32 {
		rank := r.ranks[row]
		if descending && rank < r.groups {
			return r.groups - 1 - rank
		}
		return rank
	}
	sizes := make([]int32, r.groups+1)
	for row := range r.ranks {
		sizes[group(int32(row))]++
	}
	next := runningTotals(sizes)
	o := ordering{rows: make([]int32, len(ties)), places: make([]int32, len(ties))}
	for _, row := range ties {
		pace.Step()
		g := group(row)
		o.rows[next[g]], o.places[row] = row, next[g]
		next[g]++
	}
	return o
}

// asRead returns the platform's own order.
func asRead(length int) ordering {
	identity := make([]int32, length)
	for i := range identity {
		identity[i] = int32(i)
	}
	return ordering{rows: identity, places: identity}
}

// fieldOrder is the orders by one field.
type fieldOrder struct {
	both   [2]ordering // ascending, descending
	heads  bitset      // the places of the ascending order at which another value begins
	valued int         // the number of rows with a value
}

// headsOf returns the heads of an order; same compares the values of neighbours.
func headsOf(rows []int32, same func(row, next int32) bool, pace *flight.Pace) bitset {
	heads := newBitset(len(rows))
	for place, row := range rows {
		pace.Step()
		if place == 0 || !same(rows[place-1], row) {
			heads.set(int32(place))
		}
	}
	return heads
}

// ranking returns the ranks of all rows.
func (o *fieldOrder) ranking() ranking {
	r := ranking{ranks: make([]int32, len(o.both[0].rows))}
	next := int32(-1)
	for place, row := range o.both[0].rows {
		if o.heads.has(int32(place)) {
			next++
		}
		if place < o.valued {
			r.groups = next + 1
		}
		r.ranks[row] = next
	}
	return r
}

// keptCombined is the number of combined orders that a snapshot keeps. For 100,000 leads
// one has 800 KB and takes some milliseconds to make.
const keptCombined = 8

// combinedOrders keeps the orders by several fields that were used last, the latest first.
// It is safe for concurrent use.
type combinedOrders struct {
	mu   sync.Mutex
	kept []*combinedOrder
}

type combinedOrder struct {
	orders []lead.Order
	once   sync.Once
	ordering
}

// of returns the order, which combine makes if it is not kept.
func (c *combinedOrders) of(orders []lead.Order, combine func() ordering) *ordering {
	one := c.entry(orders)
	one.once.Do(func() { one.ordering = combine() })
	return &one.ordering
}

func (c *combinedOrders) entry(orders []lead.Order) *combinedOrder {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := slices.IndexFunc(c.kept, func(o *combinedOrder) bool { return slices.Equal(o.orders, orders) })
	if at < 0 {
		at = min(len(c.kept), keptCombined-1)
		c.kept = append(c.kept[:at], &combinedOrder{orders: slices.Clone(orders)})
	}
	one := c.kept[at]
	copy(c.kept[1:at+1], c.kept[:at])
	c.kept[0] = one
	return one
}

// combine returns the order by several fields: rows of equal value are in the order by
// the fields that follow.
func (s *Snapshot) combine(orders []lead.Order) ordering {
	last := len(orders) - 1
	combined := *s.ordering(orders[last:])
	for _, o := range slices.Backward(orders[:last]) {
		combined = newOrdering(s.orderings[o.Field].ranking(), combined.rows, o.Descending, nil)
	}
	return combined
}

// ordering returns the ordering of all leads. The orders must be normal.
func (s *Snapshot) ordering(orders []lead.Order) *ordering {
	if len(orders) == 0 {
		return &s.orderings[lead.OrderAsRead].both[0]
	}
	switch o := orders[0]; {
	case o.Field == lead.OrderID:
		return &ordering{rows: s.byTie}
	case len(orders) > 1:
		return s.combined.of(orders, func() ordering { return s.combine(orders) })
	case o.Descending:
		return &s.orderings[o.Field].both[1]
	default:
		return &s.orderings[o.Field].both[0]
	}
}
