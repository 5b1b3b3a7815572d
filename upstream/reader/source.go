package reader

import (
	"bytes"
	"fmt"
	"io"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"leadgraph/upstream/reader/scan"
)

// ErrValueTooLarge is the error of an answer with a record, or another member of an
// envelope, larger than MaxValue. The limit protects the memory from a broken or
// hostile platform.
var ErrValueTooLarge = fmt.Errorf("a lead is larger than %d MiB", MaxValue>>20)

// source reads an answer into a buffer as it arrives. The parser's text is the
// filled part of buf. The bytes before pos have been processed.
type source struct {
	*parser
	src io.Reader
	buf []byte
	pos int
	// gone is the number of bytes of the answer before those in buf.
	gone  int64
	ended bool // src has no more bytes
}

// begin reads the start of the answer to find out its encoding: UTF-8, or UTF-16 in
// either order of bytes, with or without a byte order mark. JSON starts with two ASCII
// characters, so that UTF-16 has a zero byte among the first two.
func (r *source) begin() error {
	const enough = 4
	for len(r.b) < enough && !r.ended {
		if err := r.more(); err != nil {
			return err
		}
	}
	if len(r.b) == 0 {
		return ErrNoBody
	}
	switch head := r.b; {
	case bytes.HasPrefix(head, []byte("\xEF\xBB\xBF")):
		r.pos = 3
	case bytes.HasPrefix(head, []byte("\xFF\xFE\x00\x00")): // UTF-32
	case bytes.HasPrefix(head, []byte("\xFF\xFE")), len(head) >= 2 && head[0] != 0 && head[1] == 0:
		r.recode(unicode.LittleEndian)
	case bytes.HasPrefix(head, []byte("\xFE\xFF")), len(head) >= 2 && head[0] == 0 && head[1] != 0:
		r.recode(unicode.BigEndian)
	}
	return nil
}

// recode reads the answer again from its start, and converts it from UTF-16 to UTF-8.
func (r *source) recode(order unicode.Endianness) {
	whole := io.Reader(bytes.NewReader(bytes.Clone(r.b)))
	if !r.ended {
		whole = io.MultiReader(whole, r.src)
	}
	r.src = transform.NewReader(whole, unicode.UTF16(order, unicode.UseBOM).NewDecoder())
	r.b, r.pos, r.ended = r.buf[:0], 0, false
}

// peek skips space and returns the next byte without consuming it. At the end of
// the answer it returns 0.
func (r *source) peek() (byte, error) {
	for {
		if r.pos = scan.Space(r.b, r.pos); r.pos < len(r.b) {
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

// whole reads a value with read. If the buffer ends within the value, it fills the
// buffer further and reads the value again from its start.
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
		if again { // doubles, so that a large value in small pieces is not reread each time
			enough = max(enough, min(2*had, MaxValue))
		}
		for len(r.b)-r.pos < enough && !r.ended {
			if err := r.more(); err != nil {
				return err
			}
		}
	}
}

// more reads once from src into the buffer, or notes that the answer has ended.
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

func (r *source) null(i int) int { return scan.Literal(r.b, i, "null") }

// notJSON returns the error for an invalid byte in the buffer, or for a premature
// end of the answer.
func (r *source) notJSON(at int) error {
	return fmt.Errorf("the body is not valid JSON: it ends early or has an error at byte %d", r.gone+int64(min(at+1, len(r.b))))
}

// wrongType returns the error for a value whose first byte is c. format has one %s
// for the type of the value.
func (r *source) wrongType(format string, c byte) error {
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
