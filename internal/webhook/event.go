package webhook

import (
	"encoding/json"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"leadgraph/lead"
	"leadgraph/lead/changes"
)

// contentType is that of an event in structured mode.
const contentType = event.ApplicationCloudEventsJSON

// The types of events.
const (
	typeCreated = "com.leadgraph.lead.created"
	typeUpdated = "com.leadgraph.lead.updated"
	typeRemoved = "com.leadgraph.lead.removed"
	typeReset   = "com.leadgraph.leads.reset"
)

// change is the data of an event about a lead.
type change struct {
	Kind string `json:"kind"`
	// Lead is the lead now, or as it was last if it is gone.
	Lead    map[string]any `json:"lead"`
	Changed []string       `json:"changed"`
}

// changeEvent returns the event of a change.
func changeEvent(source, id string, e changes.Entry, pii bool) ([]byte, error) {
	kind, name, shown := "UPDATED", typeUpdated, e.After
	data := change{Changed: []string{}}
	switch {
	case e.After == nil:
		kind, name, shown = "REMOVED", typeRemoved, e.Before
	case e.Before == nil:
		kind, name = "CREATED", typeCreated
	default:
		data.Changed = lead.Changed(e.Before, e.After, pii)
	}
	subject := shown.ID
	if !pii {
		shown = shown.Redacted(nil)
	}
	data.Kind, data.Lead = kind, leadMembers(shown)
	return encode(source, id, name, subject, e.AsOf, data)
}

// resetEvent returns the event that says that changes may be missing before it.
func resetEvent(source, id string, at time.Time) ([]byte, error) {
	return encode(source, id, typeReset, "", at, map[string]string{"kind": "RESET"})
}

func encode(source, id, name, subject string, at time.Time, data any) ([]byte, error) {
	e := event.New()
	e.SetID(id)
	e.SetSource(source)
	e.SetType(name)
	e.SetTime(at.UTC().Truncate(time.Millisecond)) // as in answers
	if subject != "" {
		e.SetSubject(subject)
	}
	if err := e.SetData(event.ApplicationJSON, data); err != nil {
		return nil, err
	}
	return json.Marshal(e)
}
