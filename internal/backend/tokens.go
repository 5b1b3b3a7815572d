package backend

import (
	"container/list"
	"sync"
	"time"
)

const (
	// maxTokens is how many tokens are remembered of each kind, by their hashes. One
	// takes about 200 bytes.
	maxTokens = 10_000
	// refusedFor is how long the platform is not asked again about a token that it
	// refused. A token does not become valid later, but a permission may be granted.
	refusedFor = 30 * time.Second
)

// tokens remembers what the platform said about callers' tokens. It holds their
// partitions, which are hashes. It is safe for concurrent use.
type tokens struct {
	mu       sync.Mutex
	accepted remembered
	refused  remembered
}

// remembered is a bounded set. The oldest member leaves first.
type remembered struct {
	members map[string]*list.Element
	order   list.List // *said, oldest first
}

// said is what the platform said about a token.
type said struct {
	key  string
	when time.Time
	err  error // nil if it accepted the token
}

func (r *remembered) put(s *said) {
	r.drop(s.key)
	if r.members == nil {
		r.members = map[string]*list.Element{}
	}
	if len(r.members) >= maxTokens {
		r.drop(r.order.Front().Value.(*said).key)
	}
	r.members[s.key] = r.order.PushBack(s)
}

func (r *remembered) drop(key string) {
	if member, known := r.members[key]; known {
		r.order.Remove(member)
		delete(r.members, key)
	}
}

// accept notes that the platform answered with this token.
func (t *tokens) accept(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.accepted.members[key]; known {
		return
	}
	t.refused.drop(key)
	t.accepted.put(&said{key: key, when: time.Now()})
}

// refuse notes that the platform refused this token.
func (t *tokens) refuse(key string, why error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.accepted.drop(key)
	t.refused.put(&said{key, time.Now(), why})
}

// refusal returns the error with which the platform refused this token a while
// ago, or nil.
func (t *tokens) refusal(key string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	member, known := t.refused.members[key]
	if !known {
		return nil
	}
	last := member.Value.(*said)
	if time.Since(last.when) >= refusedFor {
		t.refused.drop(key)
		return nil
	}
	return last.err
}

func (t *tokens) isAccepted(key string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, known := t.accepted.members[key]
	return known
}
