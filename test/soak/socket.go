package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// frame is a message of graphql-transport-ws.
type frame struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// askSocket runs one operation on a WebSocket of its own.
func (c *client) askSocket(ctx context.Context, o operation) ([]answer, error) {
	conn, response, err := websocket.Dial(ctx, c.endpoint, &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}, HTTPClient: c.http})
	if response != nil && response.Body != nil {
		defer func() { _ = response.Body.Close() }() // of a refusal
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.CloseNow() }() // after it was closed in order
	conn.SetReadLimit(maxMessage)
	payload, err := json.Marshal(o.body())
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
	return []answer{one}, conn.Close(websocket.StatusNormalClosure, "")
}

// maxMessage is far above the largest answer, in bytes.
const maxMessage = 64 << 20

// readResponse reads the one response of a query and its end, or its refusal.
func readResponse(ctx context.Context, conn *websocket.Conn) (answer, error) {
	var one answer
	var f frame
	if err := wsjson.Read(ctx, conn, &f); err != nil {
		return one, err
	}
	one.text = string(f.Payload[:min(len(f.Payload), excerpt)])
	if f.Type == "error" {
		return one, json.Unmarshal(f.Payload, &one.Errors)
	}
	if f.Type != "next" {
		return one, fmt.Errorf("a message of type %s", f.Type)
	}
	if err := json.Unmarshal(f.Payload, &one); err != nil {
		return one, err
	}
	return one, expect(ctx, conn, "complete")
}

// expect reads a message of a type.
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
