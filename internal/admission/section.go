package admission

import (
	"context"
	"io"
	"net/http"
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
func Wrap(next http.RoundTripper) http.RoundTripper { return tripper{next} }

type tripper struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t tripper) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := t.next.RoundTrip(r)
	if slot := Of(r.Context()); err == nil && slot.bounded() {
		answer.Body = &body{answer.Body, slot.Section(), r.Context()}
	}
	return answer, err
}

type body struct {
	io.ReadCloser
	section *Section
	ctx     context.Context // of the request
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	b.section.Leave()
	n, err := b.ReadCloser.Read(p)
	b.section.Enter(b.ctx)
	return n, err
}

// Close implements io.Closer.
func (b *body) Close() error {
	b.section.Leave()
	return b.ReadCloser.Close()
}
