package recent_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/leadtest"
	"leadgraph/lead/recent"
)

const tenant = "6a7c0e81-4b3d-4f92-ae15-c9d8f7b6e510"

var begun = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func one(id string, status lead.Status, after time.Duration) *lead.Lead {
	return &lead.Lead{ID: id, TenantID: tenant, Status: status, AsOf: begun.Add(after)}
}

func snapshot(after time.Duration, leads ...*lead.Lead) *catalogue.Snapshot {
	return catalogue.Build(leads, begun.Add(after), nil)
}

func TestOnlyWhatDiffersIsRemembered(t *testing.T) {
	t.Parallel()
	m := recent.New()
	m.Publish(snapshot(0, one("a", lead.StatusActive, 0), one("b", lead.StatusActive, 0)))
	m.Tenant(tenant, []*lead.Lead{one("a", lead.StatusActive, 1), one("b", lead.StatusRemoved, 1)}, begun.Add(1))
	m.Read(one("a", lead.StatusActive, 2), lead.AllParts)
	if v, _ := m.Of("b", lead.AllParts); m.Len() != 1 || v.Lead == nil || v.Lead.Status != lead.StatusRemoved {
		t.Fatalf("%d leads, b is %+v", m.Len(), v)
	}
	m.Tenant(strings.ToUpper(tenant), nil, begun.Add(3))
	for _, id := range []string{"a", "b"} {
		if v, noted := m.Of(id, 0); !noted || !v.Gone {
			t.Errorf("%s is not gone: %+v", id, v)
		}
	}
	m.Tenant(tenant, []*lead.Lead{one("a", lead.StatusActive, 2)}, begun.Add(2))
	if v, _ := m.Of("a", 0); !v.Gone {
		t.Error("an older lookup brought a lead back")
	}
	m.Publish(snapshot(4, one("a", lead.StatusActive, 4)))
	if m.Len() != 0 {
		t.Errorf("%d leads are remembered although the catalogue is newer", m.Len())
	}
	m.Tenant(tenant, nil, begun.Add(4))
	if m.Len() != 0 {
		t.Error("a lookup that is not newer than the catalogue is remembered")
	}
}

// A page that has the catalogue's values forgets only what is older and what it has.
func TestAPageForgetsNothingNewer(t *testing.T) {
	t.Parallel()
	named := func(name string, after time.Duration) *lead.Lead {
		l := one("a", lead.StatusActive, after)
		l.ContactDetails = &lead.ContactDetails{CompanyName: &name}
		return l
	}
	for name, page := range map[string]struct {
		after time.Duration
		parts lead.Parts
	}{"an older page": {1, lead.AllParts}, "other parts": {3, lead.PartStatus}} {
		m := recent.New()
		m.Publish(snapshot(0, named("before", 0)))
		m.Tenant(tenant, []*lead.Lead{named("now", 2)}, begun.Add(2))
		m.Read(named("before", page.after), page.parts)
		if v, _ := m.Of("a", lead.AllParts); v.Lead == nil || *v.Lead.ContactDetails.CompanyName != "now" {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

// A page has only some parts of a lead. A version without a wanted part is not used.
func TestPartsOfALead(t *testing.T) {
	t.Parallel()
	m := recent.New()
	m.Publish(snapshot(0, one("a", lead.StatusActive, 0)))
	m.Tenant(tenant, []*lead.Lead{one("a", lead.StatusSuspended, 1)}, begun.Add(1))
	m.Read(one("a", lead.StatusRemoved, 2), lead.PartStatus)
	for parts, want := range map[lead.Parts]lead.Status{0: lead.StatusRemoved, lead.PartStatus: lead.StatusRemoved, lead.AllParts: lead.StatusSuspended} {
		if v, _ := m.Of("a", parts); v.Lead == nil || v.Lead.Status != want {
			t.Errorf("parts %b: %+v", parts, v.Lead)
		}
	}
}

func TestPagesWithoutACatalogueLeaveTenants(t *testing.T) {
	t.Parallel()
	m := recent.New()
	m.Read(one("a", lead.StatusActive, 1), lead.PartStatus)
	v, noted := m.Of("a", lead.PartStatus)
	if !noted || v.Lead != nil || v.TenantID != tenant {
		t.Errorf("%+v", v)
	}
	m.Publish(snapshot(0, one("a", lead.StatusRemoved, 0))) // read before, published after
	if m.Len() != 0 {
		t.Error("a lead without values is remembered although the catalogue has it")
	}
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	m := recent.New()
	m.Publish(snapshot(0))
	for i := range 3 * recent.MaxLeads {
		m.Read(one(fmt.Sprint(i), lead.StatusActive, 1), lead.AllParts)
	}
	if m.Len() != recent.MaxLeads || len(m.IDs()) != recent.MaxLeads || len(m.OfTenant(tenant)) != recent.MaxLeads {
		t.Errorf("%d leads", m.Len())
	}
	large := one("large", lead.StatusActive, 1)
	large.Comments = []string{strings.Repeat("x", 1<<20)}
	m.Tenant(tenant, []*lead.Lead{large}, begun.Add(1))
	if v, noted := m.Of("large", 0); !noted || v.Lead != nil {
		t.Error("the values of a very large lead are kept")
	}
	for i := range recent.MaxLeads {
		l := one(fmt.Sprint("big", i), lead.StatusActive, 1)
		l.Comments = []string{strings.Repeat("x", 25<<10)}
		m.Read(l, lead.AllParts)
	}
	if n := m.Len(); n == 0 || n > recent.MaxBytes/(50<<10) {
		t.Errorf("%d big leads", n)
	}
}

// TestALeadThatMovedIsNotGone reads the tenant that a lead has left and the one that it has
// come to, in any order.
func TestALeadThatMovedIsNotGone(t *testing.T) {
	t.Parallel()
	const other = "9e2d4c10-77aa-4b7e-8f53-5a1c2be0d902"
	for _, first := range []string{tenant, other} {
		for _, earlier := range []string{tenant, other} {
			m := recent.New()
			m.Publish(snapshot(0, one("a", lead.StatusActive, 0)))
			for _, id := range []string{first, map[string]string{tenant: other, other: tenant}[first]} {
				after := 2 * time.Second
				if id == earlier {
					after = time.Second
				}
				if id == tenant {
					m.Tenant(tenant, nil, begun.Add(after))
				} else {
					moved := one("a", lead.StatusActive, after)
					moved.TenantID = other
					m.Tenant(other, []*lead.Lead{moved}, begun.Add(after))
				}
			}
			if v, noted := m.Of("a", 0); !noted || v.Gone || v.TenantID != other {
				t.Errorf("%s was noted first, %s read earlier: %+v", first, earlier, v)
			}
		}
	}
}

// A lookup tells the platform's order of a tenant's leads.
func TestLeadsOfATenantKeepTheirOrder(t *testing.T) {
	t.Parallel()
	m := recent.New()
	var want []string
	var leads []*lead.Lead
	for i := range 5 {
		want = append(want, fmt.Sprint("lead ", (i*3)%5))
		leads = append(leads, one(want[i], lead.StatusActive, 1))
	}
	m.Tenant(tenant, leads, begun.Add(1))
	if got := m.OfTenant(tenant); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestLeftIsWhenALeadWasFirstMissed reads tenants again and again. A lead that another
// tenant has now has not left.
func TestLeftIsWhenALeadWasFirstMissed(t *testing.T) {
	t.Parallel()
	const other = "9e2d4c10-77aa-4b7e-8f53-5a1c2be0d902"
	synctest.Test(t, func(t *testing.T) {
		m := recent.New()
		left := func() time.Time { return m.Left([]string{other, strings.ToUpper(tenant)}) }
		m.Tenant(tenant, []*lead.Lead{one("a", lead.StatusActive, 0)}, begun)
		if !left().IsZero() {
			t.Error("nothing has left")
		}
		noticed := time.Now()
		for after := range 3 {
			m.Tenant(tenant, nil, begun.Add(time.Duration(1+after)))
			if got := left(); !got.Equal(noticed) || !m.Left([]string{other}).IsZero() {
				t.Errorf("left at %v, noticed at %v", got, noticed)
			}
			leadtest.Pass(time.Second)
		}
		moved := one("a", lead.StatusActive, 4)
		moved.TenantID = other
		m.Tenant(other, []*lead.Lead{moved}, begun.Add(4))
		if !left().IsZero() {
			t.Error("the lead has moved")
		}
		noticed = time.Now()
		m.Tenant(other, nil, begun.Add(5))
		if got := left(); !got.Equal(noticed) {
			t.Errorf("left the other tenant at %v, noticed at %v", got, noticed)
		}
	})
}
