package admission

import (
	"context"
	"sync"
	"time"
)

// Strangers bounds the tokens of one address that nobody has vouched for yet. A
// token counts once, however many operations use it. It is safe for concurrent use.
type Strangers struct {
	most int
	wait time.Duration

	mu        sync.Mutex
	addresses map[string]*address
}

// address is where tokens come from.
type address struct {
	tokens  map[string]int // operations of each
	waiting int
	left    chan struct{} // closed when a token has left
}

// maxWaiting is how many operations of one address may wait for others to leave.
const maxWaiting = 128

// NewStrangers returns a Strangers that lets so many tokens of an address in at a
// time. Others wait.
func NewStrangers(most int, wait time.Duration) *Strangers {
	return &Strangers{most: most, wait: wait, addresses: map[string]*address{}}
}

// Enter lets an operation in. It may wait. The operation is refused if leave is nil;
// otherwise leave must be called once.
func (s *Strangers) Enter(ctx context.Context, from, token string) (leave func()) {
	ctx, cancel := context.WithTimeout(ctx, s.wait)
	defer cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.addresses[from]
	if a == nil {
		a = &address{tokens: map[string]int{}, left: make(chan struct{})}
		s.addresses[from] = a
	}
	for a.tokens[token] == 0 && len(a.tokens) >= s.most {
		if a.waiting >= maxWaiting || ctx.Err() != nil {
			return nil // the address is in use, so it stays
		}
		a.waiting++
		left := a.left
		s.mu.Unlock()
		select {
		case <-left:
		case <-ctx.Done():
		}
		s.mu.Lock()
		a.waiting--
	}
	a.tokens[token]++
	return func() { s.leave(from, a, token) }
}

func (s *Strangers) leave(from string, a *address, token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.tokens[token]--; a.tokens[token] > 0 {
		return
	}
	delete(a.tokens, token)
	close(a.left)
	a.left = make(chan struct{})
	if len(a.tokens) == 0 && a.waiting == 0 {
		delete(s.addresses, from)
	}
}
