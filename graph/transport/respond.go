package transport

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/99designs/gqlgen/graphql"

	"leadgraph/internal/accept"
)

// The media types of an answer. GraphQL over HTTP's own has statuses that tell a
// client that a request failed as a whole. JSON is for clients that know nothing
// else; a refused document is still a 200 for them.
const (
	typeGraphQL = "application/graphql-response+json"
	typeJSON    = "application/json"
	typeEvents  = "text/event-stream"
	typeParts   = "multipart/mixed"
)

// client says how a client wants its answer.
type client struct {
	single string      // the media type of an answer in one piece
	parts  *partFormat // how it reads a deferred answer; nil if in one piece
	events bool        // whether it prefers a stream of events
}

// negotiate reads the Accept header. Events are for clients that prefer them,
// as urql offers them for whatever it asks. A deferred answer comes in parts if
// the client names a format and does not like one piece better: that it may be
// deferred is what the document says.
func negotiate(headers []string) (client, *refusal) {
	if strings.TrimSpace(strings.Join(headers, "")) == "" {
		return client{single: typeJSON}, nil
	}
	ranges := accept.Parse(headers)
	best, _ := accept.Choose(ranges, typeJSON, typeGraphQL, typeEvents)
	single, weight := accept.Choose(ranges, typeJSON, typeGraphQL)
	c := client{single: single, parts: chooseParts(ranges, weight), events: best == typeEvents}
	if single == "" {
		c.single = typeJSON // of a refusal, and of what has nothing deferred
	}
	if best == "" && c.parts == nil {
		return c, &refusal{http.StatusNotAcceptable, "Accept must allow application/graphql-response+json or application/json."}
	}
	return c, nil
}

// chooseParts returns the format of the range with the greatest weight, if it is
// at least the given one. A wildcard names no format.
func chooseParts(ranges []accept.Range, weight float64) *partFormat {
	var best *partFormat
	for _, r := range ranges {
		if r.MediaType != typeParts || r.Weight == 0 || r.Weight < weight || best != nil && r.Weight == weight {
			continue
		}
		if format := partFormatOf(r.Parameters); format != nil {
			best, weight = format, r.Weight
		}
	}
	return best
}

// jsonObject is a JSON object that is being written; its end is up to the writer.
type jsonObject []byte

// raw adds a member whose value is JSON already.
func (o jsonObject) raw(name string, value []byte) jsonObject {
	if len(o) > 1 {
		o = append(o, ',')
	}
	o = append(o, '"')
	o = append(o, name...)
	o = append(o, '"', ':')
	return append(o, value...)
}

// with adds a member if it is present.
func (o jsonObject) with(name string, value any, present bool) jsonObject {
	if !present {
		return o
	}
	text, err := json.Marshal(value)
	if err != nil { // only our own values get here
		panic(err)
	}
	return o.raw(name, text)
}

// encode writes a response; the data is JSON already and goes in as it is.
func encode(response *graphql.Response) []byte {
	o := append(make(jsonObject, 0, len(response.Data)+512), '{')
	o = o.with("errors", response.Errors, len(response.Errors) > 0)
	if response.Data != nil {
		o = o.raw("data", response.Data)
	}
	o = o.with("extensions", response.Extensions, len(response.Extensions) > 0)
	return append(o, '}')
}

// writeJSON sends an answer in one piece and returns its size in bytes.
func writeJSON(w http.ResponseWriter, status int, mediaType string, body []byte) int {
	w.Header().Set("Content-Type", mediaType+"; charset=utf-8")
	w.WriteHeader(status)
	size, _ := w.Write(body) // a client that left cannot be told so
	return size
}
