package share

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"

	"leadgraph/lead"
	"leadgraph/lead/flight"
)

// formatVersion is part of every key. Raise it with every change of the encoding, or of
// the tables that lead.Visit walks: replicas of two releases then ignore each other's
// leads.
const formatVersion = "4"

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
