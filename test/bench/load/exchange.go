package load

import (
	"fmt"
	"net/http"
	"strings"
)

// Exchange is a request and what its answer must contain.
type Exchange struct {
	Path string
	Body string // of a POST; empty for GET
	Rows int    // leads in the answer
	// From is the number of its first lead among all leads of the workload.
	From  int
	Token string // bearer token of the caller; empty for none
	// Check, if set, looks at the values in the first answer.
	Check func(answer []byte) error
	// Cached lets the server answer from what it remembers.
	Cached bool

	wire []byte      // the whole request
	want fingerprint // of the answer, once it has been inspected
}

// Size returns the length of the answer in bytes, once it has been inspected.
func (e *Exchange) Size() int64 { return e.want.size }

// render prepares the request for the server at a URL.
func (e *Exchange) render(url string) {
	var text strings.Builder
	method := http.MethodGet
	if e.Body != "" {
		method = http.MethodPost
	}
	fmt.Fprintf(&text, "%s %s HTTP/1.1\r\nHost: %s\r\nAccept: application/json\r\n", method, e.Path, host(url))
	if !e.Cached {
		text.WriteString("Cache-Control: no-cache\r\n")
	}
	if e.Token != "" {
		fmt.Fprintf(&text, "Authorization: Bearer %s\r\n", e.Token)
	}
	if e.Body != "" {
		fmt.Fprintf(&text, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(e.Body))
	}
	text.WriteString("\r\n" + e.Body)
	e.wire = []byte(text.String())
}

// host returns the address in a URL that a child process printed.
func host(url string) string { return strings.TrimPrefix(url, "http://") }
