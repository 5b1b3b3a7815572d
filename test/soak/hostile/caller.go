package hostile

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"leadgraph/test/soak/pace"
)

// Caller has a token that the platform accepts. It must be served while Strangers ask
// the same leadgraph.
type Caller struct {
	Endpoint string // URL of the API
	From     string // address of the loopback
	Token    string
	IDs      []string // of all leads, in the platform's order
	Pause    time.Duration
	Deadline time.Duration // in which an answer must arrive
	// Count notes an answer, and Wrong a violation.
	Count func(what string)
	Wrong func(format string, args ...any)
}

// needed is the part of the requests that must be answered, in percent. A busy machine
// makes leadgraph refuse a few, and the platform late.
const needed = 95

// Introduce asks once, so that leadgraph knows that the platform accepts the token.
func (c Caller) Introduce(ctx context.Context) error {
	from := newClient(c.From)
	defer from.CloseIdleConnections()
	_, text, err := post(ctx, from, c.Endpoint, c.Token, firstLeads(1))
	if err == nil {
		if right, _ := c.judge(text, 1); !right {
			err = fmt.Errorf("a token of the platform is not accepted: %.*s", maxShown, text)
		}
	}
	return err
}

func firstLeads(n int) string {
	return fmt.Sprintf(`{"query":"{ leads(first: %d) { nodes { id } } }"}`, n)
}

// Run asks until ctx ends.
func (c Caller) Run(ctx context.Context) {
	from := newClient(c.From)
	defer from.CloseIdleConnections()
	asked, served, last := 0, 0, ""
	for again := true; again; again = pace.Rest(ctx, c.Pause) {
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.Deadline)
		first := 1 + asked%min(50, len(c.IDs))
		status, text, err := post(within, from, c.Endpoint, c.Token, firstLeads(first))
		cancel()
		asked++
		switch right, refused := c.judge(text, first); {
		case err != nil:
			c.Wrong("a caller from %s got no answer: %v", c.From, err)
		case right:
			served++
			c.Count("requests beside those with invented tokens")
		case refused:
			last = text
		default:
			c.Wrong("a caller from %s got a wrong answer: %d %.*s", c.From, status, maxShown, text)
		}
	}
	if served*100 < asked*needed {
		c.Wrong("a caller from %s was served %d of %d times beside callers with invented tokens, refused last with %.*s", c.From, served, asked, maxShown, last)
	}
}

// judge reports whether the text shows the first leads, or says that leadgraph or the
// platform is busy.
func (c Caller) judge(text string, first int) (right, refused bool) {
	var answer struct {
		Data struct {
			Leads struct{ Nodes []struct{ ID string } }
		}
		Errors []any
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		return false, false
	}
	if len(answer.Errors) > 0 {
		return false, strings.Contains(text, `"OVERLOADED"`) || strings.Contains(text, `"UPSTREAM_TIMEOUT"`)
	}
	shown := make([]string, 0, first)
	for _, lead := range answer.Data.Leads.Nodes {
		shown = append(shown, lead.ID)
	}
	return slices.Equal(shown, c.IDs[:first]), false
}
