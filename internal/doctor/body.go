package doctor

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"leadgraph/lead"
	"leadgraph/upstream/reader"
)

var (
	errHTML  = errors.New("the platform answered HTML instead of leads, from a proxy, a login page or the portal itself; is the base URL right?")
	errBlank = errors.New("the platform answered without a body instead of leads")
)

// parse reads the body as leadgraph does. Its errors quote nothing from the body.
func (p *page) parse() error {
	result, err := reader.Read(bytes.NewReader(p.Body), reader.Leads, reader.Options{Want: lead.AllParts}, func(l *lead.Lead) error {
		p.rows = append(p.rows, l)
		return nil
	})
	switch {
	case err == nil:
		p.read, p.total = result, claimed(p.Body)
		return nil
	case errors.Is(err, reader.ErrNoBody):
		return errBlank
	case bytes.HasPrefix(bytes.TrimSpace(p.Body), []byte("<")), strings.Contains(p.Header.Get("Content-Type"), "html"):
		return errHTML
	}
	p.rows = nil
	return fmt.Errorf("leadgraph cannot read the answer: %w", err)
}

// claimed returns the number of leads that an envelope states, or -1.
func claimed(body []byte) int {
	var counts struct{ TotalRecords json.Number }
	if json.Unmarshal(body, &counts) != nil {
		return -1
	}
	if n, err := strconv.Atoi(counts.TotalRecords.String()); err == nil {
		return n
	}
	return -1
}

// readable returns the leads of a page without the rows that cannot be read.
func (p *page) readable() []*lead.Lead {
	return slices.DeleteFunc(slices.Clone(p.rows), func(l *lead.Lead) bool { return l == nil })
}

// ids returns the ids of rows, with "" for those that cannot be read.
func ids(rows []*lead.Lead) []string {
	list := make([]string, len(rows))
	for i, l := range rows {
		if l != nil {
			list[i] = l.ID
		}
	}
	return list
}

// overlap counts the leads of a that are also in b.
func overlap(a, b *page) int {
	in, n := make(map[string]bool, len(b.rows)), 0
	for _, l := range b.readable() {
		in[l.ID] = true
	}
	for _, l := range a.readable() {
		if in[l.ID] {
			n++
		}
	}
	return n
}

// same reports whether two pages hold the same leads, in any order. Pages of which no row
// can be read are compared byte by byte.
func same(a, b *page) bool {
	n := len(a.readable())
	if len(a.rows) != len(b.rows) || n != len(b.readable()) {
		return false
	}
	return overlap(a, b) == n && (n > 0 || bytes.Equal(a.Body, b.Body))
}
