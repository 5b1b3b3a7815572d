package apptest

import (
	"bytes"
	"io"
	"sync"
)

// Buffer collects text that several goroutines write, such as a log.
type Buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

var _ io.Writer = (*Buffer)(nil)

// Write implements io.Writer.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String returns what has been written so far.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// Reset forgets what has been written so far.
func (b *Buffer) Reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text.Reset()
}
