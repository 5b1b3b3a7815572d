package pagination_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"leadgraph/graph/pagination"
)

var seal = pagination.NewSeal([]byte("a key of thirty-two bytes, at least"))

func TestCursorText(t *testing.T) {
	t.Parallel()
	c := pagination.Cursor{
		List:    pagination.List{Kind: pagination.KindCatalogue, Fingerprint: math.MaxUint64},
		Ordinal: math.MaxInt32,
		Anchor:  0x0123456789abcdef,
	}
	// Clients hold cursors across releases, so this text must never change.
	const want = "AQJ_____ASNFZ4mrze___________6G5FwYyJUPpD0STIf8VSjI"
	if got := seal.Text(c, "caller"); got != want || len(got) > 64 {
		t.Errorf("Text() = %q, want %q", got, want)
	}
	if got, err := seal.Open(want, "caller"); got != c || err != nil {
		t.Errorf("Open() = %+v, %v, want %+v", got, err, c)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	good := seal.Text(pagination.Cursor{List: pagination.List{Kind: pagination.KindUpstream}, Ordinal: 7}, "caller")
	for name, text := range map[string]string{
		"empty":                      "",
		"offset":                     "37",
		"long":                       strings.Repeat("A", 1<<20),
		"another ordinal":            good[:5] + "B" + good[6:],
		"another MAC":                good[:40] + "AAAAAAAAAAA",
		"without a MAC":              good[:30],
		"other spelling":             good[:50] + string(good[50]+1),
		"line break":                 good[:20] + "\n" + good[21:],
		"padding":                    good[:48] + "===",
		"not the URL's alphabet":     good[:20] + "/" + good[21:],
		"fifty-one other characters": "Dana Levi <dana@contoso.local>, Redmond, WA 98052, ",
		"another caller's":           seal.Text(pagination.Cursor{Ordinal: 7}, "somebody else"),
		"another server's":           pagination.NewSeal([]byte("another key")).Text(pagination.Cursor{Ordinal: 7}, "caller"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := seal.Open(text, "caller")
			if !errors.Is(err, pagination.ErrCursor) {
				t.Fatalf("Open() = %+v, %v, want ErrCursor", c, err)
			}
			if got := err.Error(); got != "is not a cursor of this server" {
				t.Errorf("message %q", got)
			}
		})
	}
}

func FuzzOpen(f *testing.F) {
	f.Add("AQJ_____ASNFZ4mrze___________6G5FwYyJUPpD0STIf8VSjI")
	f.Add("AQIAAAABASNFZ4mrze8AAAAAAAAA\nA")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := seal.Open(text, "caller")
		if err == nil && seal.Text(c, "caller") != text {
			t.Errorf("%q reads as %+v, which is written %q", text, c, seal.Text(c, "caller"))
		}
	})
}

func FuzzCursorRoundTrip(f *testing.F) {
	f.Add(false, uint32(0), uint64(0), uint64(0), "")
	f.Add(true, uint32(math.MaxUint32), uint64(math.MaxUint64), uint64(1), "caller")
	f.Fuzz(func(t *testing.T, catalogue bool, ordinal uint32, anchor, fingerprint uint64, caller string) {
		c := pagination.Cursor{
			List:    pagination.List{Kind: pagination.KindUpstream, Fingerprint: fingerprint},
			Ordinal: int(ordinal >> 1),
			Anchor:  anchor,
		}
		if catalogue {
			c.Kind = pagination.KindCatalogue
		}
		if got, err := seal.Open(seal.Text(c, caller), caller); got != c || err != nil {
			t.Errorf("%+v comes back as %+v, %v", c, got, err)
		}
	})
}

func BenchmarkCursorText(b *testing.B) {
	c := pagination.Cursor{List: pagination.List{Kind: pagination.KindUpstream}, Ordinal: 7, Anchor: 9}
	for b.Loop() {
		seal.Text(c, "caller")
	}
}
