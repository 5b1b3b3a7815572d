package reader

import (
	"bytes"
	"io"

	"leadgraph/lead"
)

// decode reads an answer and returns its leads.
func decode(data []byte, want lead.Parts) ([]*lead.Lead, Oddities, error) {
	return decodeFrom(bytes.NewReader(data), want)
}

func decodeFrom(src io.Reader, want lead.Parts) ([]*lead.Lead, Oddities, error) {
	var leads []*lead.Lead
	read, err := Read(src, Leads, Options{Want: want}, func(l *lead.Lead) error {
		leads = append(leads, l)
		return nil
	})
	if err != nil {
		leads = nil
	}
	if read.Oddities == nil {
		read.Oddities = Oddities{}
	}
	return leads, read.Oddities, err
}
