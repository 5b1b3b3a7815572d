package operations

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"leadgraph/test/soak/oracle"
)

// spelled returns the same filter in another spelling: a list of one value as that
// value, an open bound as null, conditions that are not given as null.
func spelled(random *rand.Rand, filter oracle.Object) oracle.Object {
	other := oracle.Object{}
	for _, name := range slices.Sorted(maps.Keys(filter)) {
		if other[name] = filter[name]; name != "addresses" { // is no filter
			other[name] = spelledValue(random, filter[name])
		}
	}
	if absent := pick(random, []string{"status", "consentedOn", "search", "and", "or", "not", "isDirectLead", "channelId", "ids", "companyName", "addresses"}); random.IntN(4) == 0 {
		if _, given := filter[absent]; !given {
			other[absent] = nil
		}
	}
	return other
}

func spelledValue(random *rand.Rand, value any) any {
	switch value := value.(type) {
	case []string:
		if len(value) == 1 && random.IntN(2) == 0 {
			return value[0]
		}
	case []oracle.Object:
		inner := make([]oracle.Object, len(value))
		for i, filter := range value {
			inner[i] = spelled(random, filter)
		}
		if len(inner) == 1 && random.IntN(2) == 0 {
			return inner[0]
		}
		return inner
	case oracle.Object:
		from, to := value["from"], value["to"]
		if from == nil && to == nil {
			return spelled(random, value) // the filter of a not
		}
		if random.IntN(2) == 0 {
			return oracle.Object{"from": from, "to": to}
		}
	}
	return value
}

// listOrOne returns a list of one value as that value, half of the time.
func (m *Maker) listOrOne(values []string) any {
	if len(values) == 1 && m.one(2) {
		return values[0]
	}
	return values
}

// enums are the arguments and members whose values are enums.
var enums = []string{"status", "field", "direction", "validationStatus"}

// literalOf writes a value in the language of documents. The name is that of the
// member that holds the value.
func literalOf(name string, value any) string {
	switch value := value.(type) {
	case []string:
		parts := make([]string, len(value))
		for i, text := range value {
			parts[i] = literalOf(name, text)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case []oracle.Object:
		parts := make([]string, len(value))
		for i, object := range value {
			parts[i] = literalOf(name, object)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case oracle.Object:
		var parts []string
		for _, member := range slices.Sorted(maps.Keys(value)) {
			parts = append(parts, member+": "+literalOf(member, value[member]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case string:
		if slices.Contains(enums, name) {
			return value
		}
	}
	text, err := json.Marshal(value)
	if err != nil { // there are only texts, numbers, truth values and null
		panic(fmt.Sprintf("%v: %v", value, err))
	}
	return string(text)
}
