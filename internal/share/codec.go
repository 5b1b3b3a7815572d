package share

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/flight"
)

// formatVersion is part of every key. Raise it with every change of the encoding, or of
// the tables that lead.Visit walks: replicas of two releases then ignore each other's
// leads.
const formatVersion = "5"

// maxRecord bounds one encoded lead, in bytes. The platform's answers have the same
// bound for a lead.
const maxRecord = 4 << 20

var (
	errFormat   = errors.New("not in the format of shared leads")
	errTooLarge = errors.New("too large to be shared")
	errLead     = errors.New("a shared lead is not one that the platform's answers can have")
)

// bounds limit what is decoded. They hold before memory is allocated for it.
type bounds struct {
	leads int   // maximum number of leads
	bytes int64 // maximum size of all encoded leads
	// accept reports whether a lead can be used.
	accept func(*lead.Lead) bool
}

// encode writes the leads: their number, then each one after its length.
func encode(w io.Writer, leads []*lead.Lead, pace *flight.Pace) error {
	buffered := bufio.NewWriter(w)
	size := binary.AppendUvarint(nil, uint64(len(leads)))
	if _, err := buffered.Write(size); err != nil {
		return err
	}
	var record recordWriter
	for _, l := range leads {
		pace.Rest()
		record.data = record.data[:0]
		lead.Visit(&record, l)
		if len(record.data) > maxRecord {
			return errTooLarge
		}
		size = binary.AppendUvarint(size[:0], uint64(len(record.data)))
		if _, err := buffered.Write(size); err != nil {
			return err
		}
		if _, err := buffered.Write(record.data); err != nil {
			return err
		}
	}
	return buffered.Flush()
}

// decode reads what encode wrote, within the bounds. All texts of one lead share one
// allocation, and no two leads do, so that a cache that keeps one lead does not retain
// the others.
func decode(r io.Reader, most bounds, pace *flight.Pace) ([]*lead.Lead, error) {
	buffered := bufio.NewReader(r)
	n, err := binary.ReadUvarint(buffered)
	if err != nil || n > uint64(most.leads) {
		return nil, errFormat
	}
	var leads []*lead.Lead
	var data []byte
	for range n {
		pace.Rest()
		size, err := binary.ReadUvarint(buffered)
		if err != nil || size > maxRecord || int64(size) > most.bytes {
			return nil, errFormat
		}
		most.bytes -= int64(size)
		if uint64(cap(data)) < size {
			data = make([]byte, size)
		}
		data = data[:size]
		if _, err := io.ReadFull(buffered, data); err != nil {
			return nil, errFormat
		}
		record := recordReader{data: string(data)}
		l := &lead.Lead{}
		lead.Visit(&record, l)
		if record.bad || record.data != "" {
			return nil, errFormat
		}
		if !most.accept(l) {
			return nil, errLead
		}
		leads = append(leads, l)
	}
	if _, err := buffered.ReadByte(); !errors.Is(err, io.EOF) {
		return nil, errFormat
	}
	return leads, nil
}

// recordWriter appends the fields of leads to data. Lengths are written plus one
// where 0 says that there is nothing.
type recordWriter struct{ data []byte }

func (w *recordWriter) size(n int) { w.data = binary.AppendUvarint(w.data, uint64(n)) }

// Text implements lead.Visitor.
func (w *recordWriter) Text(_ lead.Traits, s *string) {
	w.size(len(*s))
	w.data = append(w.data, *s...)
}

// Optional implements lead.Visitor.
func (w *recordWriter) Optional(_ lead.Traits, s **string) {
	if *s == nil {
		w.size(0)
		return
	}
	w.size(len(**s) + 1)
	w.data = append(w.data, **s...)
}

// Texts implements lead.Visitor.
func (w *recordWriter) Texts(_ lead.Traits, list *[]string) {
	n := len(*list)
	if *list == nil {
		n = -1
	}
	w.size(n + 1)
	for i := range *list {
		w.Text(0, &(*list)[i])
	}
}

// Raw implements lead.Visitor.
func (w *recordWriter) Raw(_ lead.Traits, raw *json.RawMessage) {
	if *raw == nil {
		w.size(0)
		return
	}
	w.size(len(*raw) + 1)
	w.data = append(w.data, *raw...)
}

// Flag implements lead.Visitor.
func (w *recordWriter) Flag(b **bool) {
	switch {
	case *b == nil:
		w.data = append(w.data, 0)
	case **b:
		w.data = append(w.data, 2)
	default:
		w.data = append(w.data, 1)
	}
}

// Code implements lead.Visitor.
func (w *recordWriter) Code(n *uint8) { w.data = append(w.data, *n) }

// Moment implements lead.Visitor.
func (w *recordWriter) Moment(t *time.Time) {
	if w.Present(!t.IsZero(), 0) {
		w.data = binary.AppendVarint(w.data, t.Unix())
		w.size(t.Nanosecond())
	}
}

// Present implements lead.Visitor.
func (w *recordWriter) Present(is bool, _ uintptr) bool {
	if is {
		w.data = append(w.data, 1)
	} else {
		w.data = append(w.data, 0)
	}
	return is
}

// Length implements lead.Visitor.
func (w *recordWriter) Length(n int, _ uintptr) int {
	w.size(n + 1)
	return n
}

// recordReader takes the fields of leads off data. After anything that
// recordWriter does not write it is bad, and reads only empty values.
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

// Text implements lead.Visitor.
func (r *recordReader) Text(_ lead.Traits, s *string) { *s = r.take(r.number()) }

// Optional implements lead.Visitor.
func (r *recordReader) Optional(_ lead.Traits, s **string) {
	if n := r.number(); n > 0 {
		text := r.take(n - 1)
		*s = &text
	}
}

// Texts implements lead.Visitor.
func (r *recordReader) Texts(_ lead.Traits, list *[]string) {
	n := r.Length(0, 0)
	if n < 0 {
		return
	}
	*list = make([]string, n)
	for i := range *list {
		r.Text(0, &(*list)[i])
	}
}

// Raw implements lead.Visitor.
func (r *recordReader) Raw(_ lead.Traits, raw *json.RawMessage) {
	if n := r.number(); n > 0 {
		*raw = json.RawMessage(r.take(n - 1))
	}
}

// Flag implements lead.Visitor.
func (r *recordReader) Flag(b **bool) {
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

// Code implements lead.Visitor.
func (r *recordReader) Code(n *uint8) { *n = r.byte() }

// Moment implements lead.Visitor.
func (r *recordReader) Moment(t *time.Time) {
	if !r.Present(false, 0) {
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

// Present implements lead.Visitor.
func (r *recordReader) Present(bool, uintptr) bool {
	b := r.byte()
	if b > 1 {
		r.fail()
	}
	return b == 1
}

// Length implements lead.Visitor. It refuses lists with more elements than the bytes
// that are left can hold. Every field of an element takes at least one byte, and at
// most largestField in memory, so a list takes at most that many times its encoding.
func (r *recordReader) Length(_ int, size uintptr) int {
	n := r.number()
	least := max(1, uint64(size)/largestField)
	if n > uint64(len(r.data))/least+1 {
		r.fail()
		return -1
	}
	return int(n) - 1
}

// largestField is the size of a slice or a time in bytes. No field is larger.
const largestField = 24
