package projection

import (
	"math/bits"
	"sync"
)

// Buffers are kept from 4 KiB, below which a new one costs no more than the
// pool, to 16 MiB, far above the largest page of leads.
const (
	smallestClass = 12
	largestClass  = 24
)

// buffers recycles the memory of rendered responses by powers of two, so that a
// short response does not hold the memory of a long one. Memory that is unused
// for two garbage collections is freed.
type buffers [largestClass - smallestClass + 1]sync.Pool

// get returns an empty buffer for about size bytes.
func (p *buffers) get(size int) []byte {
	class := max(bits.Len(uint(size)), smallestClass)
	if class > largestClass || size < 1<<smallestClass {
		return make([]byte, 0, size)
	}
	if buffer, ok := p[class-smallestClass].Get().(*[]byte); ok {
		return (*buffer)[:0]
	}
	return make([]byte, 0, 1<<class)
}

// put takes back a buffer that is no longer used.
func (p *buffers) put(buffer []byte) {
	class := bits.Len(uint(cap(buffer))) - 1
	if class >= smallestClass && class <= largestClass {
		p[class-smallestClass].Put(&buffer)
	}
}
