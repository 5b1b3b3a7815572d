// Package truth compares the values in answers of different servers. They show the
// same leads in different shapes: as rows of the REST API, as one lead or a list of
// one, as edges, nodes or a bare list.
package truth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Truth is the leads of a workload, in an order that its requests count in, each with
// the fields that the workload selects. It is safe for concurrent use.
type Truth struct {
	leads []string
	shape shape
}

// shape is the fields of an object, each with those of the objects in it.
type shape map[string]shape

// Of returns the leads in the answers, one after the other. The leads have the fields
// that are anywhere in the answers.
func Of(answers [][]byte) (*Truth, error) {
	t := &Truth{shape: shape{}}
	var all []any
	for _, answer := range answers {
		found, err := leadsIn(answer)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	for _, lead := range all {
		t.shape.learn(lead)
	}
	for _, lead := range all {
		t.leads = append(t.leads, text(lead, t.shape))
	}
	return t, nil
}

// Check fails unless the answer shows the given number of leads, beginning with lead
// number from, with the right values. Fields that are not selected do not count.
func (t *Truth) Check(answer []byte, from, leads int) error {
	found, err := leadsIn(answer)
	switch {
	case err != nil:
		return err
	case len(found) != leads:
		return fmt.Errorf("%d leads instead of %d", len(found), leads)
	case from+leads > len(t.leads):
		return fmt.Errorf("leads %d to %d are not known", from, from+leads)
	}
	for i, lead := range found {
		if got, want := text(lead, t.shape), t.leads[from+i]; got != want {
			return fmt.Errorf("lead %d is %s instead of %s", from+i, got, want)
		}
	}
	return nil
}

// leadsIn returns the leads in an answer: the outermost objects with a status. They are
// in the order of their lists, and of the names of their fields.
func leadsIn(answer []byte) ([]any, error) {
	decoder := json.NewDecoder(bytes.NewReader(answer))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if decoder.More() {
		return nil, errors.New("something follows the answer")
	}
	return appendLeads(nil, value), nil
}

func appendLeads(to []any, value any) []any {
	switch value := value.(type) {
	case map[string]any:
		if _, is := value["status"]; is {
			return append(to, value)
		}
		for _, name := range slices.Sorted(maps.Keys(value)) {
			to = appendLeads(to, value[name])
		}
	case []any:
		for _, element := range value {
			to = appendLeads(to, element)
		}
	}
	return to
}

// learn adds the fields of a value.
func (s shape) learn(value any) {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			if s[name] == nil {
				s[name] = shape{}
			}
			s[name].learn(member)
		}
	case []any:
		for _, element := range value {
			s.learn(element)
		}
	}
}

// text returns a value as JSON that is the same for all servers.
func text(value any, s shape) string {
	encoded, err := json.Marshal(plain("", value, s))
	if err != nil { // there are only texts, numbers, lists and maps
		panic(err)
	}
	return string(encoded)
}

// plain returns what a field shows: without fields that were not selected and without
// those that have no value. It returns nil for no value.
func plain(name string, value any, s shape) any {
	switch value := value.(type) {
	case map[string]any:
		all := map[string]any{}
		for member, inner := range s {
			if shown := plain(member, value[member], inner); shown != nil {
				all[member] = shown
			}
		}
		if len(all) > 0 {
			return all
		}
	case []any:
		var all []any
		for _, element := range value {
			if shown := plain(name, element, s); shown != nil {
				all = append(all, shown)
			}
		}
		if len(all) == 1 { // the platform sends some texts alone, or in a list
			return all[0]
		}
		if len(all) > 0 {
			return all
		}
	case json.Number: // of a text that the platform sends as a number
		return value.String()
	case string:
		return spelling(name, value)
	case bool:
		return value
	}
	return nil
}
