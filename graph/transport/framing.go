package transport

import (
	"bytes"

	"leadgraph/internal/accept"
)

// framing is the format of a stream of responses.
type framing struct {
	mediaType   string // as clients request it
	contentType string
	opening     string // begins the stream
	heartbeat   string
	complete    string // ends the stream; without it, clients take it to be broken
	// frame frames a response. It is broken if it has errors instead of data: the
	// subscription has ended.
	frame func(response []byte, id string, broken bool) string
}

// events is the stream of server-sent events of the graphql-sse protocol.
var events = &framing{
	mediaType:   typeEvents,
	contentType: typeEvents + "; charset=utf-8",
	opening:     ":\n\n",
	heartbeat:   ":\n\n",
	complete:    "event: complete\ndata:\n\n", // EventSource ignores an event without data
	frame:       event,
}

// event returns an event. A line break ends a data line. In JSON, line breaks
// can only be white space, and values that the platform sent may contain some.
func event(response []byte, id string, _ bool) string {
	text := string(bytes.Map(func(r rune) rune {
		if r == '\n' || r == '\r' {
			return ' '
		}
		return r
	}, response))
	if id != "" {
		id = "id: " + id + "\n"
	}
	return id + "event: next\ndata: " + text + "\n\n"
}

const (
	payloadBoundary = "\r\n--graphql"
	payloadHead     = "\r\nContent-Type: application/json; charset=utf-8\r\n\r\n"
)

// payloads is Apollo's multipart protocol for subscriptions. The delimiter follows each
// part at once: without it, a client would hold the part back until the next one.
var payloads = &framing{
	mediaType:   "multipart/mixed;subscriptionSpec=1.0",
	contentType: typeParts + `; boundary="graphql"; subscriptionSpec=1.0`,
	opening:     payloadBoundary,
	heartbeat:   payloadHead + "{}" + payloadBoundary,
	complete:    "--\r\n",
	frame: func(response []byte, _ string, broken bool) string {
		if broken {
			return payloadHead + `{"payload":null,` + string(response[1:]) + payloadBoundary
		}
		return payloadHead + `{"payload":` + string(response) + "}" + payloadBoundary
	},
}

// chooseStream returns the framing that a client prefers for a subscription, or nil if it
// names none. A wildcard names none: such a client may wait for the end of the answer.
func chooseStream(ranges []accept.Range) (best *framing) {
	weight := 0.0
	for _, r := range ranges {
		var named *framing
		switch {
		case r.MediaType == typeEvents:
			named = events
		case r.MediaType == typeParts && r.Parameters["subscriptionspec"] == "1.0":
			named = payloads
		}
		if named != nil && r.Weight > weight {
			best, weight = named, r.Weight
		}
	}
	return best
}
