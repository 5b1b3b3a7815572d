package lead_test

import (
	"reflect"
	"testing"
	"unsafe"

	"leadgraph/lead"
)

// seesEveryField changes the fields of a lead one by one.
func seesEveryField(t *testing.T, equal func(a, b *lead.Lead) bool) {
	t.Helper()
	changed := full()
	if !equal(full(), changed) {
		t.Fatal("equal leads differ")
	}
	leaves(changed, func(path string, field reflect.Value) {
		kept := reflect.New(field.Type()).Elem()
		kept.Set(field)
		field.SetZero()
		if equal(full(), changed) || equal(changed, full()) {
			t.Errorf("a lead without %s is the same", path)
		}
		field.Set(kept)
	})
}

// A value that the comparison does not see would be shown old.
func TestEqualSeesEveryField(t *testing.T) {
	t.Parallel()
	var with lead.Imprint
	seesEveryField(t, func(a, b *lead.Lead) bool { return with.Equal(a, b, lead.AllParts) })
	changed := full()
	changed.Status, changed.StatusText = lead.StatusRemoved, nil
	if !with.Equal(full(), changed, lead.AllParts&^lead.PartStatus) {
		t.Error("leads differ in a part that is not compared")
	}
}

// lent returns a lead whose texts are in memory that overwrite overwrites.
func lent() (l *lead.Lead, overwrite func()) {
	l = full()
	buffer := []byte("text")
	text := unsafe.String(&buffer[0], len(buffer))
	leaves(l, func(_ string, field reflect.Value) {
		switch v := field.Addr().Interface().(type) {
		case *string:
			*v = text
		case **string:
			*v = &text
		case *[]string:
			(*v)[0] = text
		}
	})
	return l, func() { copy(buffer, "xxxx"); text = "" }
}

// Pages lend leads whose texts are overwritten by the next lead.
func TestCopySharesNoText(t *testing.T) {
	t.Parallel()
	l, overwrite := lent()
	copied := lead.Copy(l)
	overwrite()
	if !reflect.DeepEqual(full(), copied) {
		t.Errorf("the copy changed: %+v", copied)
	}
}
