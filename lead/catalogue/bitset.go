package catalogue

import (
	"iter"
	"math/bits"
)

// bitset is a set of rows of one snapshot. All bitsets of a snapshot have the same
// length, so that they can be combined word by word.
type bitset []uint64

// newBitset returns the empty set for the rows [0, length).
func newBitset(length int) bitset { return make(bitset, (length+63)/64) }

// fullBitset returns the set of all rows [0, length).
func fullBitset(length int) bitset {
	b := newBitset(length)
	for i := range b {
		b[i] = ^uint64(0)
	}
	if spare := length % 64; spare != 0 {
		b[len(b)-1] = 1<<spare - 1
	}
	return b
}

func (b bitset) set(row int32)      { b[row>>6] |= 1 << (row & 63) }
func (b bitset) remove(row int32)   { b[row>>6] &^= 1 << (row & 63) }
func (b bitset) has(row int32) bool { return b[row>>6]>>(row&63)&1 != 0 }

// bit returns 1 if the set has the row, otherwise 0: counting needs no branch.
func (b bitset) bit(row int32) int { return int(b[row>>6] >> (row & 63) & 1) }

func (b bitset) count() int {
	n := 0
	for _, word := range b {
		n += bits.OnesCount64(word)
	}
	return n
}

// countBefore returns the number of rows of the set below a row.
func (b bitset) countBefore(row int) int {
	n := b[:row>>6].count()
	if spare := row & 63; spare != 0 {
		n += bits.OnesCount64(b[row>>6] & (1<<spare - 1))
	}
	return n
}

func (b bitset) clone() bitset { return append(bitset(nil), b...) }

func (b bitset) intersect(other bitset) {
	for i, word := range other {
		b[i] &= word
	}
}

func (b bitset) subtract(other bitset) {
	for i, word := range other {
		b[i] &^= word
	}
}

// require removes the rows that are not in the other set or, if wanted is false, those
// that are.
func (b bitset) require(other bitset, wanted bool) {
	if wanted {
		b.intersect(other)
	} else {
		b.subtract(other)
	}
}

func (b bitset) unite(other bitset) {
	for i, word := range other {
		b[i] |= word
	}
}

// all yields the rows of the set in ascending order. The loop may remove the row
// that it was just given.
func (b bitset) all() iter.Seq[int32] {
	return func(yield func(int32) bool) {
		for i, word := range b {
			for ; word != 0; word &= word - 1 {
				if !yield(int32(i<<6 | bits.TrailingZeros64(word))) {
					return
				}
			}
		}
	}
}
