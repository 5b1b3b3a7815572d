package transport

import (
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"
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
func negotiate(accept []string) (client, *refusal) {
	header := strings.Join(accept, ",")
	if strings.TrimSpace(header) == "" {
		return client{single: typeJSON}, nil
	}
	ranges := parseAccept(header)
	best, _ := choose(ranges, typeJSON, typeGraphQL, typeEvents)
	single, weight := choose(ranges, typeJSON, typeGraphQL)
	c := client{single: single, parts: chooseParts(ranges, weight), events: best == typeEvents}
	if single == "" {
		c.single = typeJSON // of a refusal, and of what has nothing deferred
	}
	if best == "" && c.parts == nil {
		return c, &refusal{http.StatusNotAcceptable, "Accept must allow application/graphql-response+json or application/json."}
	}
	return c, nil
}

// mediaRange is one element of an Accept header.
type mediaRange struct {
	mediaType  string
	parameters map[string]string
	weight     float64
}

// parseAccept leaves out what it cannot read.
func parseAccept(header string) []mediaRange {
	var ranges []mediaRange
	for element := range strings.SplitSeq(header, ",") {
		mediaType, parameters, err := mime.ParseMediaType(element)
		if err != nil {
			continue
		}
		weight := 1.0
		if q, given := parameters["q"]; given {
			if weight, err = strconv.ParseFloat(q, 64); err != nil || !(weight >= 0 && weight <= 1) {
				continue
			}
		}
		ranges = append(ranges, mediaRange{mediaType, parameters, weight})
	}
	return ranges
}

// choose returns the media type with the greatest weight; of equals the one that
// the client names first, then the first of ours. It is empty, and so is its
// weight, if none is acceptable.
func choose(ranges []mediaRange, available ...string) (best string, bestWeight float64) {
	bestPlace := len(ranges)
	for _, mediaType := range available {
		place, precision := 0, 0
		for i, r := range ranges {
			if p := r.precision(mediaType); p > precision {
				place, precision = i, p
			}
		}
		if precision == 0 {
			continue
		}
		if weight := ranges[place].weight; weight > bestWeight || weight == bestWeight && weight > 0 && place < bestPlace {
			best, bestWeight, bestPlace = mediaType, weight, place
		}
	}
	return best, bestWeight
}

// precision says how closely a range names a media type; 0 is not at all.
func (r mediaRange) precision(mediaType string) int {
	kind, _, _ := strings.Cut(mediaType, "/")
	switch r.mediaType {
	case mediaType:
		return 3
	case kind + "/*":
		return 2
	case "*/*":
		return 1
	}
	return 0
}

// chooseParts returns the format of the range with the greatest weight, if it is
// at least the given one. A wildcard names no format.
func chooseParts(ranges []mediaRange, weight float64) *partFormat {
	var best *partFormat
	for _, r := range ranges {
		if r.mediaType != typeParts || r.weight == 0 || r.weight < weight || best != nil && r.weight == weight {
			continue
		}
		if format := partFormatOf(r.parameters); format != nil {
			best, weight = format, r.weight
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
