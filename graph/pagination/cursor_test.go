package pagination_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"leadgraph/graph/pagination"
)

func TestCursorText(t *testing.T) {
	t.Parallel()
	c := pagination.Cursor{
		List:    pagination.List{Kind: pagination.KindCatalogue, Fingerprint: math.MaxUint64},
		Ordinal: math.MaxInt32,
		Anchor:  0x0123456789abcdef,
	}
	// Clients hold cursors across releases: this text must never change.
	const want = "AQJ_____ASNFZ4mrze___________w"
	if got := c.String(); got != want {
		t.Errorf("String() = %q, want %q", got, want)
	}
	if got, err := pagination.ParseCursor(want); got != c || err != nil {
		t.Errorf("ParseCursor() = %+v, %v, want %+v", got, err, c)
	}
}

func TestAnchorHashNeverChanges(t *testing.T) {
	t.Parallel()
	// The first bytes of the SHA-256 of "abc", from FIPS 180.
	if got := pagination.AnchorHash("abc"); got != 0xba7816bf8f01cfea {
		t.Errorf("AnchorHash() = %#x", got)
	}
}

func TestParseCursorRefuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty":                   "",
		"offset":                  "37",
		"long":                    strings.Repeat("A", 1<<20),
		"unknown version":         "AgIAAAABASNFZ4mrze8AAAAAAAAAAA",
		"unknown kind":            "AQMAAAABASNFZ4mrze8AAAAAAAAAAA",
		"no kind":                 "AQAAAAABASNFZ4mrze8AAAAAAAAAAA",
		"ordinal above 2³¹-1":     "AQKAAAAAASNFZ4mrze8AAAAAAAAAAA",
		"other spelling":          "AQIAAAABASNFZ4mrze8AAAAAAAAAAB",
		"line break":              "AQIAAAABASNFZ4mrze8AAAAAAAAA\nA",
		"padding":                 "AQIAAAABASNFZ4mrze8AAAAAAAA===",
		"not the URL's alphabet":  "AQIAAAABASNFZ4mrze8AAAAAAAAA/w",
		"thirty other characters": "Dana Levi <dana@contoso.local>",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := pagination.ParseCursor(text)
			if !errors.Is(err, pagination.ErrCursor) {
				t.Fatalf("ParseCursor() = %+v, %v, want ErrCursor", c, err)
			}
			if got := err.Error(); got != "is not a cursor of this server" {
				t.Errorf("message %q", got)
			}
		})
	}
}

func FuzzParseCursor(f *testing.F) {
	f.Add("AQIAAAABASNFZ4mrze8AAAAAAAAAAA")
	f.Add("AQJ_____ASNFZ4mrze___________w")
	f.Add("AQIAAAABASNFZ4mrze8AAAAAAAAA\nA")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := pagination.ParseCursor(text)
		if err == nil && c.String() != text {
			t.Errorf("%q reads as %+v, which is written %q", text, c, c.String())
		}
	})
}

func FuzzCursorRoundTrip(f *testing.F) {
	f.Add(false, uint32(0), uint64(0), uint64(0))
	f.Add(true, uint32(math.MaxUint32), uint64(math.MaxUint64), uint64(1))
	f.Fuzz(func(t *testing.T, catalogue bool, ordinal uint32, anchor, fingerprint uint64) {
		c := pagination.Cursor{
			List:    pagination.List{Kind: pagination.KindUpstream, Fingerprint: fingerprint},
			Ordinal: int(ordinal >> 1),
			Anchor:  anchor,
		}
		if catalogue {
			c.Kind = pagination.KindCatalogue
		}
		if got, err := pagination.ParseCursor(c.String()); got != c || err != nil {
			t.Errorf("%+v comes back as %+v, %v", c, got, err)
		}
	})
}
