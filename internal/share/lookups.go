package share

import (
	"bytes"
	"context"
	"strconv"
	"strings"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/lookup"
)

var _ lookup.SharedLookups = (*Lookups)(nil)

// Lookups shares the leads of single tenants between replicas. It implements
// lead.SharedLookups.
type Lookups struct {
	store *Store
	ttl   time.Duration
}

// Lookups returns shared lookups. A lookup expires on the server at the age of ttl.
func (s *Store) Lookups(ttl time.Duration) *Lookups { return &Lookups{store: s, ttl: ttl} }

func (s *Store) tenantKey(id string) string { return s.prefix + "tenant:" + s.vault().name(id) }

// Get implements lead.SharedLookups. It takes one round trip.
func (l *Lookups) Get(ctx context.Context, tenantIDs []string) map[string]lookup.Found {
	if len(tenantIDs) == 0 || ctx.Err() != nil {
		return nil
	}
	keys := make([]string, len(tenantIDs))
	for i, id := range tenantIDs {
		keys[i] = l.store.tenantKey(id)
	}
	asked := time.Now()
	answer, err := l.store.recall(keys)
	if err != nil || len(answer) != len(keys)+1 {
		return nil
	}
	now, _ := strconv.ParseInt(answer[0], 10, 64) // the script wrote a number
	found := make(map[string]lookup.Found, len(keys))
	for i, value := range answer[1:] {
		if value == "" {
			continue
		}
		leads, begun, err := l.store.readLookup(tenantIDs[i], keys[i], value)
		if err == nil && begun > now {
			err = errFormat
		}
		if err != nil {
			l.store.complain(err)
			continue
		}
		age := time.Duration(now-begun) * time.Microsecond
		found[tenantIDs[i]] = lookup.Found{Leads: leads, AsOf: asked.Add(-age).UTC()}
	}
	return found
}

const (
	// maxLookup bounds a stored lookup, in bytes, like a chunk of all leads. Larger ones
	// are not shared.
	maxLookup = chunkBytes
	// maxRecall bounds the lookups of one answer together.
	maxRecall = 16 << 20
)

// readLookup parses the stored value of a tenant. It returns the leads, and when reading
// them began, in µs by the server's clock.
func (s *Store) readLookup(tenantID, key, value string) ([]*lead.Lead, int64, error) {
	stamp, sealed, _ := strings.Cut(value, " ")
	begun, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || begun < 0 || len(value) > maxLookup {
		return nil, 0, errFormat
	}
	encoded, err := s.vault().open([]byte(sealed), key+" "+stamp)
	if err != nil {
		return nil, 0, err
	}
	most := bounds{leads: s.opts.MaxLeads, bytes: int64(len(encoded)), accept: soundOf(tenantID)}
	leads, err := decode(bytes.NewReader(encoded), most, nil)
	return leads, begun, err
}

// Put implements lookup.SharedLookups. It takes two round trips: it first asks for the
// server's time, because a command may be executed late.
func (l *Lookups) Put(ctx context.Context, found map[string]lookup.Found) {
	if len(found) == 0 || ctx.Err() != nil {
		return
	}
	now, err := l.store.clock()
	if err != nil {
		return
	}
	told := time.Now()
	keys := make([]string, 0, len(found))
	values := make([]string, 0, len(found))
	for id, f := range found {
		var encoded bytes.Buffer
		if err := encode(&encoded, f.Leads, nil); err != nil {
			l.store.complain(err)
			continue
		}
		key := l.store.tenantKey(id)
		stamp := strconv.FormatInt(now-told.Sub(f.AsOf).Microseconds(), 10)
		value := stamp + " " + string(l.store.vault().seal(encoded.Bytes(), key+" "+stamp))
		if len(value) > maxLookup {
			continue
		}
		keys, values = append(keys, key), append(values, value)
	}
	if len(keys) > 0 {
		l.store.remember(keys, values, l.ttl)
	}
}
