package admission

import "sync"

// Few bounds how many of something each caller has. It is safe for concurrent use.
type Few struct {
	most int

	mu   sync.Mutex
	held map[string]int
}

// NewFew returns a Few that lets each caller have so many.
func NewFew(most int) *Few { return &Few{most: most, held: map[string]int{}} }

// Take counts one more for the named caller. If the caller has too many, leave is
// nil; otherwise it must be called once.
func (f *Few) Take(name string) (leave func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.held[name] >= f.most {
		return nil
	}
	f.held[name]++
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.held[name]--; f.held[name] == 0 {
			delete(f.held, name)
		}
	}
}
