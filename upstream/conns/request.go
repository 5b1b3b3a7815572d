package conns

import (
	"net/http"
	"net/textproto"
	"net/url"
	"slices"

	"golang.org/x/net/http/httpguts"
)

// mostFields is the largest number of header fields of a request that is sent here.
const mostFields = 16

// render appends a request as it goes over the wire. It reports false if the request is
// not one that is sent here; it may be wrong as well, and then net/http says how.
func (t *Transport) render(b []byte, req *http.Request) (_ []byte, plain bool) {
	if req.Method != http.MethodGet || req.Body != nil && req.Body != http.NoBody || req.ContentLength != 0 ||
		req.Close || req.Trailer != nil || req.TransferEncoding != nil || req.Cancel != nil || //nolint:staticcheck // whoever sets it must be heard
		!t.leadsHere(req.URL) || req.Host != "" && req.Host != t.host {
		return b, false
	}
	var names [mostFields]string
	fields := names[:0]
	for name, values := range req.Header {
		if len(values) != 1 || len(fields) == mostFields || !harmless(name) || !printable(values[0]) {
			return b, false
		}
		fields = append(fields, name)
	}
	agent := req.Header["User-Agent"]
	if len(agent) == 0 || agent[0] == "" {
		return b, false
	}
	slices.Sort(fields) // so that caches on the way see the same bytes for the same request
	b = append(append(b, "GET "...), req.URL.EscapedPath()...)
	if req.URL.ForceQuery || req.URL.RawQuery != "" {
		b = append(append(b, '?'), req.URL.RawQuery...)
	}
	b = append(append(append(b, " HTTP/1.1\r\nHost: "...), t.host...), "\r\n"...)
	for _, name := range fields {
		b = append(append(append(b, name...), ": "...), textproto.TrimString(req.Header[name][0])...)
		b = append(b, "\r\n"...)
	}
	return append(b, "Accept-Encoding: gzip\r\n\r\n"...), true
}

// leadsHere reports whether a URL is one of the platform and can be sent as it is.
func (t *Transport) leadsHere(u *url.URL) bool {
	if u == nil || u.Host != t.host || u.Scheme != t.scheme || u.Opaque != "" || u.User != nil || u.Path == "" || u.Path[0] != '/' {
		return false
	}
	for _, c := range []byte(u.RawQuery) {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}

// harmless reports whether a header field says nothing about the connection, the framing or
// the form of the answer. Those that do change what net/http does.
func harmless(name string) bool {
	switch name {
	case "Accept-Encoding", "Connection", "Content-Length", "Expect", "Host", "Keep-Alive", "Proxy-Authorization", "Proxy-Connection",
		"Range", "Te", "Trailer", "Transfer-Encoding", "Upgrade":
		return false
	}
	return httpguts.ValidHeaderFieldName(name) && textproto.CanonicalMIMEHeaderKey(name) == name
}
