package operations

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"leadgraph/test/soak/oracle"
)

func TestLiteralsAreWritten(t *testing.T) {
	t.Parallel()
	for want, value := range map[string]any{
		`null`:                          nil,
		`7`:                             7,
		`"a\"b"`:                        `a"b`,
		`["a", "b"]`:                    []string{"a", "b"},
		`{direction: ASC}`:              oracle.Object{"direction": "ASC"},
		`{status: [ACTIVE]}`:            oracle.Object{"status": []string{"ACTIVE"}},
		`{tenantId: "x"}`:               oracle.Object{"tenantId": "x"},
		`{or: [{search: "a"}, {}]}`:     oracle.Object{"or": []oracle.Object{{"search": "a"}, {}}},
		`{hasCustomer: true, to: null}`: oracle.Object{"to": nil, "hasCustomer": true},
	} {
		if got := literalOf("", value); got != want {
			t.Errorf("%s instead of %s", got, want)
		}
	}
}

// TestSpellingsMeanTheSame undoes what another spelling may change.
func TestSpellingsMeanTheSame(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	filter := oracle.Object{
		"status": []string{"ACTIVE"}, "channelId": []string{"1", "2"}, "hasCustomer": true, "consentedOn": oracle.Object{"from": "2024-01-01T00:00:00Z"},
		"not": oracle.Object{"channelId": []string{"3"}}, "or": []oracle.Object{{"status": []string{"REMOVED"}}},
	}
	spellings := map[string]bool{}
	for range 200 {
		other := spelled(random, filter)
		spellings[literalOf("", other)] = true
		if again := plainSpelling(other); !reflect.DeepEqual(again, filter) {
			t.Fatalf("%v means %v instead of %v", other, again, filter)
		}
	}
	if len(spellings) < 20 {
		t.Errorf("only %d spellings", len(spellings))
	}
}

// plainSpelling drops nulls and makes lists of single values.
func plainSpelling(filter oracle.Object) oracle.Object {
	plain := oracle.Object{}
	for name, value := range filter {
		switch value := value.(type) {
		case nil:
		case string:
			if plain[name] = []string{value}; name == "from" || name == "to" {
				plain[name] = value
			}
		case oracle.Object:
			if plain[name] = plainSpelling(value); name == "or" {
				plain[name] = []oracle.Object{plainSpelling(value)}
			}
		case []oracle.Object:
			var all []oracle.Object
			for _, inner := range value {
				all = append(all, plainSpelling(inner))
			}
			plain[name] = all
		default:
			plain[name] = value
		}
	}
	return plain
}
