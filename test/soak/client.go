package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// way is how a request is made and answered.
type way string

const (
	byPost   way = "POST"
	byGet    way = "GET"
	byArray  way = "array"
	byParts  way = "parts"
	byEvents way = "events"
	bySocket way = "WebSocket"
)

// client asks leadgraph.
type client struct {
	endpoint string
	http     *http.Client
}

func newClient(endpoint string, connections int) *client {
	return &client{endpoint: endpoint, http: &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: connections,
		// Sooner than the server, so that no request crosses the end of its connection.
		IdleConnTimeout: 5 * time.Second,
	}}}
}

// request is what a client sends.
type request struct {
	way        way
	operations []operation // one, but in an array
	freshness  string      // Cache-Control; empty: none
	alone      bool        // over a connection of its own
}

// excerpt is how much of a wrong answer is shown, in bytes.
const excerpt = 1500

// ask makes a request and returns an answer for each operation.
func (c *client) ask(ctx context.Context, r request) ([]answer, error) {
	if r.way == bySocket {
		return c.askSocket(ctx, r.operations[0])
	}
	response, err := c.send(ctx, r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }() // read to its end
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	answers, err := read(r.way, response.Header.Get("Content-Type"), body)
	if err != nil {
		return nil, fmt.Errorf("status %d, %w: %.*q", response.StatusCode, err, excerpt, body)
	}
	for i := range answers {
		answers[i].text = string(body[:min(len(body), excerpt)])
	}
	if len(answers) == 1 && answers[0].Data == nil { // the whole request was refused
		for len(answers) < len(r.operations) {
			answers = append(answers, answers[0])
		}
	}
	if len(answers) != len(r.operations) {
		return nil, fmt.Errorf("%d answers to %d operations", len(answers), len(r.operations))
	}
	return answers, nil
}

// send sends a request and returns with the answer's header.
func (c *client) send(ctx context.Context, r request) (*http.Response, error) {
	sent, err := c.render(ctx, r)
	if err != nil {
		return nil, err
	}
	sent.Close = r.alone
	if r.freshness != "" {
		sent.Header.Set("Cache-Control", r.freshness)
	}
	switch r.way {
	case byParts:
		sent.Header.Set("Accept", "multipart/mixed;deferSpec=20220824, application/json;q=0.9")
	case byEvents:
		sent.Header.Set("Accept", "text/event-stream")
	default:
		sent.Header.Set("Accept", "application/json")
	}
	return c.http.Do(sent)
}

func (c *client) render(ctx context.Context, r request) (*http.Request, error) {
	if r.way == byGet {
		text, err := json.Marshal(r.operations[0].variables)
		if err != nil {
			return nil, err
		}
		address := c.endpoint + "?" + url.Values{"query": {r.operations[0].document}, "variables": {string(text)}}.Encode()
		return http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	}
	bodies := make([]any, len(r.operations))
	for i, o := range r.operations {
		bodies[i] = o.body()
	}
	var value any = bodies
	if r.way != byArray {
		value = bodies[0]
	}
	body, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	sent, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint, bytes.NewReader(body))
	if err == nil {
		sent.Header.Set("Content-Type", "application/json")
	}
	return sent, err
}

func (o operation) body() object { return object{"query": o.document, "variables": o.variables} }

// read reads an answer of any kind: who may be answered in parts or by events
// can also be refused in one piece.
func read(asked way, contentType string, body []byte) ([]answer, error) {
	mediaType, parameters, err := mime.ParseMediaType(contentType)
	switch {
	case err != nil:
		return nil, err
	case mediaType == "multipart/mixed":
		one, err := readParts(bytes.NewReader(body), parameters["boundary"])
		return []answer{one}, err
	case mediaType == "text/event-stream":
		one, err := readEvents(string(body))
		return []answer{one}, err
	case asked == byArray && bytes.HasPrefix(body, []byte("[")):
		var all []answer
		err := json.Unmarshal(body, &all)
		return all, err
	}
	var one answer
	err = json.Unmarshal(body, &one)
	return []answer{one}, err
}

// readEvents reads the one response of a query, and the end.
func readEvents(text string) (one answer, err error) {
	found := false
	for event := range strings.SplitSeq(text, "\n\n") {
		kind, data, _ := strings.Cut(event, "\ndata:")
		switch strings.TrimPrefix(kind, "event: ") {
		case "next":
			found = true
			if err := json.Unmarshal([]byte(data), &one); err != nil {
				return one, err
			}
		case "complete":
			if !found {
				return one, errors.New("complete without a response")
			}
			return one, nil
		}
	}
	return one, errors.New("the events end before they are complete")
}

// get asks for what is no GraphQL, such as the health.
func (c *client) get(ctx context.Context, path string) (status int, body string, err error) {
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

// cacheControl is the header that demands an age in seconds; none if negative.
func cacheControl(seconds int) string {
	switch {
	case seconds < 0:
		return ""
	case seconds == 0:
		return "no-cache"
	}
	return "max-age=" + strconv.Itoa(seconds)
}
