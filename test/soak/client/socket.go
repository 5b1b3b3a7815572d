package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"leadgraph/test/soak/operations"
	"leadgraph/test/soak/oracle"
)

// frame is a message of graphql-transport-ws.
type frame struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// askSocket runs one operation over a new WebSocket.
func (c *Client) askSocket(ctx context.Context, o operations.Operation) ([]oracle.Answer, error) {
	conn, response, err := websocket.Dial(ctx, c.endpoint, &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}, HTTPClient: c.http})
	if response != nil && response.Body != nil {
		defer func() { _ = response.Body.Close() }() // the body of a refusal
	}
	if err != nil && response != nil && response.StatusCode == http.StatusServiceUnavailable {
		text, err := io.ReadAll(response.Body)
		if err != nil {
			return nil, err
		}
		return Read(ByPost, response.Header.Get("Content-Type"), text)
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.CloseNow() }() // does nothing after an orderly end
	conn.SetReadLimit(maxMessage)
	payload, err := json.Marshal(body(o))
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		wsjson.Write(ctx, conn, frame{Type: "connection_init"}),
		expect(ctx, conn, "connection_ack"),
		wsjson.Write(ctx, conn, frame{ID: "1", Type: "subscribe", Payload: payload}),
	)
	if err != nil {
		return nil, err
	}
	one, err := readResponse(ctx, conn)
	if err != nil {
		return nil, err
	}
	return []oracle.Answer{one}, conn.Close(websocket.StatusNormalClosure, "")
}

// maxMessage is far more than the largest answer, in bytes.
const maxMessage = 64 << 20

// readResponse reads the response to a query and the end message, or a refusal.
func readResponse(ctx context.Context, conn *websocket.Conn) (oracle.Answer, error) {
	var one oracle.Answer
	var f frame
	if err := wsjson.Read(ctx, conn, &f); err != nil {
		return one, err
	}
	one.Excerpt = string(f.Payload[:min(len(f.Payload), excerpt)])
	if f.Type == "error" {
		return one, json.Unmarshal(f.Payload, &one.Errors)
	}
	if f.Type != "next" {
		return one, fmt.Errorf("unexpected message of type %s", f.Type)
	}
	if err := json.Unmarshal(f.Payload, &one); err != nil {
		return one, err
	}
	return one, expect(ctx, conn, "complete")
}

// expect reads a message, which must have a type.
func expect(ctx context.Context, conn *websocket.Conn, kind string) error {
	var f frame
	if err := wsjson.Read(ctx, conn, &f); err != nil {
		return err
	}
	if f.Type != kind {
		return fmt.Errorf("a message of type %s instead of %s", f.Type, kind)
	}
	return nil
}
