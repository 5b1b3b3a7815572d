package load

import (
	"bytes"
	"fmt"
	"hash/crc32"
)

// All workloads select the status of leads, so that each lead in an answer of
// either API has exactly one key "status". Keys like "validationStatus" do not
// match, because the mark begins with a quote. Quotes inside a text are escaped.
const (
	leadMark  = `"status":`
	errorMark = `"errors":`
)

// inspect fails if an answer contains errors or another number of leads.
func inspect(answer []byte, rows int) error {
	if bytes.Contains(answer, []byte(errorMark)) {
		return fmt.Errorf("answer has errors: %s", answer[:min(len(answer), headSize)])
	}
	if n := bytes.Count(answer, []byte(leadMark)); n != rows {
		return fmt.Errorf("answer has %d leads instead of %d", n, rows)
	}
	return nil
}

// headSize is the length of the part of a wrong answer that is shown, in bytes.
const headSize = 400

// castagnoli is a checksum that most processors compute in hardware, so that it
// costs almost nothing. Looking for the marks in every answer would use most of
// the load's core.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// fingerprint identifies an answer that was inspected.
type fingerprint struct {
	size int64
	sum  uint32
	// cursor is where the answer has a cursor, which holds the time of the answer. The
	// sum leaves it out.
	cursor span
}

// span is the bytes [from, to) of an answer.
type span struct{ from, to int64 }

const cursorMark = `"endCursor":"`

// cursorIn returns where an answer has its cursor. No answer has more than one.
func cursorIn(answer []byte) span {
	at := bytes.Index(answer, []byte(cursorMark))
	if at < 0 {
		return span{}
	}
	from := at + len(cursorMark)
	return span{int64(from), int64(from + bytes.IndexByte(answer[from:], '"'))}
}

// fingerprinter computes the fingerprint of an answer while it arrives. The
// answers of W5 are too large to keep one for each connection.
type fingerprinter struct {
	fingerprint
	head []byte
}

// expect begins an answer that has its cursor there.
func (f *fingerprinter) expect(cursor span) {
	f.fingerprint, f.head = fingerprint{cursor: cursor}, f.head[:0]
}

// Write implements io.Writer.
func (f *fingerprinter) Write(p []byte) (int, error) {
	within := func(at int64) int { return int(min(max(at-f.size, 0), int64(len(p)))) }
	f.sum = crc32.Update(f.sum, castagnoli, p[:within(f.cursor.from)])
	f.sum = crc32.Update(f.sum, castagnoli, p[within(f.cursor.to):])
	f.size += int64(len(p))
	f.head = append(f.head, p[:min(len(p), headSize-len(f.head))]...)
	return len(p), nil
}

// refuses tells whether leadgraph answered that it is overloaded. Its status is not
// always that of a failure.
func (f *fingerprinter) refuses() bool { return bytes.Contains(f.head, []byte(overloadedCode)) }

// compare fails if the answer has another fingerprint.
func (f *fingerprinter) compare(want fingerprint) error {
	if f.fingerprint != want {
		return fmt.Errorf("answer of %d bytes differs from the first answer of %d bytes: %s", f.size, want.size, f.head)
	}
	return nil
}
