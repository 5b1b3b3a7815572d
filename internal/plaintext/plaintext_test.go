package plaintext_test

import (
	"testing"

	"leadgraph/internal/plaintext"
	"leadgraph/internal/plaintext/plaintexttest"
)

func TestEveryEncodingIsRead(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "a", `{"é":"😀"}`, "secret\r\n"} {
		for name, encoded := range plaintexttest.Encodings(text) {
			if got := string(plaintext.Decode([]byte(encoded))); got != text {
				t.Errorf("%q in %s is read as %q", text, name, got)
			}
		}
	}
}
