package truth

import (
	"strings"
	"sync"
	"time"

	"leadgraph/lead"
)

// onceOf is a value that is decided when it is needed for the first time. Unlike those of
// sync.OnceValue it is part of what it belongs to.
type onceOf[T any] struct {
	once   sync.Once
	decide func() T
	value  T
}

func (o *onceOf[T]) get() T {
	o.once.Do(func() { o.value = o.decide() })
	return o.value
}

// isSimple reports whether what a field has read is the newest. It is decided once.
func (o *Operation) isSimple() bool {
	o.simple.Do(func() { o.simplest = o.alone && o.Memory().Len() == 0 })
	return o.simplest
}

// TenantAsOf returns when reading the leads began that OfTenant returns: the tenant had
// these and no others.
func (o *Operation) TenantAsOf(tenantID string) time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	asOf := o.tenants[strings.ToLower(tenantID)].AsOf
	if o.all != nil && o.all.AsOf().After(asOf) {
		return o.all.AsOf()
	}
	return asOf
}

// Simple reports whether the operation shows leads as it has read them: no field has shown,
// and none will show, a version that was read elsewhere.
func (o *Operation) Simple() bool { return o.isSimple() }

// Only is like OfTenant for an operation that shows nothing but the leads of this tenant,
// once. It takes less time.
func (o *Operation) Only(tenantID string) []*lead.Lead {
	key := strings.ToLower(tenantID)
	o.mu.Lock()
	found := o.tenants[key]
	newest := o.all == nil && !o.Memory().Newer(key, found.Leads, found.AsOf)
	o.mu.Unlock()
	if newest {
		return found.Leads
	}
	return o.OfTenant(tenantID)
}
