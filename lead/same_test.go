package lead_test

import (
	"reflect"
	"testing"
	"time"

	"leadgraph/lead"
)

// A value that the comparison does not see would be shown old.
func TestSameSeesEveryField(t *testing.T) {
	t.Parallel()
	seesEveryField(t, lead.Same)
	changed := full()
	changed.AsOf = time.Now()
	if !lead.Same(full(), changed) {
		t.Error("leads that were read at other times differ")
	}
	for name, change := range map[string]func(*lead.Lead){
		"no details":   func(l *lead.Lead) { l.ContactDetails = nil },
		"no contacts":  func(l *lead.Lead) { l.Contacts = nil },
		"no locations": func(l *lead.Lead) { l.CivicAddresses[0].Locations = nil },
		"two contacts": func(l *lead.Lead) { l.Contacts = append(l.Contacts, l.Contacts[0]) },
	} {
		changed := full()
		change(changed)
		if lead.Same(full(), changed) || lead.Same(changed, full()) {
			t.Errorf("%s: the same", name)
		}
	}
}

func TestRenewed(t *testing.T) {
	t.Parallel()
	old, now := full(), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	renewed := lead.Renewed(old, now)
	if !lead.Same(old, renewed) || !renewed.AsOf.Equal(now) || !reflect.DeepEqual(old, full()) {
		t.Errorf("got %+v of %+v", renewed, old)
	}
	if renewed.ContactDetails == old.ContactDetails {
		t.Error("the details keep the old lead alive")
	}
	if !lead.Shared(renewed, old) || lead.Shared(renewed, lead.Copy(old)) {
		t.Error("Shared is wrong")
	}
	bare := &lead.Lead{ID: "a"}
	if renewed := lead.Renewed(bare, now); renewed.ContactDetails != nil || !lead.Same(renewed, bare) {
		t.Errorf("got %+v", renewed)
	}
}
