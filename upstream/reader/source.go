package reader

import (
	"fmt"
	"io"
)

// ErrValueTooLarge keeps a broken or hostile platform from filling the memory.
var ErrValueTooLarge = fmt.Errorf("a lead is larger than %d MiB", MaxValue>>20)

// source is an answer that is read into a buffer as it arrives. The parser's text
// is the part of buf that is filled; what is before pos is done with.
type source struct {
	*parser
	src io.Reader
	buf []byte
	pos int
	// gone is the number of bytes that came before those in buf.
	gone  int64
	ended bool // src has no more
}

// peek skips space and returns the byte behind it, which stays; 0 at the end of
// the answer.
func (r *source) peek() (byte, error) {
	for {
		if r.pos = skipSpace(r.b, r.pos); r.pos < len(r.b) {
			return r.b[r.pos], nil
		}
		if r.ended {
			return 0, nil
		}
		if err := r.more(); err != nil {
			return 0, err
		}
	}
}

// whole reads a value, and reads it again with more of the answer in the buffer
// where it was not all there.
func (r *source) whole(read func(i int) int) error {
	for again := false; ; again = true {
		next := read(r.pos)
		if next >= 0 {
			r.pos = next
			return nil
		}
		if at := ^next; at < len(r.b) || r.ended {
			return r.notJSON(at)
		}
		had := len(r.b) - r.pos
		enough := had + 1
		if again { // so that a large value in small pieces is not read over and over
			enough = max(enough, min(2*had, MaxValue))
		}
		for len(r.b)-r.pos < enough && !r.ended {
			if err := r.more(); err != nil {
				return err
			}
		}
	}
}

// more reads some more of the answer into the buffer, or notes that it has
// ended.
func (r *source) more() error {
	if r.pos > 0 {
		r.gone += int64(r.pos)
		r.b = r.buf[:copy(r.buf, r.b[r.pos:])]
		r.pos = 0
	}
	if len(r.b) == len(r.buf) {
		if len(r.buf) >= MaxValue {
			return ErrValueTooLarge
		}
		r.buf = append(make([]byte, 0, 2*len(r.buf)), r.b...)
		r.buf = r.buf[:cap(r.buf)]
	}
	n, err := r.src.Read(r.buf[len(r.b):])
	r.b = r.buf[:len(r.b)+n]
	if r.ended = err == io.EOF; r.ended {
		return nil
	}
	if err != nil {
		return &BrokenError{err}
	}
	return nil
}

func (r *source) null(i int) int { return skipLiteral(r.b, i, "null") }

// notJSON is the error for a byte in the buffer, or for the end of the answer.
func (r *source) notJSON(at int) error {
	return fmt.Errorf("the body is not JSON: it breaks off or goes wrong at byte %d", r.gone+int64(min(at+1, len(r.b))))
}

// wrongKind is the error for a value of which c is the first byte.
func (r *source) wrongKind(format string, c byte) error {
	switch {
	case c == '"':
		return fmt.Errorf(format, "a string")
	case c == 't', c == 'f':
		return fmt.Errorf(format, "a boolean")
	case c == '-', '0' <= c && c <= '9':
		return fmt.Errorf(format, "a number")
	}
	return r.notJSON(r.pos)
}
