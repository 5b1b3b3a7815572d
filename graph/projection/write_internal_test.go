package projection

import (
	"bytes"
	"testing"

	"github.com/99designs/gqlgen/graphql"
)

func FuzzText(f *testing.F) {
	for _, seed := range []string{
		"", "plain", `"`, `\`, "12345678", "1234567\"", "12345678\\", "\x00\x07\b\t\n\f\r\x1f\x7f",
		"\u2028\u2029<>&'/", "Zoë 😀 漢字", "bad \xff\xc3( \xe2\x82", "\xc3\x01\xe2\x82\"\xf0\x9f\x98\\",
		"\x80\x80\x80\x80\x80\x80\x80\x1f", "!!!!!!!\x1f", "a\"\"b\\\\c\n\nd", "longer than eight bytes, then \" a quote",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var want bytes.Buffer
		graphql.MarshalString(s).MarshalGQL(&want)
		var got output
		text(&got, s)
		if !bytes.Equal(got.bytes, want.Bytes()) {
			t.Errorf("text(%q) = %s, want %s", s, got.bytes, want.Bytes())
		}
	})
}
