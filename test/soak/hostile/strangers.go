package hostile

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"leadgraph/test/soak/pace"
)

// Strangers are callers that invent a token for each request. They ask a leadgraph
// whose callers' tokens are judged by the platform.
type Strangers struct {
	Endpoint string // URL of the API
	From     string // address of the loopback
	Number   int
	Pause    time.Duration // of each between two requests
	// Count notes an answer, and Wrong a violation.
	Count func(what string)
	Wrong func(format string, args ...any)
}

// maxShown bounds the part of an answer that a violation shows, in bytes.
const maxShown = 300

// Run makes them ask until ctx ends.
func (s Strangers) Run(ctx context.Context) {
	var all sync.WaitGroup
	for range s.Number {
		all.Go(func() {
			from := newClient(s.From)
			defer from.CloseIdleConnections()
			for again := true; again; again = pace.Rest(ctx, s.Pause) {
				s.ask(ctx, from)
			}
		})
	}
	all.Wait()
}

// ask sends one request. It must not be answered with leads.
func (s Strangers) ask(ctx context.Context, from *http.Client) {
	status, text, err := post(ctx, from, s.Endpoint, inventedToken(), firstLeads(5))
	switch {
	case ctx.Err() != nil || err != nil: // whoever floods may be cut off
		return
	case strings.Contains(text, `"nodes"`):
		s.Wrong("leads were shown to an invented token: %d %.*s", status, maxShown, text)
	case !strings.Contains(text, `"errors"`):
		s.Wrong("an invented token was not refused: %d %.*s", status, maxShown, text)
	}
	s.Count("requests with an invented token")
}

// TokenStart is the start of each invented token.
const TokenStart = "eyJhbGciOiJub25lI"

// inventedToken returns a token that looks like an access token. All of them claim to be
// of the same subject.
func inventedToken() string {
	part := base64.RawURLEncoding.EncodeToString
	return part([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + part([]byte(`{"sub":"somebody","jti":"`+rand.Text()+`"}`)) + "." + part([]byte("x"))
}

// newClient returns a client that connects from an address.
func newClient(from string) *http.Client {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	return &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext}}
}

// post sends a body with a token, or without if it is empty, and returns the answer.
func post(ctx context.Context, from *http.Client, endpoint, token, body string) (status int, text string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader([]byte(body)))
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := from.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }() // read to its end
	read, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, "", fmt.Errorf("status %d: %w", response.StatusCode, err)
	}
	return response.StatusCode, string(read), nil
}
