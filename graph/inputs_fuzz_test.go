package graph_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/ast"
	"pgregory.net/rapid"

	"leadgraph/graph"
	"leadgraph/graph/generated"
	"leadgraph/graph/persisted"
	"leadgraph/internal/apptest"
	"leadgraph/upstream/sandbox"
)

// anyInput draws operations over the whole schema, with arguments and variables of
// which some are malformed.
type anyInput struct {
	*rapid.T
	schema    *ast.Schema
	sound     bool     // nothing is malformed on purpose
	declared  []string // variables, as "$v0: Int"
	values    []string // their values, as `"v0": 1`
	fragments []string
}

func (d *anyInput) oneOf(name string, values ...string) string {
	return rapid.SampledFrom(values).Draw(d.T, name)
}

func (d *anyInput) chance(name string, ofTen int) bool {
	return rapid.IntRange(1, 10).Draw(d.T, name) <= ofTen
}

// scalarTexts are values that are valid for some scalar, as JSON and as literals.
var scalarTexts = []string{
	"1e99999", "-1e-99999", "0.1e-400", strings.Repeat("9", 400), "-" + strings.Repeat("9", 40) + ".5", `"Active"`, `"active"`, `"ACTIVE "`, `"asc"`, `"consented_on"`, `"{}"`, `"null"`,
	"null", "true", "false", "0", "-0", "1", "-1", "3.0", "1.5", "1e3", "1e400", "2147483647", "2147483648", "-2147483649", "1180591620717411303424",
	`""`, `"1"`, `"abc"`, `"\u0000"`, `"\ud83d\ude00"`, `"%"`, `"2024-04-03T13:32:12Z"`, `"0001-01-01T00:00:00Z"`, `"9999-12-31T23:59:60Z"`, `"0000-01-01T00:00:00+23:59"`,
	`"` + seedTenant + `"`, `"` + fullTenant + `"`, `"` + noTenant + `"`, `"US"`, `"us"`, `"Lead"`, `"ACTIVE"`,
}

func validScalar(name string) []string {
	switch name {
	case "Int":
		return []string{"0", "1", "3", "-1", "2147483647"}
	case "Boolean":
		return []string{"true", "false"}
	case "UUID":
		return []string{`"` + seedTenant + `"`, `"` + fullTenant + `"`, `"` + noTenant + `"`}
	case "DateTime":
		return []string{`"2024-04-03T13:32:12Z"`, `"0001-01-01T00:00:00Z"`, `"2016-12-31T23:59:60.5Z"`, `"0000-01-01T00:00:00+23:59"`, `"9999-12-31T23:59:59-23:59"`}
	case "CountryCode":
		return []string{`"US"`, `"de"`}
	case "TimeZone":
		return []string{`"UTC"`, `"America/St_Johns"`}
	default:
		return []string{`""`, `"a"`, `"\u0000"`, `"\ud83d\ude00"`, `"Lead"`}
	}
}

// value draws the text of a value for a type, as JSON or as a literal, which may
// contain variables.
func (d *anyInput) value(expected *ast.Type, json bool, depth int) string {
	switch {
	case !d.sound && d.chance("malformed", 1):
		return d.malformed(json, 2)
	case !json && d.chance("variable", 3):
		return d.variable(expected, depth)
	case !expected.NonNull && d.chance("null", 2):
		return "null"
	case expected.Elem != nil && d.chance("list", 7):
		items := make([]string, rapid.IntRange(0, 3).Draw(d.T, "length"))
		for i := range items {
			items[i] = d.value(expected.Elem, json, depth-1)
		}
		return "[" + strings.Join(items, ", ") + "]"
	case expected.Elem != nil:
		return d.value(expected.Elem, json, depth-1)
	}
	definition := d.schema.Types[expected.NamedType]
	switch definition.Kind {
	case ast.Enum:
		name := definition.EnumValues[rapid.IntRange(0, len(definition.EnumValues)-1).Draw(d.T, "enum")].Name
		if json {
			return `"` + name + `"`
		}
		return name
	case ast.InputObject:
		var members []string
		for _, field := range definition.Fields {
			if depth > 0 && (field.Type.NonNull && field.DefaultValue == nil || d.chance("member", 3)) {
				members = append(members, memberName(field.Name, json)+d.value(field.Type, json, depth-1))
			}
		}
		return "{" + strings.Join(members, ", ") + "}"
	default:
		return d.oneOf("scalar", validScalar(definition.Name)...)
	}
}

func memberName(name string, json bool) string {
	if json {
		return `"` + name + `": `
	}
	return name + ": "
}

// malformed draws a value without regard to a type.
func (d *anyInput) malformed(json bool, depth int) string {
	switch kind := rapid.IntRange(0, 5).Draw(d.T, "kind"); {
	case kind == 0 && depth > 0:
		return "[" + d.malformed(json, depth-1) + ", " + d.malformed(json, depth-1) + "]"
	case kind == 4 && depth == 2 && d.chance("deep", 3): // lists or objects in each other
		levels := d.oneOf("levels", "2", "9", "40", "400")
		n, _ := strconv.Atoi(levels)
		if rapid.Bool().Draw(d.T, "lists") {
			return strings.Repeat("[", n) + d.malformed(json, 0) + strings.Repeat("]", n)
		}
		return strings.Repeat("{"+memberName(d.oneOf("name", "and", "or", "not"), json), n) + d.malformed(json, 0) + strings.Repeat("}", n)
	case kind == 1 && depth > 0:
		return "{" + memberName(d.oneOf("name", "and", "And", "from", "FROM", "status", "field", "x", "__typename", "tenantID"), json) + d.malformed(json, depth-1) + "}"
	case kind == 2 && !json:
		return d.oneOf("name", "ACTIVE", "Active", "active", "asc", "US", "ASC", "x", "null", "NULL", "True", `"""block"""`, "$undeclared")
	default:
		return d.oneOf("scalar", scalarTexts...)
	}
}

// variable declares a variable for a place of a type and returns its use.
func (d *anyInput) variable(expected *ast.Type, depth int) string {
	name, declared := fmt.Sprintf("v%d", len(d.declared)), *expected
	switch kind := rapid.IntRange(0, 5).Draw(d.T, "nullability"); {
	case kind == 0:
		declared.NonNull = true
	case d.sound:
	case kind == 1:
		declared.NonNull = false
	case kind == 2: // perhaps another type
		declared = *ast.NamedType(d.oneOf("type", "Int", "ID", "String", "UUID", "LeadFilter", "OrderDirection"), nil)
	}
	text := "$" + name + ": " + declared.String()
	d.declared = append(d.declared, text) // before the default, which may not declare another under this name
	if d.chance("default", 3) {
		inner := &anyInput{T: d.T, schema: d.schema, sound: d.sound}
		constant := inner.value(&declared, false, depth-1)
		if !strings.Contains(constant, "$") {
			d.declared[len(d.declared)-1] += " = " + constant
		}
	}
	if declared.NonNull && d.sound || d.chance("given", 7) {
		d.values = append(d.values, `"`+name+`": `+d.value(&declared, true, depth-1))
	}
	return "$" + name
}

func (d *anyInput) arguments(declared ast.ArgumentDefinitionList, often int) string {
	var given []string
	for _, argument := range declared {
		if argument.Type.NonNull && argument.DefaultValue == nil || d.chance("argument", often) {
			given = append(given, argument.Name+": "+d.value(argument.Type, false, 3))
		}
	}
	if len(given) == 0 {
		return ""
	}
	return "(" + strings.Join(given, ", ") + ")"
}

// directives draws the directives of a selection.
func (d *anyInput) directives(names ...string) string {
	text := ""
	for _, name := range names {
		if d.chance(name, 1) {
			text += " @" + name + d.arguments(d.schema.Directives[name].Arguments, 4)
		}
	}
	return text
}

// selections draws the selections on a type.
func (d *anyInput) selections(on *ast.Definition, depth int) string {
	text := []string{"__typename"}
	fields := slices.Clone(on.Fields)
	if on.Name != "Query" {
		fields = slices.DeleteFunc(fields, func(f *ast.FieldDefinition) bool { return strings.HasPrefix(f.Name, "__") })
	}
	for i := range rapid.IntRange(1, 3).Draw(d.T, "fields") {
		if len(fields) == 0 {
			break
		}
		field := fields[rapid.IntRange(0, len(fields)-1).Draw(d.T, "field")]
		inner, below := d.schema.Types[field.Type.Name()], ""
		if inner.IsCompositeType() {
			if depth == 0 {
				continue
			}
			below = " " + d.selections(inner, depth-1)
		}
		alias := fmt.Sprintf("f%d_%d: ", depth, i)
		one := alias + field.Name + d.arguments(field.Arguments, 3) + d.directives("skip", "include") + below
		switch rapid.IntRange(0, 7).Draw(d.T, "wrapped") {
		case 0:
			one = "..." + d.directives("skip", "include", "defer") + " { " + one + " }"
		case 1:
			name := fmt.Sprintf("F%d", len(d.fragments))
			d.fragments = append(d.fragments, "fragment "+name+" on "+on.Name+" { "+one+" }")
			one = "..." + name + d.directives("skip", "include", "defer")
		}
		text = append(text, one)
	}
	return "{ " + strings.Join(text, " ") + " }"
}

// body draws the body of a request.
func (d *anyInput) body() string {
	document := d.selections(d.schema.Query, 4)
	head := "query Q"
	if !d.sound && d.chance("kind", 1) {
		head = d.oneOf("kind of operation", "mutation Q", "subscription Q", "query", "\ufeffquery Q", "query Q @skip(if: true)", "query P { __typename } query Q", "fragment Q on Query")
	}
	if len(d.declared) > 0 {
		head += "(" + strings.Join(d.declared, ", ") + ")"
	}
	body := inputBody(head+" "+document+" "+strings.Join(d.fragments, " "), "{"+strings.Join(d.values, ", ")+"}")
	if !d.sound && d.chance("further member", 2) {
		body = body[:len(body)-1] + "," + d.oneOf("member", `"operationName":"Q"`, `"operationName":"q\ud800"`, `"operationName":1`, `"Query":"{"`, `"variables":null`, `"variables":[]`, `"query":null`,
			`"documentId":"\u0000"`, `"extensions":{"persistedQuery":{"version":1,"sha256Hash":"x"}}`, `"extensions":{"persistedQuery":[1e999]}`, `"x":`+strings.Repeat("[", 9999)+strings.Repeat("]", 9999)) + "}"
	}
	if !d.sound && d.chance("broken", 1) { // in any letter
		at := rapid.IntRange(0, len(body)-1).Draw(d.T, "at")
		body = body[:at] + d.oneOf("instead", "", "\x00", "\xff", `"`, "}", "null", "$", "1") + body[at+1:]
	}
	return body
}

// TestNoInputIsAnInternalError states that whatever a client sends is answered, or
// refused as the client's mistake.
func TestNoInputIsAnInternalError(t *testing.T) {
	t.Parallel()
	schema := generated.NewExecutableSchema(generated.Config{}).Schema()
	for _, textbook := range []bool{false, true} {
		s := newService(t, serviceOptions{
			sandbox: sandbox.Options{Leads: 20},
			graph: func(o *graph.Options) {
				o.Textbook, o.MaxBatch, o.Documents.Automatic = textbook, 2, persisted.NewMemory(1<<20)
			},
		})
		answered := 0
		rapid.Check(t, func(rt *rapid.T) {
			for range 5 {
				d := &anyInput{T: rt, schema: schema, sound: rapid.Bool().Draw(rt, "sound")}
				body := d.body()
				status, text := d.send(t, s, body)
				if status != http.StatusOK && status != http.StatusBadRequest || strings.TrimSpace(text) == "" {
					rt.Fatalf("status %d for %s: %s", status, body, text)
				}
				codes := errorCode.FindAllStringSubmatch(text, -1)
				if len(codes) == 0 {
					answered++
				}
				for _, code := range codes {
					if !slices.Contains(clientsMistakes, code[1]) {
						rt.Fatalf("%s: %s", body, text)
					}
				}
			}
			if log := s.log.String(); strings.Contains(log, `"level":"ERROR"`) || strings.Contains(log, `"level":"WARN"`) {
				rt.Fatalf("logged:\n%s", log)
			}
			s.log.Reset()
		})
		t.Logf("textbook %v: %d operations were answered without an error", textbook, answered)
		if answered == 0 {
			t.Error("no operation is valid")
		}
	}
}

// errorCode finds the codes of errors in an answer of any kind.
var errorCode = regexp.MustCompile(`"code":"(\w+)"`)

var clientsMistakes = []string{"BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED", "QUERY_TOO_COMPLEX", "PERSISTED_QUERY_NOT_FOUND"}

// send sends a request by any transport and returns the answer.
func (d *anyInput) send(t *testing.T, s service, body string) (status int, text string) {
	t.Helper()
	way := d.oneOf("way", "application/json", byPath, byID, "text/event-stream", "application/graphql-response+json", "batch", "GET", "WebSocket")
	switch query, readable := parameters(body); {
	case way == "batch":
		a := s.post(t, `[{"query":"{ __typename }"},`+body+`]`)
		return a.Status, a.Body
	case way == "WebSocket":
		return s.subscribeOnce(t, body)
	case way == "GET" && readable:
		a := get(t, s, query.Encode())
		return a.Status, a.Body
	default:
		a := s.post(t, body, "Accept", way+", application/json;q=0.1")
		return a.Status, a.Body
	}
}

// parameters returns the members of a request as those of a URL, if it is JSON.
func parameters(body string) (url.Values, bool) {
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(body), &members) != nil {
		return nil, false
	}
	query := url.Values{}
	for name, value := range members {
		var text string
		if json.Unmarshal(value, &text) != nil {
			text = string(value)
		}
		query.Set(name, text)
	}
	return query, true
}

// subscribeOnce runs an operation on a WebSocket of its own. A payload that is no
// request counts as refused.
func (s service) subscribeOnce(t *testing.T, payload string) (status int, text string) {
	t.Helper()
	c := apptest.OpenSocket(t, s.url)
	defer func() { _ = c.CloseNow() }()
	c.SetReadLimit(-1) // an answer may be long
	if err := c.Write(t.Context(), websocket.MessageText, []byte(`{"type":"subscribe","id":"1","payload":`+payload+`}`)); err != nil {
		t.Fatal(err)
	}
	_, answer, err := c.Read(t.Context())
	if err != nil {
		if websocket.CloseStatus(err) == 4400 {
			return http.StatusBadRequest, `{"code":"BAD_USER_INPUT"}`
		}
		t.Fatal(err, payload)
	}
	return http.StatusOK, string(answer)
}
