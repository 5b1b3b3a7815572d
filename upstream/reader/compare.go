package reader

import (
	"hash/maphash"
	"math/bits"
)

// comparison finds the records of an answer that share their id with an earlier one but
// have another text than the first.
type comparison struct {
	records []textOf
	places  []int32 // a hash table: 1 + the index of the first record with an id
}

// textOf has the hashes of a record's id and of its JSON.
type textOf struct{ id, text uint64 }

var seed = maphash.MakeSeed()

func (c *comparison) add(id string, text []byte) {
	c.records = append(c.records, textOf{maphash.String(seed, id), maphash.Bytes(seed, text)})
}

// reset forgets the records, and the memory of many.
func (c *comparison) reset() {
	if c.records = c.records[:0]; cap(c.records) > bufferSize>>4 {
		c.records, c.places = nil, nil
	}
}

// conflicts counts the records that differ from an earlier one with their id.
func (c *comparison) conflicts() (n int) {
	if len(c.records) < 2 {
		return 0
	}
	size := 2 << bits.Len(uint(len(c.records)))
	if cap(c.places) < size {
		c.places = make([]int32, size)
	}
	c.places = c.places[:size]
	clear(c.places)
	for i, record := range c.records {
		at := int(record.id) & (size - 1) // a hash spreads well
		for c.places[at] > 0 && c.records[c.places[at]-1].id != record.id {
			at = (at + 1) & (size - 1)
		}
		if c.places[at] == 0 {
			c.places[at] = int32(i) + 1
		} else if c.records[c.places[at]-1].text != record.text {
			n++
		}
	}
	return n
}
