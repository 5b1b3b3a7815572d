package reader

import (
	"bytes"
	"io"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

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
