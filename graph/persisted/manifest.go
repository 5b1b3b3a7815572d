package persisted

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"leadgraph/graph/limits"
	"leadgraph/internal/plaintext"
)

// Manifest holds trusted documents. Only Reload changes it. It is safe for
// concurrent use.
type Manifest struct {
	paths   []string
	schema  *ast.Schema
	current atomic.Pointer[contents]
}

// contents are the documents of all files at one time.
type contents struct {
	documents  map[string]string // by identifier and by hash
	operations []string
}

// document is an operation of Apollo's manifest.
type document struct {
	ID   string `json:"id"`
	Body string `json:"body"`
}

// Load reads manifests of Apollo, Relay and graphql-codegen. Those of Relay and
// graphql-codegen are JSON objects that map identifiers to texts. Each document
// is found by its identifier and by the SHA-256 hash of its text. Load fails if
// it cannot read a file, a document is not valid for the schema, an identifier
// has two texts, or an identifier with the prefix sha256: is not the hash of
// its text. The error lists all such documents by file and identifier.
func Load(paths []string, schema *ast.Schema) (*Manifest, error) {
	m := &Manifest{paths: paths, schema: schema}
	if err := m.Reload(); err != nil {
		return nil, err
	}
	return m, nil
}

// Reload reads the files again. After an error, which is that of Load, the
// documents stay as they were.
func (m *Manifest) Reload() error {
	read := &contents{documents: map[string]string{}}
	var faults []error
	for _, path := range m.paths {
		documents, err := readFile(path)
		if err != nil {
			faults = append(faults, err)
		}
		for _, d := range documents {
			if err := read.add(d, m.schema); err != nil {
				faults = append(faults, fmt.Errorf("manifest %s: document %.80q: %w", path, d.ID, err))
			}
		}
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	m.current.Store(read)
	return nil
}

// Operations returns the names of the operations in the documents, and nil for
// a nil manifest.
func (m *Manifest) Operations() []string {
	if m == nil {
		return nil
	}
	return m.current.Load().operations
}

// lookup returns the document with an identifier, which has no hashPrefix.
func (m *Manifest) lookup(id string) (string, bool) {
	if m == nil {
		return "", false
	}
	document, ok := m.current.Load().documents[id]
	return document, ok
}

func (m *contents) add(d document, schema *ast.Schema) error {
	hash := hashOf(d.Body)
	id, isPrefixed := strings.CutPrefix(d.ID, hashPrefix)
	switch {
	case id == "":
		return errors.New("the identifier is empty")
	case isPrefixed && id != hash:
		return errors.New("the identifier is not the hash of the text")
	}
	for _, key := range []string{id, hash} {
		if known, ok := m.documents[key]; ok && known != d.Body {
			return errors.New("the identifier also belongs to another text")
		}
	}
	operations, err := validate(d.Body, schema)
	if err != nil {
		return err
	}
	for _, operation := range operations {
		if operation.Name != "" {
			m.operations = append(m.operations, operation.Name)
		}
	}
	m.documents[id], m.documents[hash] = d.Body, d.Body
	return nil
}

// validate returns the operations of a document, or an error with its position.
// The parser's messages can repeat a part of the document of any length, so
// they are truncated.
func validate(text string, schema *ast.Schema) (ast.OperationList, error) {
	query, errs := gqlparser.LoadQueryWithRules(schema, text, limits.Defaults())
	if len(errs) > 0 {
		first, where := errs[0], ""
		if len(first.Locations) > 0 {
			where = fmt.Sprintf("line %d, column %d: ", first.Locations[0].Line, first.Locations[0].Column)
		}
		return nil, fmt.Errorf("%s%.160s", where, first.Message)
	}
	if len(query.Operations) == 0 {
		return nil, errors.New("the document has no operation")
	}
	return query.Operations, nil
}

func readFile(path string) ([]document, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	documents, err := parse(plaintext.Decode(data))
	if err != nil {
		return nil, fmt.Errorf("manifest %s: %w", path, err)
	}
	return documents, nil
}

// parse reads a manifest of any format, in the order of the file.
func parse(data []byte) ([]document, error) {
	members, err := membersOf(data)
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		if m.name == "format" && string(m.value) == `"apollo-persisted-query-manifest"` {
			return parseApollo(data)
		}
	}
	documents := make([]document, len(members))
	for i, m := range members {
		documents[i].ID = m.name
		if json.Unmarshal(m.value, &documents[i].Body) != nil {
			return nil, fmt.Errorf("member %.80q is not a string", m.name)
		}
	}
	return documents, nil
}

func parseApollo(data []byte) ([]document, error) {
	var manifest struct {
		Version    int        `json:"version"`
		Operations []document `json:"operations"`
	}
	if json.Unmarshal(data, &manifest) != nil {
		return nil, errors.New("a member of Apollo's format has the wrong type")
	}
	if manifest.Version != 1 {
		return nil, fmt.Errorf("version %d of Apollo's format is not supported", manifest.Version)
	}
	return manifest.Operations, nil
}

type member struct {
	name  string
	value json.RawMessage
}

// membersOf splits a JSON object. A map would keep only one of two members with
// the same name and hide that they differ.
func membersOf(data []byte) ([]member, error) {
	if err := json.Unmarshal(data, &json.RawMessage{}); err != nil { // a syntax error, which names no type
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	var members []member
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		m := member{name: name.(string)}
		if err := decoder.Decode(&m.value); err != nil {
			return nil, err
		}
		members = append(members, m)
	}
	return members, nil
}
