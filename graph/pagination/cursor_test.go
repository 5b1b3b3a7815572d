package pagination_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"leadgraph/graph/pagination"
)

var (
	sealKey = []byte("a key of thirty-two bytes, at least")
	seal    = pagination.NewSeal("account", sealKey)
	asOf    = time.Date(2025, 1, 2, 3, 4, 5, 6, time.UTC)
)

// Clients hold cursors across releases, so these texts must never change.
func TestCursorText(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		cursor pagination.Cursor
		text   string
	}{
		"platform's order": {
			pagination.Cursor{
				List: pagination.List{Kind: pagination.KindUpstream}, AsOf: asOf,
				Ordinal: math.MaxInt32, Anchor: 0x0123456789abcdef, Before: []uint64{1, 2}, After: []uint64{3}, Turns: 4,
			},
			anchorText,
		},
		"order": {
			pagination.Cursor{
				List: pagination.List{Kind: pagination.KindCatalogue, Fingerprint: math.MaxUint64}, AsOf: asOf,
				Ordinal: 7, Key: &pagination.Key{Value: "Łódź Transport", ID: "da68eafc-d3c6-4d3b-9a10-c48b26c6086b"},
			},
			keyText,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := seal.Text(test.cursor, "caller"); got != test.text {
				t.Errorf("Text() = %q, want %q", got, test.text)
			}
			got, err := seal.Open(test.text, "caller")
			if diff := cmp.Diff(test.cursor, got); diff != "" || err != nil {
				t.Errorf("Open(): %v (-want +got):\n%s", err, diff)
			}
		})
	}
}

const (
	anchorText = "AtxQKgPtabWfnDP7sY5aueGKwE4OWlT9TH0N9icznQ_Qe66iPPW_8V2DoGAbNOnUECQOlmyUmezousvDu9P7IZ_fV3ydCBHzvSe9tcPmDUTf2t8Lfpj-VElKRuf2LkdK6brMdw9kBnlZdvzl51qnp_HSW9__Ywtrcy9qZTg"
	keyText    = "Av3u-y_8DeriNmkuyLZXW3dhgbJKUvPd3Gk-a0IvBe0O_KcuBE99F2EGeKrqpM0aBJSaSQ8CNuZcC9tQXG6WHNr8X6bO22qlfTUlIBKbJufO39CJtV_JXbUUp-ekbop_LCPlfA-fB4hI5jsOcRIPtQzuFBRGB2wngcuquQI"
)

// The longest value and id, and the most anchors, are within the limit that the
// schema promises.
func TestCursorLength(t *testing.T) {
	t.Parallel()
	most := make([]uint64, 11)
	for name, c := range map[string]pagination.Cursor{
		"key":     {Key: &pagination.Key{Value: strings.Repeat("🙂", 64), ID: strings.Repeat("x", 40)}},
		"anchors": {Before: most, After: most, Ordinal: math.MaxInt32, AsOf: asOf},
	} {
		if n := len(seal.Text(c, "caller")); n > pagination.MaxCursorLength {
			t.Errorf("%s: %d characters", name, n)
		}
	}
}

// A cursor hides the name that it holds. Names of similar length give texts of the
// same length.
func TestCursorsAreEncrypted(t *testing.T) {
	t.Parallel()
	named := func(name string) []byte {
		text := seal.Text(pagination.Cursor{Key: &pagination.Key{Value: name, ID: "the-id-of-a-lead"}}, "caller")
		raw, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	one, other := named("Contoso Ltd"), named("Contoso GmbH")
	if bytes.Contains(one, []byte("Contoso")) || bytes.Contains(one, []byte("the-id")) {
		t.Error("the text holds the name or the id")
	}
	if len(one) != len(other) {
		t.Errorf("%d and %d bytes", len(one), len(other))
	}
	same := 0
	for i := range one[1:] {
		if one[1+i] == other[1+i] {
			same++
		}
	}
	if same > len(one)/4 {
		t.Errorf("%d of %d bytes are the same", same, len(one))
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	c := pagination.Cursor{List: pagination.List{Kind: pagination.KindUpstream}, Ordinal: 7}
	good := seal.Text(c, "caller")
	for name, test := range map[string]struct {
		text string
		want *pagination.CursorError
	}{
		"empty":                   {"", pagination.ErrMalformed},
		"offset":                  {"37", pagination.ErrMalformed},
		"long":                    {strings.Repeat("A", 1<<20), pagination.ErrMalformed},
		"half":                    {good[:len(good)/2], pagination.ErrMalformed},
		"line break":              {good[:20] + "\n" + good[21:], pagination.ErrMalformed},
		"line break added":        {good[:20] + "\n" + good[20:], pagination.ErrMalformed},
		"padding":                 {good + "=", pagination.ErrMalformed},
		"not the URL's alphabet":  {good[:20] + "/" + good[21:], pagination.ErrMalformed},
		"personal data":           {"Dana Levi <dana@contoso.local>, Redmond, WA 98052, ", pagination.ErrMalformed},
		"another version":         {"B" + good[1:], pagination.ErrMalformed},
		"changed":                 {good[:30] + flip(good[30]) + good[31:], pagination.ErrForeign},
		"another caller's":        {seal.Text(c, "somebody else"), pagination.ErrForeign},
		"another account's":       {pagination.NewSeal("other", sealKey).Text(c, "caller"), pagination.ErrForeign},
		"caller and account swap": {pagination.NewSeal("accountc", sealKey).Text(c, "aller"), pagination.ErrForeign},
		"another server's":        {pagination.NewSeal("account", []byte("another key")).Text(c, "caller"), pagination.ErrForeign},
		"the first version's":     {"AQJ_____ASNFZ4mrze___________6G5FwYyJUPpD0STIf8VSjI", pagination.ErrExpired},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := seal.Open(test.text, "caller"); !errors.Is(err, test.want) {
				t.Errorf("Open() = %+v, %v, want %v", got, err, test.want)
			}
		})
	}
}

func flip(c byte) string {
	if c == 'A' {
		return "B"
	}
	return "A"
}

// A change of the key breaks no walk.
func TestPreviousKeyIsAcceptedForADay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		before := pagination.NewSeal("account", sealKey)
		after := pagination.NewSeal("account", []byte("the next key"), sealKey)
		c := pagination.Cursor{Ordinal: 7, AsOf: time.Now()}
		text := before.Text(c, "caller")
		if after.Text(c, "caller") == text {
			t.Error("the previous key still seals")
		}
		<-time.After(24 * time.Hour)
		if got, err := after.Open(text, "caller"); err != nil || got.Ordinal != 7 {
			t.Errorf("after a day: %+v, %v", got, err)
		}
		<-time.After(1)
		if _, err := after.Open(text, "caller"); !errors.Is(err, pagination.ErrExpired) {
			t.Errorf("after more than a day: %v", err)
		}
		if _, err := before.Open(text, "caller"); err != nil {
			t.Errorf("with the key that sealed it: %v", err)
		}
	})
}

// A key that changes while the server runs is noticed within a minute, or when a cursor
// of the new key arrives. The former key stays a previous one.
func TestKeyIsRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		key := sealKey
		running := pagination.NewSeal("account", key).Renewing(func() []byte { return key })
		c := pagination.Cursor{Ordinal: 7, AsOf: time.Now()}
		before := running.Text(c, "caller")
		key = []byte("the next key")
		restarted := pagination.NewSeal("account", key)
		<-time.After(time.Second)
		for name, text := range map[string]string{"the new server's": restarted.Text(c, "caller"), "its own of before": before} {
			if _, err := running.Open(text, "caller"); err != nil {
				t.Errorf("%s cursor: %v", name, err)
			}
		}
		key = []byte("the key after that")
		<-time.After(time.Minute)
		if running.Text(c, "caller") != pagination.NewSeal("account", key).Text(c, "caller") {
			t.Error("after a minute the former key still seals")
		}
		if _, err := running.Open(before, "caller"); err != nil {
			t.Errorf("the first cursor: %v", err)
		}
	})
}

// A new key seals at once. The former keys and those that are given as previous ones are
// still accepted, the latest of them only, and each counts once however often it is given.
func TestKeyIsReplaced(t *testing.T) {
	t.Parallel()
	c := pagination.Cursor{Ordinal: 7, AsOf: time.Now()}
	key := func(i int) []byte { return []byte{byte(i), 31: 0} }
	by := func(i int) string { return pagination.NewSeal("account", key(i)).Text(c, "caller") }
	s := pagination.NewSeal("account", key(1))
	accepts := func(want ...int) {
		t.Helper()
		var got []int
		for i := range 10 {
			if _, err := s.Open(by(i), "caller"); err == nil {
				got = append(got, i)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("keys %v are accepted, want %v", got, want)
		}
	}
	for range 5 {
		s.Renew(key(2), key(0))
		accepts(0, 1, 2)
		s.Renew(nil, key(0))
		accepts(0, 1, 2)
	}
	if s.Text(c, "caller") != by(2) {
		t.Error("the former key still seals")
	}
	s.Renew(key(1))
	if accepts(0, 1, 2); s.Text(c, "caller") != by(1) {
		t.Error("the key that came back does not seal")
	}
	s.Renew(key(3), key(4))
	accepts(1, 2, 3, 4)
}

func FuzzOpen(f *testing.F) {
	f.Add(anchorText)
	f.Add(keyText)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := seal.Open(text, "caller")
		if err == nil && seal.Text(c, "caller") != text {
			t.Errorf("%q reads as %+v, which is written %q", text, c, seal.Text(c, "caller"))
		}
	})
}

func TestCursorsComeBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		anchors := rapid.SliceOfN(rapid.Uint64(), 0, 11)
		c := pagination.Cursor{
			List:    pagination.List{Kind: pagination.Kind(rapid.Byte().Draw(t, "kind")), Fingerprint: rapid.Uint64().Draw(t, "fingerprint")},
			Log:     rapid.Uint64().Draw(t, "log"),
			Ordinal: rapid.IntRange(0, math.MaxInt32).Draw(t, "ordinal"),
			Anchor:  rapid.Uint64().Draw(t, "anchor"),
			Turns:   rapid.IntRange(0, 255).Draw(t, "turns"),
		}
		if moment := rapid.Int64().Draw(t, "moment"); moment != 0 {
			c.AsOf = time.Unix(0, moment).UTC()
		}
		if rapid.Bool().Draw(t, "key") {
			c.Key = &pagination.Key{Value: rapid.StringN(0, 64, -1).Draw(t, "value"), ID: rapid.StringN(0, 40, 40).Draw(t, "id")}
		} else {
			c.Before = append([]uint64(nil), anchors.Draw(t, "before")...)
			c.After = append([]uint64(nil), anchors.Draw(t, "after")...)
		}
		caller := rapid.String().Draw(t, "caller")
		text := seal.Text(c, caller)
		got, err := seal.Open(text, caller)
		if diff := cmp.Diff(c, got); diff != "" || err != nil {
			t.Fatalf("%v (-want +got):\n%s", err, diff)
		}
		if again := pagination.NewSeal("account", sealKey).Text(c, caller); again != text {
			t.Fatal("equal cursors have different texts")
		}
	})
}

func BenchmarkCursorText(b *testing.B) {
	anchors := make([]uint64, 11)
	c := pagination.Cursor{List: pagination.List{Kind: pagination.KindUpstream}, Ordinal: 7, Anchor: 9, Before: anchors, After: anchors}
	for b.Loop() {
		seal.Text(c, "caller")
	}
}
