package share

import (
	"encoding/binary"
	"encoding/json"
	"time"
)

// recordWriter appends fields to data. Lengths are written plus one where 0 has
// to say that there is nothing.
type recordWriter struct{ data []byte }

func (w *recordWriter) size(n int) { w.data = binary.AppendUvarint(w.data, uint64(n)) }

func (w *recordWriter) text(s *string) {
	w.size(len(*s))
	w.data = append(w.data, *s...)
}

func (w *recordWriter) optional(s **string) {
	if *s == nil {
		w.size(0)
		return
	}
	w.size(len(**s) + 1)
	w.data = append(w.data, **s...)
}

func (w *recordWriter) json(raw *json.RawMessage) {
	if *raw == nil {
		w.size(0)
		return
	}
	w.size(len(*raw) + 1)
	w.data = append(w.data, *raw...)
}

func (w *recordWriter) flag(b **bool) {
	switch {
	case *b == nil:
		w.data = append(w.data, 0)
	case **b:
		w.data = append(w.data, 2)
	default:
		w.data = append(w.data, 1)
	}
}

func (w *recordWriter) small(n *uint8) { w.data = append(w.data, *n) }

func (w *recordWriter) moment(t *time.Time) {
	if w.present(!t.IsZero()) {
		w.data = binary.AppendVarint(w.data, t.Unix())
		w.size(t.Nanosecond())
	}
}

func (w *recordWriter) present(is bool) bool {
	if is {
		w.data = append(w.data, 1)
	} else {
		w.data = append(w.data, 0)
	}
	return is
}

func (w *recordWriter) length(n int) int {
	w.size(n + 1)
	return n
}

// recordReader takes fields off data. After anything that recordWriter does not
// write it is bad, and reads only what is empty.
type recordReader struct {
	data string
	bad  bool
}

func (r *recordReader) fail() { r.data, r.bad = "", true }

func (r *recordReader) byte() byte {
	if r.data == "" {
		r.fail()
		return 0
	}
	b := r.data[0]
	r.data = r.data[1:]
	return b
}

func (r *recordReader) number() uint64 {
	var n uint64
	for shift := 0; shift < 64; shift += 7 {
		b := r.byte()
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return n
		}
	}
	r.fail()
	return 0
}

func (r *recordReader) take(n uint64) string {
	if n > uint64(len(r.data)) {
		r.fail()
		return ""
	}
	s := r.data[:n]
	r.data = r.data[n:]
	return s
}

func (r *recordReader) text(s *string) { *s = r.take(r.number()) }

func (r *recordReader) optional(s **string) {
	if n := r.number(); n > 0 {
		text := r.take(n - 1)
		*s = &text
	}
}

func (r *recordReader) json(raw *json.RawMessage) {
	if n := r.number(); n > 0 {
		*raw = json.RawMessage(r.take(n - 1))
	}
}

func (r *recordReader) flag(b **bool) {
	switch r.byte() {
	case 0:
	case 1:
		*b = new(false)
	case 2:
		*b = new(true)
	default:
		r.fail()
	}
}

func (r *recordReader) small(n *uint8) { *n = r.byte() }

func (r *recordReader) moment(t *time.Time) {
	if !r.present(false) {
		return
	}
	zigzag := r.number()
	seconds := int64(zigzag>>1) ^ -int64(zigzag&1)
	nanoseconds := r.number()
	if nanoseconds >= uint64(time.Second) {
		r.fail()
		return
	}
	*t = time.Unix(seconds, int64(nanoseconds)).UTC()
}

func (r *recordReader) present(bool) bool {
	b := r.byte()
	if b > 1 {
		r.fail()
	}
	return b == 1
}

// length refuses lists with more elements than bytes are left: every element
// takes at least one.
func (r *recordReader) length(int) int {
	n := r.number()
	if n > uint64(len(r.data))+1 {
		r.fail()
		return -1
	}
	return int(n) - 1
}
