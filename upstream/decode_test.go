package upstream

import (
	"bytes"
	"io"
	"sync"

	"leadgraph/lead"
)

// decode reads an answer and keeps its leads.
func decode(data []byte, want lead.Fields) ([]*lead.Lead, oddities, error) {
	return decodeFrom(bytes.NewReader(data), want)
}

// pool makes the tests read into used storage, as a Client does.
var pool = sync.Pool{New: func() any { return newRows() }}

func decodeFrom(src io.Reader, want lead.Fields) ([]*lead.Lead, oddities, error) {
	var leads []*lead.Lead
	keeper := newKeeper()
	reader := pool.Get().(*rows)
	_, odd, err := reader.read(src, want, func(l *lead.Lead) error {
		leads = append(leads, keeper.keep(l))
		return nil
	})
	if reader.reusable() {
		pool.Put(reader)
	}
	if err != nil {
		leads = nil
	}
	if odd == nil {
		odd = oddities{}
	}
	return leads, odd, err
}
