package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"strings"

	"leadgraph/test/soak/oracle"
)

// Read reads an answer of any kind. A request that may be answered in parts or
// by events can also be refused in plain JSON.
func Read(asked Way, contentType string, body []byte) ([]oracle.Answer, error) {
	mediaType, parameters, err := mime.ParseMediaType(contentType)
	switch {
	case err != nil:
		return nil, err
	case mediaType == "multipart/mixed":
		one, err := readParts(bytes.NewReader(body), parameters["boundary"])
		return []oracle.Answer{one}, err
	case mediaType == "text/event-stream":
		one, err := readEvents(string(body))
		return []oracle.Answer{one}, err
	case asked == ByArray && bytes.HasPrefix(body, []byte("[")):
		var all []oracle.Answer
		err := json.Unmarshal(body, &all)
		return all, err
	}
	var one oracle.Answer
	err = json.Unmarshal(body, &one)
	return []oracle.Answer{one}, err
}

// readEvents reads the response to a query and the end event.
func readEvents(text string) (one oracle.Answer, err error) {
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
