package pagination_test

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"leadgraph/graph/pagination"
)

func TestExportCursorsAreOpened(t *testing.T) {
	t.Parallel()
	seal := pagination.NewSeal("account", []byte("key"))
	rapid.Check(t, func(t *rapid.T) {
		number := func(name string) uint64 { return rapid.Uint64().Draw(t, name) }
		c := pagination.ExportCursor{
			Log: number("log"), Revision: number("revision"), Tag: number("tag"), Content: number("content"),
			Rows: rapid.IntRange(0, 1<<40).Draw(t, "rows"), AsOf: time.Unix(0, rapid.Int64Range(0, 1<<60).Draw(t, "as of")).UTC(),
		}
		text := seal.ExportText(c, "caller")
		if got, err := seal.OpenExport(text, "caller"); got != c || err != nil {
			t.Fatalf("got %+v %v, want %+v", got, err, c)
		}
		if _, err := seal.OpenExport(text, "other"); !errors.Is(err, pagination.ErrForeign) {
			t.Fatalf("another caller: %v", err)
		}
		if _, err := seal.Open(text, "caller"); !errors.Is(err, pagination.ErrMalformed) {
			t.Fatalf("opened as one of a list: %v", err)
		}
		if _, err := seal.OpenChange(text, "caller"); !errors.Is(err, pagination.ErrMalformed) {
			t.Fatalf("opened as one of changes: %v", err)
		}
	})
	old := pagination.NewSeal("account", []byte("old"))
	renewed := pagination.NewSeal("account", []byte("new"), []byte("old"))
	for age, want := range map[time.Duration]error{time.Hour: nil, 25 * time.Hour: pagination.ErrExpired} {
		text := old.ExportText(pagination.ExportCursor{AsOf: time.Now().Add(-age)}, "caller")
		if _, err := renewed.OpenExport(text, "caller"); !errors.Is(err, want) {
			t.Errorf("a former key, %v ago: %v, want %v", age, err, want)
		}
	}
}
