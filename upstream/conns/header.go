package conns

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// mostLines is the largest number of fields in a header that usual reads.
const mostLines = 32

// answer is an answer and what reads its body, in one piece of memory.
type answer struct {
	resp http.Response
	body body
	rest counted
}

// header reads the header of an answer, and drops those that only announce one.
func (c *conn) header(req *http.Request, a *answer) (*http.Response, error) {
	if c.usual(a) {
		a.resp.Request = req
		return &a.resp, nil
	}
	for {
		resp, err := http.ReadResponse(c.in, req)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode > 199 || resp.StatusCode < 100 || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp, nil
		}
	}
}

// usual reads the header of an answer that has arrived whole and has a length. It reads
// only what it understands as http.ReadResponse does, which takes several times as long
// and makes a string of each value. Otherwise it reports false and reads nothing.
func (c *conn) usual(a *answer) bool {
	arrived, err := c.in.Peek(c.in.Buffered())
	end := bytes.Index(arrived, []byte("\r\n\r\n"))
	if err != nil || end < 0 || !a.parse(string(arrived[:end])) {
		return false
	}
	if _, err := c.in.Discard(end + len("\r\n\r\n")); err != nil {
		return false // cannot be: so much has arrived
	}
	a.rest = counted{c.in, a.resp.ContentLength}
	a.resp.Body = &a.rest
	return true
}

// parse sets the answer from a header without its last line end.
func (a *answer) parse(header string) bool {
	first, lines, _ := strings.Cut(header, "\r\n")
	status, ok := strings.CutPrefix(first, "HTTP/1.1 ")
	if !ok || !printable(status) || len(status) < 3 || len(status) > 3 && status[3] != ' ' {
		return false
	}
	code, err := strconv.ParseUint(status[:3], 10, 16)
	if err != nil || code < 200 || code == http.StatusNoContent || code == http.StatusNotModified {
		return false
	}
	count := strings.Count(lines, "\r\n") + 1
	if count > mostLines {
		return false
	}
	values, fields := make([]string, count), make(http.Header, count)
	for i := range values {
		var line string
		line, lines, _ = strings.Cut(lines, "\r\n")
		name, value, ok := strings.Cut(line, ":")
		if !ok || !httpguts.ValidHeaderFieldName(name) || !printable(value) {
			return false
		}
		name, values[i] = textproto.CanonicalMIMEHeaderKey(name), strings.Trim(value, " \t")
		if !understood(name, values[i]) {
			return false
		}
		if before := fields[name]; before != nil {
			fields[name] = append(before, values[i])
		} else {
			fields[name] = values[i : i+1 : i+1]
		}
	}
	lengths := fields["Content-Length"]
	if len(lengths) != 1 {
		return false
	}
	length, err := strconv.ParseUint(lengths[0], 10, 63)
	if err != nil || length == 0 {
		return false
	}
	a.resp = http.Response{
		Status: status, StatusCode: int(code), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, //nolint:gosec // three digits
		Header: fields, ContentLength: int64(length), //nolint:gosec // 63 bits
	}
	return true
}

// printable reports whether a text consists of printable ASCII, spaces and tabs.
func printable(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' && c != '\t' || c > '~' {
			return false
		}
	}
	return true
}

// understood reports whether a field does not change how the rest of the answer is read.
func understood(name, value string) bool {
	switch name {
	case "Connection":
		return strings.EqualFold(value, "keep-alive")
	case "Pragma", "Trailer", "Transfer-Encoding":
		return false
	}
	return true
}

// counted is a body of a known length.
type counted struct {
	in   *bufio.Reader
	left int64
}

// Read implements io.Reader.
func (b *counted) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	n, err := b.in.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	switch {
	case b.left == 0:
		err = io.EOF
	case err == io.EOF: //nolint:errorlint // readers never wrap io.EOF
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Close implements io.Closer.
func (*counted) Close() error { return nil }
