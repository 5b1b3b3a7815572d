package load

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestInspect(t *testing.T) {
	t.Parallel()
	const good = `{"data":{"leads":{"nodes":[{"status":"ACTIVE"},{"status":"REMOVED"}]}}}`
	for _, c := range []struct {
		name, answer string
		rows         int
		problem      string // empty if there is none
	}{
		{"all rows", good, 2, ""},
		{"a row too few", good, 3, "2 leads instead of 3"},
		{"a row too many", good, 1, "2 leads instead of 1"},
		{"errors first", `{"errors":[{"message":"no"}],"data":{"lead":{"status":"ACTIVE"}}}`, 1, "has errors"},
		{"errors last", `{"data":{"lead":{"status":"ACTIVE"}},"errors":[]}`, 1, "has errors"},
		{"other keys and texts", `[{"validationStatus":"x","comment":"\"status\":\"errors\":","status":"Active"}]`, 1, ""},
		{"nothing", ``, 1, "0 leads"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := inspect([]byte(c.answer), c.rows)
			if (err == nil) != (c.problem == "") || err != nil && !strings.Contains(err.Error(), c.problem) {
				t.Errorf("inspect: %v, want %q", err, c.problem)
			}
		})
	}
}

func TestFingerprintDoesNotDependOnPieces(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		answer := rapid.SliceOf(rapid.Byte()).Draw(t, "answer")
		var whole, pieces fingerprinter
		_, _ = whole.Write(answer)
		for rest := answer; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "piece")
			_, _ = pieces.Write(rest[:n])
			rest = rest[n:]
		}
		if err := pieces.compare(whole.fingerprint); err != nil {
			t.Fatal(err)
		}
		if len(answer) == 0 {
			return
		}
		other := append([]byte(nil), answer...)
		other[rapid.IntRange(0, len(other)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		pieces.expect(span{})
		_, _ = pieces.Write(other)
		if pieces.compare(whole.fingerprint) == nil {
			t.Fatal("a changed bit was not noticed")
		}
	})
}

func TestCursorsMayDiffer(t *testing.T) {
	t.Parallel()
	of := func(answer string, cursor span, pieces int) fingerprint {
		var f fingerprinter
		f.expect(cursor)
		for rest := answer; rest != ""; rest = rest[min(pieces, len(rest)):] {
			_, _ = f.Write([]byte(rest[:min(pieces, len(rest))]))
		}
		return f.fingerprint
	}
	const first = `{"id":"1","endCursor":"abc"}`
	cursor := cursorIn([]byte(first))
	for pieces := range len(first) {
		want := of(first, cursor, len(first))
		if of(`{"id":"1","endCursor":"xyz"}`, cursor, pieces+1) != want {
			t.Errorf("in pieces of %d bytes another cursor is another answer", pieces+1)
		}
		if of(`{"id":"2","endCursor":"abc"}`, cursor, pieces+1) == want {
			t.Errorf("in pieces of %d bytes another id is the same answer", pieces+1)
		}
	}
}
