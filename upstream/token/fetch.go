package token

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"leadgraph/internal/plaintext"
	"leadgraph/lead"
	"leadgraph/upstream/guard"
)

// maxTokenBody bounds the answer with a token, in bytes. It is many times the size of a
// token.
const maxTokenBody = 256 << 10

// SecretSource returns a secret that may change, for example from a file. Its errors
// are logged and must not contain the secret.
type SecretSource interface {
	Read() (string, error)
}

// Credentials are the service provider's API app registration and the token
// endpoint of its directory [AUTH]. All of them are required except Scope.
type Credentials struct {
	// TokenURL is the token endpoint of the directory with the registration.
	TokenURL string
	ClientID string
	// Either ClientSecret is the secret, or SecretSource returns it before each
	// request for a token.
	ClientSecret string
	SecretSource SecretSource
	// Scope names AudioCodes' own registration: api://{application id}/.default.
	// Several scopes are separated by spaces.
	Scope string
}

// fetchFunc requests a token from the token endpoint.
type fetchFunc func(context.Context) (*oauth2.Token, error)

// fetcher returns a fetchFunc for the client credentials grant. The parameters are
// sent in the body, as in [AUTH].
func fetcher(c Credentials, wire guard.Sender, timeout time.Duration) fetchFunc {
	client := &http.Client{
		Transport:     roundTripper{wire, guard.Call{Kind: guard.KindToken, AttemptTimeout: timeout, MaxBody: maxTokenBody}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return func(ctx context.Context) (*oauth2.Token, error) {
		secret := c.ClientSecret
		if c.SecretSource != nil {
			var err error
			if secret, err = c.SecretSource.Read(); err != nil {
				return nil, &lead.SourceError{Kind: lead.FailureAuth, Err: fmt.Errorf("client secret: %w", err)}
			}
		}
		grant := clientcredentials.Config{
			ClientID:     c.ClientID,
			ClientSecret: secret,
			TokenURL:     c.TokenURL,
			Scopes:       strings.Fields(c.Scope),
			AuthStyle:    oauth2.AuthStyleInParams,
		}
		token, err := grant.Token(context.WithValue(ctx, oauth2.HTTPClient, client))
		if err != nil {
			return nil, failure(err)
		}
		return token, nil
	}
}

// roundTripper sends the requests of package oauth2 as calls of one kind.
type roundTripper struct {
	wire guard.Sender
	call guard.Call
}

// RoundTrip implements http.RoundTripper.
func (t roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	answer, err := t.wire.Send(req, &t.call)
	if err != nil {
		return nil, err
	}
	body, header := plaintext.Decode(answer.Body), answer.Header
	if trimmed := bytes.TrimLeft(body, " \t\r\n"); bytes.HasPrefix(trimmed, []byte("{")) {
		// Package oauth2 takes JSON that is labelled as text for a form.
		if header = header.Clone(); header == nil {
			header = http.Header{}
		}
		header.Set("Content-Type", "application/json")
	}
	return &http.Response{
		StatusCode: answer.Status, Header: header, Request: req, ContentLength: int64(len(body)),
		Body: io.NopCloser(bytes.NewReader(body)),
	}, nil
}
