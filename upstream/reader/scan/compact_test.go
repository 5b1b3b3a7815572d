package scan

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// FuzzCompact checks that compact skips only what anyValue skips, to the same end, and that
// both accept what encoding/json accepts.
func FuzzCompact(f *testing.F) {
	const after = `,"contacts":null}` // a value is followed by something in the buffer
	for _, text := range []string{
		`null`, `true`, `false`, `nul`, `falsy`, `-1.5e+7`, `01`, `1.`, `"a\"b\u00e9\\"`, "\"a\x00\"", `"\x"`, `"`, `""`, "\"\xff\"",
		`{}`, `[]`, `{]`, `[}`, `[1,]`, `{"a":1,}`, `{"a"}`, `{"a":}`, `{1:2}`, `{"a":[{"b":"0123456789"},{}],"c":[[],[null]]}`, `[ 1]`, `{"a" :1}`,
		strings.Repeat("[", 64) + strings.Repeat("]", 64), strings.Repeat("[", 65) + strings.Repeat("]", 65),
	} {
		f.Add([]byte(text+after), 3)
		f.Add([]byte(text), 100)
	}
	f.Fuzz(func(t *testing.T, text []byte, room int) {
		if len(text) == 0 || room < 0 || room > MaxDepth {
			t.Skip()
		}
		for _, text := range [][]byte{text, append(slices.Clip(text), after...)} {
			checkCompact(t, text, room)
		}
		if end := Value(text, 0, MaxDepth); end > 0 && !json.Valid(text[:end]) {
			t.Fatalf("skips %q", text[:end])
		}
	})
}

type failer interface{ Fatalf(string, ...any) }

// checkCompact returns whether compact has skipped the value.
func checkCompact(t failer, text []byte, room int) bool {
	next, ok := compact(text, 0, room)
	if want := anyValue(text, 0, room); ok && next != want {
		t.Fatalf("skips %d bytes of %q, want %d", next, text, want)
	}
	return ok
}

// value draws a compact value.
func value(t *rapid.T, depth int) string {
	var parts []string
	kind := rapid.IntRange(0, 9).Draw(t, "kind")
	if depth > 0 && kind > 5 {
		for range rapid.IntRange(0, 3).Draw(t, "parts") {
			parts = append(parts, value(t, depth-1))
		}
	}
	text := func() string {
		return `"` + rapid.SampledFrom([]string{"", "a", "id", "0123456", "01234567", "012345678", "Söns 株式会社, longer than two words", "\xff", `J\u00f6rg \"J\"`, `0123456\\`, `\n`}).Draw(t, "text") + `"`
	}
	switch {
	case kind > 7:
		return "[" + strings.Join(parts, ",") + "]"
	case kind > 5:
		for i := range parts {
			parts[i] = text() + ":" + parts[i]
		}
		return "{" + strings.Join(parts, ",") + "}"
	case kind > 3:
		return text()
	}
	return rapid.SampledFrom([]string{"null", "true", "false", "0", "-1.5e+10", "1574"}).Draw(t, "scalar")
}

// TestCompactProperty breaks a compact value in one place. Without that, compact skips it.
func TestCompactProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(value(t, 4) + `,"contacts":null}`)
		if !checkCompact(t, text, MaxDepth) {
			t.Fatalf("does not skip %q", text)
		}
		checkCompact(t, text, rapid.IntRange(0, 4).Draw(t, "room"))
		at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
		checkCompact(t, text[:at], MaxDepth)
		text[at] = rapid.SampledFrom([]byte("\"\\{}[]:,0-e.ntf \x1f\xff")).Draw(t, "byte")
		checkCompact(t, text, MaxDepth)
	})
}
