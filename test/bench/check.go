package main

import (
	"bytes"
	"fmt"
	"hash/crc32"
)

// Each lead of an answer, of both APIs, has exactly one key status, which all
// workloads select: the other keys that end so are longer. Inside a text the
// quotes would be escaped.
const (
	leadMark  = `"status":`
	errorMark = `"errors":`
)

// inspect says what is wrong with an answer that should have that many leads.
func inspect(answer []byte, rows int) error {
	if bytes.Contains(answer, []byte(errorMark)) {
		return fmt.Errorf("answer has errors: %s", answer[:min(len(answer), headSize)])
	}
	if n := bytes.Count(answer, []byte(leadMark)); n != rows {
		return fmt.Errorf("answer has %d leads instead of %d", n, rows)
	}
	return nil
}

// headSize is how much of a wrong answer is shown, in bytes.
const headSize = 200

// castagnoli has an instruction on most processors: looking for the marks in
// every answer would take most of the load's core, this next to nothing.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// fingerprint tells whether an answer is the one that was inspected.
type fingerprint struct {
	size int64
	sum  uint32
}

// fingerprinter takes the fingerprint of an answer while it arrives, since those
// of W5 are too large to keep one for each connection.
type fingerprinter struct {
	fingerprint
	head []byte
}

func (f *fingerprinter) reset() { f.fingerprint, f.head = fingerprint{}, f.head[:0] }

// Write implements io.Writer.
func (f *fingerprinter) Write(p []byte) (int, error) {
	f.size += int64(len(p))
	f.sum = crc32.Update(f.sum, castagnoli, p)
	f.head = append(f.head, p[:min(len(p), headSize-len(f.head))]...)
	return len(p), nil
}

// compare fails if the answer is another one.
func (f *fingerprinter) compare(want fingerprint) error {
	if f.fingerprint != want {
		return fmt.Errorf("answer of %d bytes is not the one of %d bytes that the request had before: %s", f.size, want.size, f.head)
	}
	return nil
}
