// Package federation makes leadgraph a subgraph of Apollo Federation 2. It knows the
// ids of objects, the keys by which a gateway refers to them, and the schema that a
// gateway composes. It does no I/O.
package federation

import (
	"strings"

	"leadgraph/graph/scalar"
)

// The types that have keys.
const (
	Lead   = "Lead"
	Tenant = "Tenant"
)

// MostLookups is the maximum number of tenants that one field looks up by their keys.
// More are taken from the catalogue: a gateway sends all keys that it has, and 500
// lookups are what a budget of the default size allows.
const MostLookups = 500

// Key identifies an object.
type Key struct {
	Type string // Lead or Tenant
	// ID is the id of a lead, or the Microsoft id of a tenant in lower case.
	ID string
}

const tenantPrefix = Tenant + ":"

// TenantID returns the id of a tenant's object. A lead's id is the platform's, which may
// be the text of a tenant's.
func TenantID(tenantID string) string { return tenantPrefix + strings.ToLower(tenantID) }

// NodeKey returns the key of the object with an id. A text that is no tenant's id is
// taken for that of a lead.
func NodeKey(id string) Key {
	if key, ok := tenantKey(id); ok {
		return key
	}
	return Key{Lead, id}
}

// NodeKeys returns the keys of the objects with these ids.
func NodeKeys(ids []string) []Key {
	keys := make([]Key, len(ids))
	for i, id := range ids {
		keys[i] = NodeKey(id)
	}
	return keys
}

func tenantKey(id string) (key Key, ok bool) {
	text, typed := strings.CutPrefix(id, tenantPrefix)
	if !typed {
		return Key{}, false
	}
	tenant, err := scalar.UnmarshalUUID(text)
	return Key{Tenant, tenant}, err == nil
}

// Lookups returns the distinct tenants among the keys, and whether there are more than are
// looked up. The zero keys of refused representations do not count.
func Lookups(keys []Key) (tenants []string, tooMany bool) {
	seen := map[string]struct{}{}
	for _, key := range keys {
		if key.Type != Tenant {
			continue
		}
		if _, known := seen[key.ID]; !known {
			seen[key.ID] = struct{}{}
			tenants = append(tenants, key.ID)
		}
	}
	return tenants, len(tenants) > MostLookups
}

// Fault says why a representation is refused.
type Fault struct {
	Member string // the member that is wrong, or empty for the whole
	Reason string // the rest of the sentence
}

// KeyOf returns the key in a representation. Members that belong to no key are ignored.
func KeyOf(representation any) (Key, *Fault) {
	members, isObject := representation.(map[string]any)
	if !isObject {
		return Key{}, &Fault{"", "must be an object."}
	}
	name, isText := members["__typename"].(string)
	if !isText || name != Lead && name != Tenant {
		return Key{}, &Fault{"__typename", "must be " + Lead + " or " + Tenant + "."}
	}
	id, isText := members["id"].(string)
	switch {
	case !isText:
		return Key{}, &Fault{"id", "must be a string."}
	case name == Lead:
		return Key{Lead, id}, nil
	}
	key, ok := tenantKey(id)
	if !ok {
		return Key{}, &Fault{"id", "must be " + tenantPrefix + " and a UUID."}
	}
	return key, nil
}

// KeysOf returns the keys in representations, with zero keys for those that are refused.
func KeysOf(representations []any) []Key {
	keys := make([]Key, len(representations))
	for i, representation := range representations {
		keys[i], _ = KeyOf(representation)
	}
	return keys
}
