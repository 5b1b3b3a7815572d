package reader

import (
	"bytes"
	"io"
	"sync"

	"leadgraph/lead"
)

// decode reads an answer and keeps its leads.
func decode(data []byte, want lead.Fields) ([]*lead.Lead, Oddities, error) {
	return decodeFrom(bytes.NewReader(data), want)
}

// pool makes the tests read into used storage, as a Client does.
var pool = sync.Pool{New: func() any { return NewRows() }}

func decodeFrom(src io.Reader, want lead.Fields) ([]*lead.Lead, Oddities, error) {
	var leads []*lead.Lead
	keeper := NewKeeper()
	reader := pool.Get().(*Rows)
	_, odd, err := reader.Read(src, want, func(l *lead.Lead) error {
		leads = append(leads, keeper.Keep(l))
		return nil
	})
	if reader.Reusable() {
		pool.Put(reader)
	}
	if err != nil {
		leads = nil
	}
	if odd == nil {
		odd = Oddities{}
	}
	return leads, odd, err
}
