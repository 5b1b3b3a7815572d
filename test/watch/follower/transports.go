package follower

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"leadgraph/test/soak/pace"
)

// Transports are the ways to watch.
var Transports = []string{"WebSocket", "events", "parts", "polling"}

const selection = `{ kind lead { id operatorId status } before { id operatorId status } removedId }`

// subscription is the document of all streams.
const subscription = `subscription($after: ChangeCursor, $filter: LeadFilter, $onGap: GapPolicy!) {
	leadChanges(after: $after, filter: $filter, onGap: $onGap) { cursor reset changes ` + selection + ` } }`

// open opens a stream from the cursor on.
func (f *Follower) open(ctx context.Context) (stream, error) {
	policy := "ERROR"
	if f.Reset {
		policy = "RESET"
	}
	body := map[string]any{"query": subscription, "variables": map[string]any{"after": f.cursor, "filter": f.filter(), "onGap": policy}}
	switch f.Transport {
	case "WebSocket":
		return openSocket(ctx, f.Server(), body)
	case "events":
		return openEvents(ctx, f.Server(), body)
	case "parts":
		return openParts(ctx, f.Server(), body)
	}
	return &polls{ctx, f}, nil
}

// answer is a result of the subscription.
type answer struct {
	Data   *struct{ LeadChanges Batch }
	Errors failures
}

type failures []struct{ Extensions struct{ Code errCode } }

func (f failures) err() error {
	if len(f) == 0 {
		return nil
	}
	return f[0].Extensions.Code
}

func (a answer) batch() (Batch, error) {
	if a.Data == nil {
		return Batch{}, errors.Join(a.Errors.err(), errors.New("no data"))
	}
	return a.Data.LeadChanges, a.Errors.err()
}

// post sends a request and returns the answer, whose body the caller closes.
func post(ctx context.Context, endpoint, accept string, body any) (*http.Response, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", accept)
	request.Close = true
	return http.DefaultClient.Do(request)
}

// ask asks a query.
func ask(ctx context.Context, endpoint, query string, variables map[string]any, data any) error {
	response, err := post(ctx, endpoint, "application/json", map[string]any{"query": query, "variables": variables})
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // read to its end
	answer := struct {
		Data   any
		Errors failures
	}{Data: data}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return err
	}
	return answer.Errors.err()
}

// socket speaks graphql-transport-ws.
type socket struct {
	ctx  context.Context
	conn *websocket.Conn
}

type frame struct {
	ID      string `json:"id,omitempty"`
	Type    string `json:"type"`
	Payload any    `json:"payload,omitempty"`
}

func openSocket(ctx context.Context, endpoint string, body any) (stream, error) {
	conn, response, err := websocket.Dial(ctx, endpoint, &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	if response != nil && response.Body != nil {
		_ = response.Body.Close() // of a refusal
	}
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(-1)
	return &socket{ctx, conn}, errors.Join(wsjson.Write(ctx, conn, frame{Type: "connection_init"}), wsjson.Write(ctx, conn, frame{ID: "1", Type: "subscribe", Payload: body}))
}

func (s *socket) next() (Batch, error) {
	for {
		var f struct {
			Type    string
			Payload json.RawMessage
		}
		if err := wsjson.Read(s.ctx, s.conn, &f); err != nil {
			return Batch{}, err
		}
		switch f.Type {
		case "connection_ack":
		case "next":
			var a answer
			err := json.Unmarshal(f.Payload, &a)
			b, failed := a.batch()
			return b, errors.Join(err, failed)
		case "ping":
			if err := wsjson.Write(s.ctx, s.conn, frame{Type: "pong"}); err != nil {
				return Batch{}, err
			}
		case "error":
			var failed failures
			return Batch{}, errors.Join(json.Unmarshal(f.Payload, &failed), failed.err())
		default:
			return Batch{}, fmt.Errorf("a message of type %s", f.Type)
		}
	}
}

func (s *socket) close() { _ = s.conn.CloseNow() }

// events speaks server-sent events.
type events struct {
	body  io.Closer
	lines *bufio.Reader
}

func openEvents(ctx context.Context, endpoint string, body any) (stream, error) {
	response, err := post(ctx, endpoint, "text/event-stream", body) //nolint:bodyclose // close does
	if err != nil {
		return nil, err
	}
	return &events{response.Body, bufio.NewReader(response.Body)}, nil
}

func (e *events) next() (Batch, error) {
	kind := ""
	for {
		line, err := e.lines.ReadString('\n')
		if err != nil {
			return Batch{}, err
		}
		field, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		switch value = strings.TrimPrefix(value, " "); {
		case field == "event":
			kind = value
		case field == "data" && kind == "next":
			var a answer
			err := json.Unmarshal([]byte(value), &a)
			b, failed := a.batch()
			return b, errors.Join(err, failed)
		case field == "data" || strings.HasPrefix(field, "{"): // complete, or a refusal
			return Batch{}, errors.New("the stream is complete")
		}
	}
}

func (e *events) close() { _ = e.body.Close() }

// parts speaks Apollo's multipart protocol.
type parts struct {
	body   io.Closer
	reader *multipart.Reader
}

func openParts(ctx context.Context, endpoint string, body any) (stream, error) {
	response, err := post(ctx, endpoint, "multipart/mixed;subscriptionSpec=1.0, application/json", body)
	if err != nil {
		return nil, err
	}
	_, parameters, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if parameters["boundary"] == "" {
		return nil, errors.Join(err, fmt.Errorf("status %d", response.StatusCode), response.Body.Close())
	}
	return &parts{response.Body, multipart.NewReader(response.Body, parameters["boundary"])}, nil
}

func (p *parts) next() (Batch, error) {
	for {
		part, err := p.reader.NextRawPart()
		if err != nil {
			return Batch{}, err
		}
		var message struct {
			Payload *answer
			Errors  failures
		}
		if err := json.NewDecoder(part).Decode(&message); err != nil {
			return Batch{}, err
		}
		switch {
		case len(message.Errors) > 0:
			return Batch{}, message.Errors.err()
		case message.Payload != nil: // not a heartbeat
			return message.Payload.batch()
		}
	}
}

func (p *parts) close() { _ = p.body.Close() }

// polls asks again and again.
type polls struct {
	ctx context.Context
	of  *Follower
}

func (p *polls) next() (Batch, error) {
	if !pace.Rest(p.ctx, pace.Between(p.of.Random, poll/2, poll)) {
		return Batch{}, p.ctx.Err()
	}
	var data struct {
		LeadChanges struct {
			Nodes  []Change
			Cursor string
		}
	}
	err := ask(p.ctx, p.of.Server(), `query($after: ChangeCursor!, $filter: LeadFilter) { leadChanges(after: $after, filter: $filter, first: 200) { cursor nodes `+selection+` } }`,
		map[string]any{"after": p.of.cursor, "filter": p.of.filter()}, &data)
	return Batch{Changes: data.LeadChanges.Nodes, Cursor: data.LeadChanges.Cursor}, err
}

func (p *polls) close() {}
