package catalogue

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"

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

// newOrdering orders by rank, and rows of equal rank as in byID. Rows without a
// value come last in both directions, so the descending order is not just the
// ascending one backwards.
func newOrdering(r ranking, byID []int32, descending bool, pace *flight.Pace) ordering {
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
	o := ordering{rows: make([]int32, len(byID)), places: make([]int32, len(byID))}
	for _, row := range byID {
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
