package catalogue

import (
	"iter"
	"math/bits"
)

// bitset is a set of rows of one snapshot. All sets of a snapshot have the same
// length, so that they combine word by word.
type bitset []uint64

func newBitset(rows int) bitset { return make(bitset, (rows+63)/64) }

func fullBitset(rows int) bitset {
	b := newBitset(rows)
	for i := range b {
		b[i] = ^uint64(0)
	}
	if spare := rows % 64; spare != 0 {
		b[len(b)-1] = 1<<spare - 1
	}
	return b
}

func (b bitset) set(row int32)      { b[row>>6] |= 1 << (row & 63) }
func (b bitset) remove(row int32)   { b[row>>6] &^= 1 << (row & 63) }
func (b bitset) has(row int32) bool { return b[row>>6]>>(row&63)&1 != 0 }

// bit is has as a number, for counting without a branch.
func (b bitset) bit(row int32) int { return int(b[row>>6] >> (row & 63) & 1) }

func (b bitset) count() int {
	n := 0
	for _, word := range b {
		n += bits.OnesCount64(word)
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

func (b bitset) unite(other bitset) {
	for i, word := range other {
		b[i] |= word
	}
}

// all walks the rows of the set in ascending order. Removing the row that was
// just given is allowed.
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
