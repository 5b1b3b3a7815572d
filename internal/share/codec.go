package share

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"

	"leadgraph/lead"
)

// formatVersion is part of every key. Raise it with every change of the encoding, or of
// the tables that lead.Visit walks: replicas of two releases then ignore each other's
// leads.
const formatVersion = "2"

// maxRecord bounds one encoded lead, in bytes.
const maxRecord = 16 << 20

var (
	errFormat   = errors.New("not in the format of shared leads")
	errTooLarge = errors.New("a lead has more than 16 MiB")
)

// encode writes the leads: their number, then each one after its length.
func encode(w io.Writer, leads []*lead.Lead) error {
	buffered := bufio.NewWriter(w)
	size := binary.AppendUvarint(nil, uint64(len(leads)))
	if _, err := buffered.Write(size); err != nil {
		return err
	}
	var record recordWriter
	for _, l := range leads {
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

// decode reads what encode wrote. All texts of one lead share one allocation, and
// no two leads do, so that a cache that keeps one lead does not retain the others.
func decode(r io.Reader) ([]*lead.Lead, error) {
	buffered := bufio.NewReader(r)
	n, err := binary.ReadUvarint(buffered)
	if err != nil {
		return nil, errFormat
	}
	var leads []*lead.Lead
	var data []byte
	for range n {
		size, err := binary.ReadUvarint(buffered)
		if err != nil || size > maxRecord {
			return nil, errFormat
		}
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
		leads = append(leads, l)
	}
	if _, err := buffered.ReadByte(); !errors.Is(err, io.EOF) {
		return nil, errFormat
	}
	return leads, nil
}
