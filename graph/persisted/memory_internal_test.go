package persisted

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"pgregory.net/rapid"

	"leadgraph/internal/apptest"
)

func TestMemoryBound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		bound := rapid.Uint64Range(1, 50_000).Draw(t, "bound")
		m := NewMemory(bound)
		for i, size := range rapid.SliceOf(rapid.IntRange(1, 20_000)).Draw(t, "sizes") {
			document := strings.Repeat("d", size)
			hash := hashOf(fmt.Sprint(i))
			m.Put(t.Context(), hash, document)
			if got, ok := m.Get(t.Context(), hash); ok && got != document {
				t.Fatal("another document")
			}
			if used := heldBytes(m); used > bound {
				t.Fatalf("%d bytes after %d documents, bound %d", used, i+1, bound)
			}
		}
	})
}

func TestMemoryBoundConcurrently(t *testing.T) {
	t.Parallel()
	const bound, writers, size = 64 << 10, 8, 4 << 10
	m := NewMemory(bound)
	var done sync.WaitGroup
	for writer := range writers {
		done.Go(func() {
			for i := range 500 {
				m.Put(t.Context(), hashOf(fmt.Sprint(writer, i)), strings.Repeat("d", size))
			}
		})
	}
	done.Wait()
	m.Get(t.Context(), "")
	if used := heldBytes(m); used > bound {
		t.Errorf("%d bytes, bound %d", used, bound)
	}
}

func heldBytes(m *Memory) uint64 {
	var sum uint64
	for hash, e := range m.cache.All() {
		sum += uint64(len(hash) + len(e.document) + entryBytes)
	}
	return sum
}

// Documents in use stay while others of ten times the store's size are
// registered.
func TestMemoryKeepsWhatIsUsed(t *testing.T) {
	t.Parallel()
	const size, used = 1 << 10, 20
	m := NewMemory(100 * (size + entryBytes))
	name := func(i int) string { return hashOf(fmt.Sprint("used", i)) }
	found := func() (n int) {
		for i := range used {
			if _, ok := m.Get(t.Context(), name(i)); ok {
				n++
			} else {
				m.Put(t.Context(), name(i), strings.Repeat("u", size))
			}
		}
		return n
	}
	for range 10 {
		found()
	}
	for i := range 1000 {
		m.Put(t.Context(), hashOf(fmt.Sprint("once", i)), strings.Repeat("d", size))
		if i%50 == 0 {
			found()
		}
	}
	if n := found(); n < used*9/10 {
		t.Errorf("%d of %d documents in use are left", n, used)
	}
}

// A document is often a small part of a URL.
func TestMemoryKeepsNothingElse(t *testing.T) {
	t.Parallel()
	m, url := NewMemory(1<<20), "query={leads{id}}&padding="
	m.Put(t.Context(), "hash", url[6:17])
	got, ok := m.Get(t.Context(), "hash")
	if !ok || got != "{leads{id}}" || unsafe.StringData(got) == unsafe.StringData(url[6:]) {
		t.Errorf("%q of the same memory", got)
	}
}

// The store holds no more than its limit says. The test is not parallel because it
// measures the whole process.
func TestMemoryWeighsWhatItHolds(t *testing.T) { //nolint:paralleltest // measures the whole process
	for _, size := range []int{20, 500, 6000} {
		const documents = 1000
		m := NewMemory(1 << 30)
		before := apptest.HeapInUse()
		for i := range documents {
			text := fmt.Sprintf("%0*d", size, i)
			m.Put(t.Context(), hashOf(text), text)
		}
		held, weight := apptest.HeapInUse()-before, heldBytes(m)
		t.Logf("documents of %d bytes: hold %d, weigh %d", size, held/documents, weight/documents)
		if n := m.cache.EstimatedSize(); n != documents || weight < held*9/10 {
			t.Errorf("%d documents of %d bytes hold %d bytes and weigh %d", n, size, held, weight)
		}
		runtime.KeepAlive(m)
	}
}
