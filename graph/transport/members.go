package transport

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"
)

func decodeParams(text []byte) (*operationParams, error) {
	params := &operationParams{}
	return params, decodeMembers(text, []member{
		{"query", &params.Query},
		{"operationName", &params.OperationName},
		{"variables", &params.Variables},
		{"extensions", &params.Extensions},
		{"documentId", &params.DocumentID},
	})
}

// member is a member of a JSON object and a pointer to its value.
type member struct {
	name string
	into any
}

// wrongType is the name of a member whose value has the wrong type.
type wrongType string

// Error returns one sentence.
func (name wrongType) Error() string { return string(name) + ": has the wrong type." }

var errNoObject = errors.New("not one JSON object")

// decodeMembers decodes up to 8 members of one JSON object. Their names must match
// exactly, while encoding/json takes "Query" for "query". Of several members of one name
// the last one counts, and others are ignored.
func decodeMembers(text []byte, wanted []member) error {
	text = trim(text)
	if !json.Valid(text) || text[0] != '{' && text[0] != 'n' {
		return errNoObject
	}
	var given [8][]byte
	for name, value := range members(text) {
		if at := slices.IndexFunc(wanted, func(m member) bool { return m.name == string(name) }); at >= 0 {
			given[at] = value
		}
	}
	for i, m := range wanted {
		if given[i] != nil && decodeMember(given[i], m.into) != nil {
			return wrongType(m.name)
		}
	}
	return nil
}

func decodeMember(value []byte, into any) error {
	switch into := into.(type) {
	case *string:
		if text, plain := plainText(value); plain {
			*into = text
			return nil
		}
	case *map[string]any:
		plain, _ := plainValue(value, nil)
		if object, isObject := plain.(map[string]any); isObject {
			*into = object
			return nil
		}
	}
	return decode(value, into)
}

// plainValue decodes the value that begins a text, which must be valid JSON, and returns
// what follows it. It returns nil for a value that does not consist of plain texts, as
// variables often do; for those it takes a quarter of the time of encoding/json. before is
// the item before it in a list: equal texts, such as the names of types, share their memory.
func plainValue(text []byte, before map[string]any) (value any, rest []byte) {
	switch text[0] {
	case '"':
		end := ValueEnd(text)
		if plain, ok := plainText(text[:end]); ok {
			return plain, text[end:]
		}
	case '{':
		return plainObject(trim(text[1:]), before)
	case '[':
		list := []any{}
		for rest = trim(text[1:]); rest[0] != ']'; rest = next(rest) {
			if value, rest = plainValue(rest, before); value == nil {
				return nil, nil
			}
			before, _ = value.(map[string]any)
			list = append(list, value)
		}
		return list, rest[1:]
	}
	return nil, nil
}

// plainObject is plainValue for the members of an object.
func plainObject(rest []byte, before map[string]any) (any, []byte) {
	object := make(map[string]any, 2)
	for rest[0] != '}' {
		end := ValueEnd(rest)
		name := rest[1 : end-1]
		if bytes.IndexByte(name, '\\') >= 0 || !utf8.Valid(name) {
			return nil, nil
		}
		rest = trim(trim(rest[end:])[1:])
		value := before[string(name)]
		if known, isText := value.(string); isText && begins(rest, known) {
			rest = rest[len(known)+2:]
		} else if value, rest = plainValue(rest, nil); value == nil {
			return nil, nil
		}
		object[nameOf(name)] = value
		rest = next(rest)
	}
	return object, rest[1:]
}

// begins reports whether a JSON text begins with this plain text as a value.
func begins(text []byte, plain string) bool {
	end := len(plain) + 1
	return len(text) > end && text[0] == '"' && text[end] == '"' && string(text[1:end]) == plain
}

// next returns what follows the comma before the next item or member, if there is one.
func next(rest []byte) []byte {
	if rest = trim(rest); rest[0] == ',' {
		rest = trim(rest[1:])
	}
	return rest
}

// nameOf returns a name as a text, without a copy for those that come with each
// representation.
func nameOf(name []byte) string {
	switch string(name) {
	case "__typename":
		return "__typename"
	case "id":
		return "id"
	}
	return string(name)
}

// plainText decodes a JSON text without escapes, which most are.
func plainText(value []byte) (text string, plain bool) {
	if value[0] != '"' || bytes.IndexByte(value, '\\') >= 0 || !utf8.Valid(value) {
		return "", false
	}
	return string(value[1 : len(value)-1]), true
}

// members returns the members of a JSON object, or nothing for null. The text must be
// valid JSON.
func members(object []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		if object[0] != '{' {
			return
		}
		rest := trim(object[1:])
		for rest[0] == '"' {
			end := ValueEnd(rest)
			name := rest[1 : end-1]
			if bytes.IndexByte(name, '\\') >= 0 || !utf8.Valid(name) {
				var text string
				_ = json.Unmarshal(rest[:end], &text) // it is valid
				name = []byte(text)
			}
			rest = trim(trim(rest[end:])[1:])
			end = ValueEnd(rest)
			if !yield(name, rest[:end]) {
				return
			}
			rest = next(rest[end:])
		}
	}
}

func trim(text []byte) []byte { return bytes.TrimLeft(text, " \t\r\n") }

// ValueEnd returns where the value ends that begins a text. The text must be valid JSON up to
// there.
func ValueEnd[T string | []byte](text T) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			for i++; text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
			continue
		case '}', ']':
			depth--
		default:
			if depth > 0 || i+1 < len(text) && strings.IndexByte(",]} \t\r\n", text[i+1]) < 0 {
				continue
			}
		}
		if depth == 0 {
			return i + 1
		}
	}
	return len(text)
}

// decode decodes exactly one JSON value. Numbers stay text, so that large ones
// keep their digits until their type is known.
func decode(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = errors.New("more than one JSON value")
		}
		return err
	}
	return nil
}
