// Package client asks leadgraph over all of its transports and reads the answers.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"leadgraph/test/soak/operations"
	"leadgraph/test/soak/oracle"
)

// Way is how a request is made and answered.
type Way string

// The ways of a request. ByParts asks for a multipart answer, ByEvents for
// server-sent events.
const (
	ByPost   Way = "POST"
	ByGet    Way = "GET"
	ByArray  Way = "array"
	ByParts  Way = "parts"
	ByEvents Way = "events"
	BySocket Way = "WebSocket"
)

// Client asks leadgraph.
type Client struct {
	endpoint string
	http     *http.Client
}

// New returns a client that keeps up to the given number of idle connections.
func New(endpoint string, connections int) *Client {
	return NewOver(endpoint, &http.Transport{
		MaxIdleConnsPerHost: connections,
		// Less than the server's, so that no request meets the end of its connection.
		IdleConnTimeout: 5 * time.Second,
	})
}

// NewOver returns a client that sends requests over a transport.
func NewOver(endpoint string, transport http.RoundTripper) *Client {
	return &Client{endpoint: endpoint, http: &http.Client{Transport: transport}}
}

// CloseIdle closes the connections that are not in use.
func (c *Client) CloseIdle() { c.http.CloseIdleConnections() }

// Request is what a client sends.
type Request struct {
	Way        Way
	Operations []operations.Operation // one, except in an array
	Freshness  string                 // Cache-Control; empty if there is none
	Alone      bool                   // use a new connection and close it
}

// excerpt is the length of the part of a wrong answer that is shown, in bytes.
const excerpt = 1500

// Ask makes a request and returns an answer to each operation.
func (c *Client) Ask(ctx context.Context, r Request) ([]oracle.Answer, error) {
	if r.Way == BySocket {
		return c.askSocket(ctx, r.Operations[0])
	}
	response, err := c.Send(ctx, r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }() // read to its end
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	answers, err := Read(r.Way, response.Header.Get("Content-Type"), text)
	if err != nil {
		return nil, fmt.Errorf("status %d, %w: %.*q", response.StatusCode, err, excerpt, text)
	}
	for i := range answers {
		answers[i].Excerpt = string(text[:min(len(text), excerpt)])
	}
	if len(answers) == 1 && answers[0].Data == nil { // the whole request was refused
		for len(answers) < len(r.Operations) {
			answers = append(answers, answers[0])
		}
	}
	if len(answers) != len(r.Operations) {
		return nil, fmt.Errorf("%d answers to %d operations", len(answers), len(r.Operations))
	}
	return answers, nil
}

// Send sends a request and returns when the header of the answer has arrived.
func (c *Client) Send(ctx context.Context, r Request) (*http.Response, error) {
	sent, err := c.render(ctx, r)
	if err != nil {
		return nil, err
	}
	sent.Close = r.Alone
	if r.Freshness != "" {
		sent.Header.Set("Cache-Control", r.Freshness)
	}
	switch r.Way {
	case ByParts:
		sent.Header.Set("Accept", "multipart/mixed;deferSpec=20220824, application/json;q=0.9")
	case ByEvents:
		sent.Header.Set("Accept", "text/event-stream")
	default:
		sent.Header.Set("Accept", "application/json")
	}
	return c.http.Do(sent)
}

// render returns the HTTP request without its headers about the answer.
func (c *Client) render(ctx context.Context, r Request) (*http.Request, error) {
	if r.Way == ByGet {
		text, err := json.Marshal(r.Operations[0].Variables)
		if err != nil {
			return nil, err
		}
		address := c.endpoint + "?" + url.Values{"query": {r.Operations[0].Document}, "variables": {string(text)}}.Encode()
		return http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	}
	bodies := make([]any, len(r.Operations))
	for i, o := range r.Operations {
		bodies[i] = body(o)
	}
	var value any = bodies
	if r.Way != ByArray {
		value = bodies[0]
	}
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	sent, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint, bytes.NewReader(text))
	if err == nil {
		sent.Header.Set("Content-Type", "application/json")
	}
	return sent, err
}

func body(o operations.Operation) oracle.Object {
	return oracle.Object{"query": o.Document, "variables": o.Variables}
}

// Get reads a path that is not GraphQL, such as the health check.
func (c *Client) Get(ctx context.Context, path string) (status int, body string, err error) {
	address, err := url.Parse(c.endpoint)
	if err != nil {
		return 0, "", err
	}
	sent, err := http.NewRequestWithContext(ctx, http.MethodGet, address.ResolveReference(&url.URL{Path: path}).String(), nil)
	if err != nil {
		return 0, "", err
	}
	response, err := c.http.Do(sent)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }() // read to its end
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}
