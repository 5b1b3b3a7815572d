package token

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"

	"leadgraph/lead"
	"leadgraph/upstream/guard"
)

// Static returns a Sender that adds a fixed token to requests to next.
func Static(next guard.Sender, token string) guard.Sender { return static{next, token, &headers{}} }

type static struct {
	next    guard.Sender
	token   string
	headers *headers
}

// Send implements guard.Sender.
func (b static) Send(req *http.Request, call *guard.Call) (*guard.Answer, error) {
	return b.next.Send(b.headers.authorize(req, b.token), call)
}

// FromSource returns a Sender that reads a token from source for each request to
// next.
func FromSource(next guard.Sender, source SecretSource) guard.Sender {
	return current{next, source, &headers{}}
}

type current struct {
	next    guard.Sender
	source  SecretSource
	headers *headers
}

// Send implements guard.Sender. After a 401 it repeats the call if the token has
// changed meanwhile.
func (b current) Send(req *http.Request, call *guard.Call) (*guard.Answer, error) {
	token, err := b.read()
	if err != nil {
		return nil, err
	}
	answer, err := b.next.Send(b.headers.authorize(req, token), call)
	if err != nil || answer.Status != http.StatusUnauthorized {
		return answer, err
	}
	now, err := b.read()
	switch {
	case err != nil:
		return nil, err
	case now == token:
		return answer, nil
	}
	return b.next.Send(b.headers.authorize(req, now), call)
}

func (b current) read() (string, error) {
	token, err := b.source.Read()
	switch {
	case err != nil:
		err = fmt.Errorf("bearer token: %w", err)
	case token == "" || !Printable(token):
		err = errors.New("bearer token: must be printable ASCII")
	default:
		return token, nil
	}
	return "", &lead.SourceError{Kind: lead.FailureAuth, Err: err}
}

// Renewing returns a Sender that adds a token from tokens to requests to next. After
// a 401 it repeats the call once with a new token, because a token can be revoked
// before it expires.
func Renewing(next guard.Sender, tokens *Source) guard.Sender {
	return renewing{next, tokens, &headers{}}
}

type renewing struct {
	next    guard.Sender
	tokens  *Source
	headers *headers
}

// Send implements guard.Sender.
func (b renewing) Send(req *http.Request, call *guard.Call) (*guard.Answer, error) {
	token, err := b.tokens.Get(req.Context(), call.Deadline)
	if err != nil {
		return nil, err
	}
	answer, err := b.next.Send(b.headers.authorize(req, token.AccessToken), call)
	if err != nil || answer.Status != http.StatusUnauthorized || !b.tokens.drop(token) {
		return answer, err
	}
	if token, err = b.tokens.Get(req.Context(), call.Deadline); err != nil {
		return nil, err
	}
	answer, err = b.next.Send(b.headers.authorize(req, token.AccessToken), call)
	if err == nil && answer.Status == http.StatusUnauthorized {
		b.tokens.keep(token)
	}
	return answer, err
}

// headers remembers the header of the last request, because most requests have the same
// one. It is safe for concurrent use.
type headers struct{ last atomic.Pointer[header] }

// header is what a header becomes with a token. Neither is changed.
type header struct {
	bare, whole http.Header
	token       string
}

// authorize returns a copy of req with a token. req itself may be shared and is not
// changed, and nobody may change the header of the copy.
func (h *headers) authorize(req *http.Request, token string) *http.Request {
	last := h.last.Load()
	if last == nil || last.token != token || !same(last.bare, req.Header) {
		last = &header{bare: req.Header, whole: make(http.Header, len(req.Header)+1), token: token}
		maps.Copy(last.whole, req.Header)
		last.whole["Authorization"] = []string{"Bearer " + token}
		h.last.Store(last)
	}
	req = req.WithContext(req.Context())
	req.Header = last.whole
	return req
}

// same reports whether two headers are one map.
func same(a, b http.Header) bool { return reflect.ValueOf(a).Pointer() == reflect.ValueOf(b).Pointer() }

// Printable reports whether text is printable ASCII, which a header value must be.
func Printable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}
