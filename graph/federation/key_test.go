package federation_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"leadgraph/graph/federation"
)

// The id of a tenant finds the tenant, and the id of any lead the lead, also if the two
// have one UUID.
func TestIdsDoNotCollide(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		id := uuid.UUID([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "uuid"))).String()
		if key := federation.NodeKey(federation.TenantID(strings.ToUpper(id))); key != (federation.Key{Type: "Tenant", ID: id}) {
			t.Fatalf("the tenant's id is the key %v", key)
		}
		if key := federation.NodeKey(id); key != (federation.Key{Type: "Lead", ID: id}) {
			t.Fatalf("the lead's id is the key %v", key)
		}
		text := rapid.String().Draw(t, "text")
		for _, other := range []string{text, "Tenant:" + text, "tenant:" + id, "Tenant: " + id, "Tenant:" + id[1:], "Lead:" + id} {
			if key := federation.NodeKey(other); key != (federation.Key{Type: "Lead", ID: other}) {
				t.Fatalf("%q is the key %v", other, key)
			}
		}
	})
}

func TestRepresentationsAreRefused(t *testing.T) {
	t.Parallel()
	const id = "f94238e5-4f2c-4e1b-8125-2d27122ca75f"
	type object = map[string]any
	for _, c := range []struct {
		representation any
		member, reason string
	}{
		{nil, "", "must be an object."},
		{"Lead", "", "must be an object."},
		{[]any{object{"__typename": "Lead", "id": id}}, "", "must be an object."},
		{object{}, "__typename", "must be Lead or Tenant."},
		{object{"__typename": "lead", "id": id}, "__typename", "must be Lead or Tenant."},
		{object{"__typename": 1, "id": id}, "__typename", "must be Lead or Tenant."},
		{object{"__typename": "Query", "id": id}, "__typename", "must be Lead or Tenant."},
		{object{"__typename": "Lead"}, "id", "must be a string."},
		{object{"__typename": "Lead", "id": nil}, "id", "must be a string."},
		{object{"__typename": "Lead", "id": []any{id}}, "id", "must be a string."},
		{object{"__typename": "Lead", "tenantId": id}, "id", "must be a string."},
		{object{"__typename": "Tenant", "id": id}, "id", "must be Tenant: and a UUID."},
		{object{"__typename": "Tenant", "id": "Tenant:" + id[1:]}, "id", "must be Tenant: and a UUID."},
	} {
		key, fault := federation.KeyOf(c.representation)
		if fault == nil || fault.Member != c.member || fault.Reason != c.reason || key != (federation.Key{}) {
			t.Errorf("%v: %v, %+v", c.representation, key, fault)
		}
	}
	for _, c := range []struct {
		representation any
		want           federation.Key
	}{
		{object{"__typename": "Lead", "id": "any text", "status": "ACTIVE", "x": nil}, federation.Key{Type: "Lead", ID: "any text"}},
		{object{"__typename": "Tenant", "id": "Tenant:" + strings.ToUpper(id), "tenantId": 7}, federation.Key{Type: "Tenant", ID: id}},
	} {
		if key, fault := federation.KeyOf(c.representation); fault != nil || key != c.want {
			t.Errorf("%v: %v, %+v", c.representation, key, fault)
		}
	}
}
