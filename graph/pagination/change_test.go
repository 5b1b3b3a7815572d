package pagination_test

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"leadgraph/graph/pagination"
)

func TestChangeCursorsAreOpened(t *testing.T) {
	t.Parallel()
	seal := pagination.NewSeal("account", []byte("key"))
	rapid.Check(t, func(t *rapid.T) {
		c := pagination.ChangeCursor{
			Log: rapid.Uint64().Draw(t, "log"), Tag: rapid.Uint64().Draw(t, "tag"), Revision: rapid.Uint64().Draw(t, "revision"), Index: rapid.IntRange(0, 1<<40).Draw(t, "index"),
			Fingerprint: rapid.Uint64().Draw(t, "filter"), AsOf: time.Unix(0, rapid.Int64Range(0, 1<<60).Draw(t, "as of")).UTC(),
		}
		text := seal.ChangeText(c, "caller")
		if got, err := seal.OpenChange(text, "caller"); got != c || err != nil {
			t.Fatalf("got %+v %v, want %+v", got, err, c)
		}
		if again := seal.ChangeText(c, "caller"); again != text {
			t.Fatal("the same position has two texts")
		}
	})
}

// A change cursor and a cursor of a list are never taken for each other, and neither is
// valid for others.
func TestChangeCursorsAreRefused(t *testing.T) {
	t.Parallel()
	old, seal := pagination.NewSeal("account", []byte("old")), pagination.NewSeal("account", []byte("new"), []byte("old"))
	recent, ancient := pagination.ChangeCursor{AsOf: time.Now()}, pagination.ChangeCursor{AsOf: time.Now().Add(-25 * time.Hour)}
	list := seal.Text(pagination.Cursor{AsOf: time.Now()}, "caller")
	change := seal.ChangeText(recent, "caller")
	for name, test := range map[string]struct {
		text string
		want error
	}{
		"none":              {"", pagination.ErrMalformed},
		"a list":            {list, pagination.ErrMalformed},
		"another caller":    {seal.ChangeText(recent, "other"), pagination.ErrForeign},
		"another account":   {pagination.NewSeal("other", []byte("new")).ChangeText(recent, "caller"), pagination.ErrForeign},
		"a former key":      {old.ChangeText(recent, "caller"), nil},
		"long ago":          {seal.ChangeText(ancient, "caller"), nil},
		"a former key then": {old.ChangeText(ancient, "caller"), pagination.ErrExpired},
	} {
		if _, err := seal.OpenChange(test.text, "caller"); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
	if _, err := seal.Open(change, "caller"); !errors.Is(err, pagination.ErrMalformed) {
		t.Errorf("a change cursor is opened as one of a list: %v", err)
	}
}
