package backend

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"leadgraph/internal/share"
	"leadgraph/lead/catalogue"
	"leadgraph/upstream"
)

// hints shares between replicas what their clients have learnt about the platform's
// pages. It does nothing without a store.
type hints struct {
	store  *share.Store
	client *upstream.Client
	once   sync.Once
	shared atomic.Int64 // the cap that the store has, as far as is known
}

// take gives the client what other replicas have learnt, before its first page.
func (h *hints) take() {
	if h.store == nil {
		return
	}
	h.once.Do(func() {
		leads := h.store.PageCap()
		h.shared.Store(int64(leads))
		h.client.SuggestCap(leads)
		if p, known := h.store.Paging(); known {
			h.client.SuggestPaging(p.FirstPage, p.Filled, p.End)
		}
	})
}

// give stores what the client has learnt, if that is news.
func (h *hints) give() {
	if h.store == nil {
		return
	}
	leads := h.client.Facts().Cap
	if known := h.shared.Swap(int64(leads)); known != int64(leads) && h.store.SetPageCap(leads) != nil {
		h.shared.Store(known) // another read tries again
	}
}

// givePaging stores what reading all leads has just shown.
func (h *hints) givePaging() {
	if f := h.client.Facts(); h.store != nil && f.FirstPage >= 0 && f.Filled > 0 {
		_ = h.store.SetPaging(share.Paging{FirstPage: f.FirstPage, Filled: f.Filled, End: f.End}) // the next reading tries again
	}
}

// hinted is a source of the catalogue whose client takes and gives hints.
type hinted struct {
	catalogue.Source
	hints *hints
}

// AllLeads implements catalogue.Source.
func (h hinted) AllLeads(ctx context.Context, notBefore time.Time) (catalogue.Reading, error) {
	h.hints.take()
	reading, err := h.Source.AllLeads(ctx, notBefore)
	h.hints.give()
	if err == nil {
		h.hints.givePaging()
	}
	return reading, err
}
