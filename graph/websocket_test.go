package graph_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"leadgraph/graph"
	"leadgraph/internal/admission"
	"leadgraph/upstream/sandbox"
)

// frame is a message of graphql-transport-ws.
type frame struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

type socket struct {
	*websocket.Conn
	t *testing.T
}

// dial opens a WebSocket and closes it when the test ends. It returns the
// status of the response to the upgrade.
func (s service) dial(t *testing.T, header http.Header, subprotocols ...string) (c socket, status int) {
	t.Helper()
	conn, response, err := websocket.Dial(t.Context(), s.url, &websocket.DialOptions{Subprotocols: subprotocols, HTTPHeader: header})
	if response == nil {
		t.Fatal(err)
	}
	if response.Body != nil {
		defer func() { _ = response.Body.Close() }()
	}
	if err == nil {
		t.Cleanup(func() { _ = conn.CloseNow() })
	}
	return socket{conn, t}, response.StatusCode
}

// open returns a WebSocket on which operations can run.
func (s service) open(t *testing.T) socket {
	t.Helper()
	conn, _ := s.dial(t, nil, "graphql-transport-ws")
	conn.send(frame{Type: "connection_init"})
	conn.want(`{"type":"connection_ack"}`)
	return conn
}

func (c socket) send(message any) {
	c.t.Helper()
	if err := wsjson.Write(c.t.Context(), c.Conn, message); err != nil {
		c.t.Fatal(err)
	}
}

func (c socket) subscribe(id, document string) {
	c.t.Helper()
	payload, err := json.Marshal(map[string]string{"query": document})
	if err != nil {
		c.t.Fatal(err)
	}
	c.send(frame{ID: id, Type: "subscribe", Payload: payload})
}

func (c socket) want(message string) {
	c.t.Helper()
	_, got, err := c.Read(c.t.Context())
	if err != nil || string(got) != message {
		c.t.Fatalf("got %s %v, want %s", got, err, message)
	}
}

func (c socket) wantClose(code websocket.StatusCode) {
	c.t.Helper()
	_, got, err := c.Read(c.t.Context())
	if websocket.CloseStatus(err) != code {
		c.t.Errorf("got %s %v, want the code %d", got, err, code)
	}
}

func TestSocketRunsOperations(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	c := s.open(t)
	c.subscribe("1", fmt.Sprintf(`{ lead(tenantId: %q) { status ... @defer { isDirectLead } } }`, seedTenant))
	c.want(`{"type":"next","id":"1","payload":{"data":{"lead":{"status":"ACTIVE","isDirectLead":true}}}}`)
	c.want(`{"type":"complete","id":"1"}`)
	c.send(frame{Type: "ping"})
	c.want(`{"type":"pong"}`)
	c.send(frame{Type: "pong"})
	c.subscribe("1", `{ lead(tenantId: "x") { id } }`) // the id is free again
	c.want(`{"type":"error","id":"1","payload":[{"message":"tenantId: must be a UUID, 36 characters such as f94238e5-4f2c-4e1b-8125-2d27122ca75f.","path":["lead"],"locations":[{"line":1,"column":8}],"extensions":{"argument":"tenantId","code":"BAD_USER_INPUT","requestId":"request-1"}}]}`)
	c.subscribe("1", "")
	c.want(`{"type":"error","id":"1","payload":[{"message":"query: must be a GraphQL document.","extensions":{"argument":"query","code":"BAD_USER_INPUT","requestId":"request-1"}}]}`)
	c.send(frame{ID: "1", Type: "complete"}) // and may be unknown
	c.subscribe("2", `{ __typename }`)
	c.want(`{"type":"next","id":"2","payload":{"data":{"__typename":"Query"}}}`)
}

func TestSocketClosesWithTheProtocolsCodes(t *testing.T) {
	t.Parallel()
	s := newService(t, patient())
	s.platform.Inject(sandbox.Fault{Kind: "tenant:" + fullTenant, Latency: time.Hour})
	long := fmt.Sprintf("{ lead(tenantId: %q) { id } }", fullTenant)
	tests := map[string]struct {
		code websocket.StatusCode
		send func(socket)
	}{
		"subscribe before init": {4401, func(c socket) { c.subscribe("1", long) }},
		"no message":            {4400, func(c socket) { c.send("init") }},
		"unknown message":       {4400, func(c socket) { c.send(frame{Type: "start"}) }},
		"init of another type":  {4400, func(c socket) { c.send(frame{Type: "connection_init", Payload: json.RawMessage("[]")}) }},
		"second init": {4429, func(c socket) {
			c.send(frame{Type: "connection_init"})
			c.want(`{"type":"connection_ack"}`)
			c.send(frame{Type: "connection_init"})
		}},
		"id in use": {4409, func(c socket) {
			c.send(frame{Type: "connection_init", Payload: json.RawMessage("null")})
			c.want(`{"type":"connection_ack"}`)
			c.subscribe("1", long)
			c.subscribe("1", long)
		}},
		"no id": {4400, func(c socket) {
			c.send(frame{Type: "connection_init"})
			c.want(`{"type":"connection_ack"}`)
			c.subscribe("", long)
		}},
		"too large": {websocket.StatusMessageTooBig, func(c socket) {
			c.send(frame{Type: "connection_init"})
			c.want(`{"type":"connection_ack"}`)
			c.subscribe("1", "{ __typename }"+strings.Repeat(" ", 64<<10))
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := s.dial(t, nil, "graphql-transport-ws")
			test.send(c)
			c.wantClose(test.code)
		})
	}
	t.Run("no subprotocol", func(t *testing.T) {
		t.Parallel()
		c, _ := s.dial(t, nil)
		c.wantClose(4406)
	})
}

// TestSocketEndsItsOperations leaves operations running; closing the service
// would wait an hour for them.
func TestSocketEndsItsOperations(t *testing.T) {
	t.Parallel()
	s := newService(t, patient())
	s.platform.Inject(sandbox.Fault{Kind: "tenant:" + fullTenant, Latency: time.Hour, Times: -1})
	long := fmt.Sprintf("{ lead(tenantId: %q) { id } }", fullTenant)
	c := s.open(t)
	const maximum = 20
	for i := range maximum {
		c.subscribe(fmt.Sprint(i), long)
	}
	c.subscribe("one more", "{ __typename }")
	c.want(`{"type":"error","id":"one more","payload":[{"message":"Too many operations are running on this connection.","extensions":{"code":"BAD_USER_INPUT","requestId":"request-1"}}]}`)
	c.send(frame{ID: "0", Type: "complete"})
	for strings.Count(s.log.String(), `"msg":"operation"`) < 2 && t.Context().Err() == nil { // the slot is free
	}
	c.subscribe("0", "{ __typename }")
	_, got, err := c.Read(t.Context())
	if err != nil || !strings.HasPrefix(string(got), `{"type":"`) || !strings.Contains(string(got), `"id":"0"`) {
		t.Errorf("got %s %v", got, err)
	}
	if err := c.CloseNow(); err != nil {
		t.Error(err)
	}
}

func TestSocketAsksTheProgramWhoMayConnect(t *testing.T) {
	t.Parallel()
	type callerKey struct{}
	s := newService(t, serviceOptions{graph: func(o *graph.Options) {
		o.RequestID = func(ctx context.Context) string {
			id, _ := ctx.Value(callerKey{}).(string)
			return id
		}
		o.InitConnection = func(ctx context.Context, payload map[string]any) (context.Context, error) {
			if payload["token"] != "good" {
				return nil, errors.New("dana.levi-canary")
			}
			return context.WithValue(ctx, callerKey{}, "caller"), nil
		}
		o.CheckOrigin = func(r *http.Request) bool { return r.Header.Get("Origin") == "https://app.example" }
	}})
	if _, status := s.dial(t, http.Header{"Origin": {s.url}}, "graphql-transport-ws"); status != http.StatusForbidden {
		t.Errorf("another origin: %d", status)
	}
	header := http.Header{"Origin": {"https://app.example"}}
	c, _ := s.dial(t, header, "graphql-transport-ws")
	c.send(frame{Type: "connection_init"})
	c.wantClose(4403)
	if log := s.log.String(); !strings.Contains(log, `"msg":"refused","status":4403,"code":"FORBIDDEN"`) {
		t.Errorf("log %s", log)
	}
	c, _ = s.dial(t, header, "graphql-transport-ws")
	c.send(frame{Type: "connection_init", Payload: json.RawMessage(`{"token":"good"}`)})
	c.want(`{"type":"connection_ack"}`)
	c.subscribe("1", `{ node(id: 1) { nope } }`)
	if _, got, err := c.Read(t.Context()); err != nil || !strings.Contains(string(got), `"requestId":"caller"`) {
		t.Errorf("got %s %v", got, err)
	}
}

func TestSocketClosesWhenTheTokenExpires(t *testing.T) {
	t.Parallel()
	type callerKey struct{}
	s := newService(t, serviceOptions{graph: func(o *graph.Options) {
		o.InitConnection = func(ctx context.Context, _ map[string]any) (context.Context, error) {
			return context.WithValue(ctx, callerKey{}, time.Now().Add(100*time.Millisecond)), nil
		}
		o.Expires = func(ctx context.Context) time.Time {
			expires, _ := ctx.Value(callerKey{}).(time.Time)
			return expires
		}
	}})
	c := s.open(t)
	c.wantClose(4403)
}

func TestSocketKeepsToItsOrigin(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	for origin, want := range map[string]int{"https://app.example": http.StatusForbidden, s.url: http.StatusSwitchingProtocols} {
		if _, status := s.dial(t, http.Header{"Origin": {origin}}, "graphql-transport-ws"); status != want {
			t.Errorf("from %s: %d, want %d", origin, status, want)
		}
	}
}

// TestSocketsOfACallerAreFew also checks that a connection counts for its caller
// once InitConnection has found it, and that it stops counting when it ends.
func TestSocketsOfACallerAreFew(t *testing.T) {
	t.Parallel()
	type key struct{}
	few := admission.NewFew(2)
	s := newService(t, serviceOptions{graph: func(o *graph.Options) {
		o.InitConnection = func(ctx context.Context, payload map[string]any) (context.Context, error) {
			return context.WithValue(ctx, key{}, payload["name"]), nil
		}
		o.Connect = func(ctx context.Context) func() {
			name, _ := ctx.Value(key{}).(string)
			return few.Take(name)
		}
	}})
	open := func(name string) socket {
		t.Helper()
		c, status := s.dial(t, nil, "graphql-transport-ws")
		if status != http.StatusSwitchingProtocols {
			t.Fatalf("status %d", status)
		}
		c.send(frame{Type: "connection_init", Payload: json.RawMessage(`{"name":"` + name + `"}`)})
		return c
	}
	var opened []socket
	for _, name := range []string{"a", "a", "b", "b"} {
		c := open(name)
		c.want(`{"type":"connection_ack"}`)
		opened = append(opened, c)
	}
	c := open("a")
	c.wantClose(websocket.StatusTryAgainLater)
	_ = opened[0].CloseNow()
	for few.Take("a") == nil && t.Context().Err() == nil { // the server notices in its own time
		runtime.Gosched()
	}
	one, _ := s.dial(t, nil, "graphql-transport-ws")
	two, _ := s.dial(t, nil, "graphql-transport-ws")
	if _, status := s.dial(t, nil, "graphql-transport-ws"); status != http.StatusServiceUnavailable {
		t.Errorf("status %d of a third connection that has not said whose it is", status)
	}
	_, _ = one.CloseNow(), two.CloseNow()
}
