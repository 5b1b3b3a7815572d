package admission

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"
)

// Section is work for one or several operations that has a token of its own while
// it computes, such as decoding an answer of the platform. It must not be used by
// several goroutines at a time.
type Section struct {
	slot  *Slot
	held  bool
	since time.Time
}

// Section returns a section without a token.
func (s *Slot) Section() *Section { return &Section{slot: s} }

// Enter takes a token and waits for it if necessary.
func (c *Section) Enter(ctx context.Context) {
	if c.slot.bounded() && !c.held {
		c.held, c.since = c.slot.door.goOn(ctx), time.Now()
	}
}

// Leave returns the token.
func (c *Section) Leave() {
	if !c.held {
		return
	}
	c.held = false
	c.slot.door.leave()
	c.slot.mu.Lock()
	defer c.slot.mu.Unlock()
	c.slot.used += time.Since(c.since) // whoever caused the work pays for it
}

// Wrap returns a round-tripper whose answers are decoded in sections: what reads
// a body has a token from one read to the next, but not while it reads. Operations
// must be away when they wait for it.
//
// The beginning of a body is read before it takes a token for the first time. So a
// short answer has arrived as a whole, and keeps no connection, when it waits for a core.
func Wrap(next http.RoundTripper) http.RoundTripper { return tripper{next} }

type tripper struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t tripper) RoundTrip(r *http.Request) (*http.Response, error) {
	sent(r.Context())
	answer, err := t.next.RoundTrip(r)
	if slot := Of(r.Context()); err == nil && slot.bounded() {
		answer.Body = &body{ReadCloser: answer.Body, section: slot.Section(), ctx: r.Context()}
	}
	return answer, err
}

// aheadBytes is how much of a body is read before it takes a token: a page of 200
// leads.
const aheadBytes = 256 << 10

var heads = sync.Pool{New: func() any { return new([aheadBytes]byte) }}

type body struct {
	io.ReadCloser
	section *Section
	ctx     context.Context // of the request
	here    bool            // a piece has arrived and is computed

	head *[aheadBytes]byte // nil before the first read, and after it was given back
	left []byte            // of the head
	err  error             // with which the head ended
	read bool              // the head was read
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (n int, err error) {
	if len(b.left) == 0 && b.err == nil {
		b.leave()
		if b.read {
			n, err = b.ReadCloser.Read(p)
		} else {
			b.readHead()
		}
		b.here = true
		b.section.slot.arrived(1)
		b.section.Enter(b.ctx)
	}
	if n > 0 || err != nil || len(p) == 0 {
		return n, err
	}
	n = copy(p, b.left)
	if b.left = b.left[n:]; len(b.left) == 0 {
		b.giveBack()
		err = b.err
	}
	return n, err
}

// readHead reads until the head is full or the body ends.
func (b *body) readHead() {
	b.head, b.read = heads.Get().(*[aheadBytes]byte), true
	size := 0
	for size < aheadBytes && b.err == nil {
		var n int
		n, b.err = b.ReadCloser.Read(b.head[size:])
		size += n
	}
	b.left = b.head[:size]
}

func (b *body) giveBack() {
	if b.head != nil {
		heads.Put(b.head)
		b.head, b.left = nil, nil
	}
}

// Close implements io.Closer.
func (b *body) Close() error {
	b.leave()
	b.giveBack()
	return b.ReadCloser.Close()
}

func (b *body) leave() {
	b.section.Leave()
	if b.here {
		b.here = false
		b.section.slot.arrived(-1)
	}
}
