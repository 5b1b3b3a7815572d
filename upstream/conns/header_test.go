package conns

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// read returns what was read of an answer, and what is left.
func read(c *conn, resp *http.Response) (result, string) {
	body, err := io.ReadAll(resp.Body)
	rest, _ := io.ReadAll(c.in) // from memory
	return result{
		Status: resp.Status, Proto: resp.Proto, Header: resp.Header, Trailer: resp.Trailer, Length: resp.ContentLength,
		Encoding: resp.TransferEncoding, Close: resp.Close, Body: string(body), Err: class(err),
	}, string(rest)
}

func over(text string) *conn {
	c := &conn{in: bufio.NewReader(strings.NewReader(text))}
	_, _ = c.in.Peek(1) // as exchange does; nothing arrives of an empty text
	return c
}

// agree checks that a header that is read here is read like that by http.ReadResponse,
// and returns whether it is.
func agree(t *testing.T, text string) bool {
	t.Helper()
	ours, theirs := over(text), over(text)
	var a answer
	if !ours.usual(&a) {
		if got, _ := io.ReadAll(ours.in); string(got) != text {
			t.Errorf("%q is left of %q", got, text)
		}
		return false
	}
	resp, err := http.ReadResponse(theirs.in, nil)
	if err != nil {
		t.Fatalf("read an answer from %q, want %v", text, err)
	}
	defer func() { _ = resp.Body.Close() }() // it is memory
	got, rest := read(ours, &a.resp)
	want, restThere := read(theirs, resp)
	if diff := cmp.Diff(want, got); diff != "" || rest != restThere || a.resp.StatusCode != resp.StatusCode {
		t.Errorf("http.ReadResponse (-) and this package (+) differ about %q, and leave %q and %q:\n%s", text, restThere, rest, diff)
	}
	return true
}

func TestUsualHeaders(t *testing.T) {
	t.Parallel()
	for _, answer := range answers {
		agree(t, answer.text+answer.late)
	}
	if !agree(t, good) || !agree(t, "HTTP/1.1"+strings.ToLower(good[8:])) {
		t.Error("a usual header is not read here")
	}
}

func FuzzUsualHeaders(f *testing.F) {
	for _, answer := range answers {
		if len(answer.text) < 5000 {
			f.Add(answer.text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) { agree(t, text) })
}
