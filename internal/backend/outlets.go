package backend

import (
	"time"

	"leadgraph/internal/share"
)

// Outlets returns the positions of the receivers of changes, which replicas share, and how long
// a lease lasts. It returns nil if replicas share nothing.
func (p *Platform) Outlets() (positions *share.Outlets, lease time.Duration) {
	if p.shared == nil {
		return nil, 0
	}
	return p.shared.Outlets(), share.OutletLease
}
