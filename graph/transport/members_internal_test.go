package transport

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
)

// FuzzMembers compares the members of an object, and their values, with encoding/json.
func FuzzMembers(f *testing.F) {
	for _, seed := range []string{
		`{}`, ` {"a" : "b" , "c":{"d":["]}",{}]},"e":-1.5e3 , "f":null,"g":[ ]}` + "\n", `{"a":1,"a":2}`, `{"a":"b","\u0061":"c"}`,
		`{"query":"{ a(b: \"}\\\") }","variables":{"id":"x","n":12345678901234567890}}`, "{\"\xff\":\"\xfe\"}", `{"a":"\ud800"}`, `{"é":"ü"}`,
		`null`, `[]`, `"a"`, `{"a":tru}`, `{"a":1}{`, `{"a":1} 2`, ``, ` `, "\ufeff{}", `{"a":true,"b":false}`, `{"v":{"r":[{"__typename":"Lead","id":"\u0061"},{}],"s":["x",[]]}}`, `{"v":{"a":[{"b":["c"]}]}}`, `{"v":[{"a":"1","b":"x"},{"a":"1"},{"a":[1]},{"b":"y"}]}`, `{"v":{"r":[{"a":"1","b":"x"},{"a":"1"},{"a":"2","c":"1"}]}}`, `{"v":{"r":[{"a":"1"},{"a":[1]}]}}`, `{"v":{"a":[{"b":{"c":"d"}}]}}`, `{"a":[[[[]]]],"b":"\\"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var want map[string]any
		err := decode(text, &want)
		var got struct {
			A, B string
			V    map[string]any
		}
		if decodeMembers(text, nil) == nil != (err == nil) {
			t.Fatalf("decodeMembers and encoding/json disagree: %v", err)
		}
		if err != nil {
			return
		}
		found := map[string]any{}
		for name, value := range members(trim(text)) {
			var v any
			if err := decode(value, &v); err != nil {
				t.Fatalf("%q: %q: %v", name, value, err)
			}
			found[string(name)] = v
		}
		if len(found)+len(want) > 0 && !reflect.DeepEqual(found, want) {
			t.Fatalf("members are %v, want %v", found, want)
		}
		for name, into := range map[string]any{"a": &got.A, "b": &got.B, "v": &got.V} {
			value, err := json.Marshal(want[name])
			if err != nil {
				t.Fatal(err)
			}
			expected := reflect.New(reflect.TypeOf(into).Elem()).Interface()
			failed := want[name] != nil && decode(value, expected) != nil
			if decodeMembers(text, []member{{name, into}}) != nil != failed {
				t.Fatalf("%q: refused: %t", name, !failed)
			}
			if !failed && !reflect.DeepEqual(into, expected) {
				t.Fatalf("%q is %v, want %v", name, into, expected)
			}
		}
	})
}

func TestWhatRequestsUsuallySendIsDecodedWithFewAllocations(t *testing.T) { //nolint:paralleltest // others would be counted
	body := []byte(`{"query":"query($id: UUID!) { lead(tenantId: $id) { id } }","variables":{"id":"6a7c0e81-4b3d-4f92-ae15-c9d8f7b6e510"}}`)
	most := 10.0 // the parameters, the query, the variables and their names and values
	if n := testing.AllocsPerRun(100, func() {
		if _, err := decodeParams(bytes.Clone(body)); err != nil {
			t.Fatal(err)
		}
	}); n > most {
		t.Errorf("%v allocations, want at most %v", n, most)
	}
}
