package upstream

import (
	"errors"
	"fmt"
	"maps"
	"net/http"

	"leadgraph/lead"
)

// staticBearer sends a configured token.
type staticBearer struct {
	next  http.RoundTripper
	token string
}

// RoundTrip implements http.RoundTripper.
func (t *staticBearer) RoundTrip(req *http.Request) (*http.Response, error) {
	return t.next.RoundTrip(authorized(req, t.token))
}

// sourceBearer sends the token that a source has at present.
type sourceBearer struct {
	next   http.RoundTripper
	source SecretSource
}

// RoundTrip implements http.RoundTripper. A call that was on its way while the
// token changed is made again.
func (t *sourceBearer) RoundTrip(req *http.Request) (*http.Response, error) {
	token, err := t.read()
	if err != nil {
		return nil, err
	}
	resp, err := t.next.RoundTrip(authorized(req, token))
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	if now, err := t.read(); err != nil || now != token {
		_ = resp.Body.Close() // in memory: cannot fail
		if err != nil {
			return nil, err
		}
		return t.next.RoundTrip(authorized(req, now))
	}
	return resp, nil
}

func (t *sourceBearer) read() (string, error) {
	token, err := t.source.Read()
	switch {
	case err != nil:
		err = fmt.Errorf("bearer token: %w", err)
	case token == "" || !printable(token):
		err = errors.New("bearer token: must be printable ASCII")
	default:
		return token, nil
	}
	return "", &lead.SourceError{Kind: lead.FailureAuth, Err: err}
}

// renewingBearer sends tokens of the token endpoint, and after a 401 a new one,
// once: a token can be revoked before it expires.
type renewingBearer struct {
	next   http.RoundTripper
	tokens *tokenSource
}

// RoundTrip implements http.RoundTripper.
func (t *renewingBearer) RoundTrip(req *http.Request) (*http.Response, error) {
	token, err := t.tokens.get(req.Context())
	if err != nil {
		return nil, err
	}
	resp, err := t.next.RoundTrip(authorized(req, token.AccessToken))
	if err != nil || resp.StatusCode != http.StatusUnauthorized || !t.tokens.drop(token) {
		return resp, err
	}
	_ = resp.Body.Close() // in memory: cannot fail
	if token, err = t.tokens.get(req.Context()); err != nil {
		return nil, err
	}
	resp, err = t.next.RoundTrip(authorized(req, token.AccessToken))
	if err == nil && resp.StatusCode == http.StatusUnauthorized {
		t.tokens.keep(token)
	}
	return resp, err
}

// authorized copies req, because a round-tripper must not change its request.
func authorized(req *http.Request, token string) *http.Request {
	header := make(http.Header, len(req.Header)+1)
	maps.Copy(header, req.Header)
	header["Authorization"] = []string{"Bearer " + token}
	req = req.WithContext(req.Context())
	req.Header = header
	return req
}
