package httpd

import (
	"context"
	"sync"
	"time"
)

// Unsent bounds the answers that wait for their clients to take them, in bytes.
// When there are too many, the connection is cut off whose client has taken
// nothing for the longest time. So a client that reads is not cut off on account
// of others with the same address that do not. An Unsent is safe for concurrent
// use.
type Unsent struct {
	most, mostEach int64

	mu      sync.Mutex
	bytes   int64
	cutOffs int64
	callers map[string]*unsentOf
}

// unsentOf holds the answers of one caller.
type unsentOf struct {
	bytes   int64
	answers map[*unsentAnswer]struct{}
}

type unsentAnswer struct {
	conn  *conn // nil if unknown
	size  int64
	since int64 // when it began to be written, in Unix nanoseconds
	gone  bool
}

// NewUnsent returns an Unsent with bounds in bytes: of all answers together, of
// which one caller may have a quarter. 0 means no bound.
func NewUnsent(most int64) *Unsent {
	return &Unsent{most: most, mostEach: most / 4, callers: map[string]*unsentOf{}}
}

// UnsentState is the present state of an Unsent.
type UnsentState struct {
	Bytes   int64 // of answers that wait for their clients
	CutOffs int64 // connections cut off to keep the bound
}

// State returns the present state.
func (u *Unsent) State() UnsentState {
	u.mu.Lock()
	defer u.mu.Unlock()
	return UnsentState{u.bytes, u.cutOffs}
}

// Begin counts an answer of this size to the named caller until end is called. The
// context is that of the request.
func (u *Unsent) Begin(ctx context.Context, name string, size int) (end func()) {
	a := &unsentAnswer{conn: connOf(ctx), size: int64(size), since: time.Now().UnixNano()}
	ended := func() {}
	if a.conn != nil {
		ended = a.conn.begin(ctx)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	of := u.callers[name]
	if of == nil {
		of = &unsentOf{answers: map[*unsentAnswer]struct{}{}}
		u.callers[name] = of
	}
	of.answers[a] = struct{}{}
	of.bytes += a.size
	u.bytes += a.size
	for u.most > 0 && of.bytes > u.mostEach && u.cutStalest(name, of, a) {
		continue
	}
	for u.most > 0 && u.bytes > u.most {
		if most, biggest := u.biggest(); !u.cutStalest(most, biggest, a) {
			break
		}
	}
	return func() {
		ended()
		u.mu.Lock()
		defer u.mu.Unlock()
		u.remove(name, of, a)
	}
}

func (u *Unsent) remove(name string, of *unsentOf, a *unsentAnswer) {
	if a.gone {
		return
	}
	a.gone = true
	delete(of.answers, a)
	of.bytes -= a.size
	u.bytes -= a.size
	if len(of.answers) == 0 {
		delete(u.callers, name)
	}
}

// cutStalest cuts off the connection of the caller's answer that has stood still
// the longest, but not of the one that has just begun. It returns false if there
// is none.
func (u *Unsent) cutStalest(name string, of *unsentOf, begun *unsentAnswer) bool {
	var stalest *unsentAnswer
	for a := range of.answers {
		if a != begun && a.conn != nil && (stalest == nil || a.moved() < stalest.moved()) {
			stalest = a
		}
	}
	if stalest == nil {
		return false
	}
	stalest.conn.cut()
	u.cutOffs++
	u.remove(name, of, stalest)
	return true
}

// moved returns when the client last took something of the answer.
func (a *unsentAnswer) moved() int64 { return max(a.since, a.conn.progress.Load()) }

// biggest returns the caller with the most bytes.
func (u *Unsent) biggest() (name string, of *unsentOf) {
	for other, has := range u.callers {
		if of == nil || has.bytes > of.bytes {
			name, of = other, has
		}
	}
	return name, of
}
