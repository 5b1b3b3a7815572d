package persisted_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"leadgraph/graph/persisted"
	"leadgraph/internal/plaintext/plaintexttest"
)

func schema(t testing.TB) *ast.Schema {
	t.Helper()
	text, err := os.ReadFile("testdata/schema.graphqls")
	if err != nil {
		t.Fatal(err)
	}
	return gqlparser.MustLoadSchema(&ast.Source{Input: string(text)})
}

func load(t testing.TB, names ...string) *persisted.Manifest {
	t.Helper()
	paths := make([]string, len(names))
	for i, name := range names {
		paths[i] = filepath.Join("testdata", name)
	}
	manifest, err := persisted.Load(paths, schema(t))
	if err != nil {
		t.Fatal(err)
	}
	return manifest
}

// relayText is the only document of relay.json.
func relayText(t testing.TB) string {
	t.Helper()
	data, err := os.ReadFile("testdata/relay.json")
	if err != nil {
		t.Fatal(err)
	}
	var documents map[string]string
	if err := json.Unmarshal(data, &documents); err != nil {
		t.Fatal(err)
	}
	for _, text := range documents {
		return text
	}
	t.Fatal("relay.json is empty")
	return ""
}

func TestFormats(t *testing.T) {
	t.Parallel()
	const page, one, status = "query Page", "query One", "query Status"
	for name, ids := range map[string]map[string]string{
		"apollo.json":  {hashOf(text): one, "page-of-leads": page},
		"relay.json":   {"c79d0145fd074d2c517ec4343d2620f5": page, "sha256:" + hashOf(relayText(t)): page},
		"codegen.json": {"sha256:248e9686a11b71360701912aca4103c00192db1aa7ea28c185d66df4cf7896dc": status, "248e9686a11b71360701912aca4103c00192db1aa7ea28c185d66df4cf7896dc": status, "692daff0f74179555da0e83bcf80b17b3b5fa7b3": one, hashOf(text): one},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := &persisted.Documents{Trusted: load(t, name)}
			for _, operation := range d.Trusted.Operations() {
				if !slices.Contains(slices.Collect(maps.Values(ids)), "query "+operation) {
					t.Errorf("operation %q", operation)
				}
			}
			if len(d.Trusted.Operations()) == 0 {
				t.Error("no operations")
			}
			for id, want := range ids {
				params := &graphql.RawParams{}
				if _, err := d.Resolve(t.Context(), params, id); err != nil || !strings.HasPrefix(params.Query, want) {
					t.Errorf("%s: query %q, error %v; want %s", id, params.Query, err, want)
				}
			}
		})
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	const valid, other = `{ leads { id } }`, `{ leads { status } }`
	apollo := func(operations string) string {
		return `{"format":"apollo-persisted-query-manifest","version":1,"operations":` + operations + `}`
	}
	for name, c := range map[string]struct {
		files []string
		want  []string // parts of the error
	}{
		"not JSON":            {[]string{`{"a":`}, []string{"0.json: unexpected end of JSON input"}},
		"a list":              {[]string{`[]`}, []string{"0.json: not a JSON object"}},
		"a number for a text": {[]string{`{"a":7}`}, []string{`0.json: member "a" is not a string`}},
		"two values":          {[]string{`{} {}`}, []string{"0.json: invalid character"}},
		"Apollo's next":       {[]string{`{"format":"apollo-persisted-query-manifest","version":2}`}, []string{"0.json: version 2"}},
		"Apollo's, malformed": {[]string{apollo(`{}`)}, []string{"0.json: a member of Apollo's format has the wrong type"}},
		"Apollo's, no id":     {[]string{apollo(`[{"body":"{ leads { id } }"}]`)}, []string{`document "": the identifier is empty`}},
		"no text":             {[]string{`{"a":null}`}, []string{`document "a": the document has no operation`}},
		"fragment alone":      {[]string{`{"a":"fragment F on Lead { id }"}`}, []string{`document "a"`}},
		"syntax":              {[]string{`{"a":"{ leads {"}`}, []string{`document "a": line 1, column `, "Expected Name"}},
		"schema":              {[]string{`{"a":"{\n  leads { nothing }\n}"}`}, []string{`document "a": line 2, column 11: `, `"nothing"`}},
		"wrong hash":          {[]string{`{"sha256:00":` + quote(valid) + `}`}, []string{`document "sha256:00": the identifier is not the hash of the text`}},
		"empty prefixed id":   {[]string{`{"sha256:":` + quote(valid) + `}`}, []string{`document "sha256:": the identifier is empty`}},
		"twice in a file":     {[]string{`{"a":` + quote(valid) + `,"a":` + quote(other) + `}`}, []string{`document "a": the identifier also belongs to another text`}},
		"twice in two files":  {[]string{`{"a":` + quote(valid) + `}`, apollo(`[{"id":"a","body":` + quote(other) + `}]`)}, []string{`1.json: document "a": the identifier also belongs to another text`}},
		"a hash for a name":   {[]string{`{"a":` + quote(valid) + `,"` + hashOf(valid) + `":` + quote(other) + `}`}, []string{"also belongs to another text"}},
		"all faults":          {[]string{`{"a":"","b":` + quote(valid) + `,"c":"{"}`, `7`}, []string{`"a"`, `"c"`, "1.json: not a JSON object"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := persisted.Load(write(t, c.files...), schema(t))
			if err == nil {
				t.Fatal("no error")
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q, want %q in it", err, part)
				}
			}
		})
	}
}

func write(t *testing.T, files ...string) []string {
	t.Helper()
	paths := make([]string, len(files))
	for i, content := range files {
		paths[i] = filepath.Join(t.TempDir(), string(rune('0'+i))+".json")
		if err := os.WriteFile(paths[i], []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return paths
}

func TestLoadKeepsErrorsShort(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 10_000)
	_, err := persisted.Load(write(t, `{"`+long+`":"{ `+long+` }"}`, `{"`+long+`":7}`), schema(t))
	if err == nil || len(err.Error()) > 1000 {
		t.Errorf("error of %d bytes", len(err.Error()))
	}
	if _, err := persisted.Load([]string{"testdata/none.json"}, schema(t)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}

func TestLoadTakesTheSameTextTwice(t *testing.T) {
	t.Parallel()
	files := write(t, `{"a":"{ leads { id } }","b":"{ leads { id } }"}`, `{"a":"{ leads { id } }"}`, `{}`)
	if _, err := persisted.Load(files, schema(t)); err != nil {
		t.Error(err)
	}
}

func TestManifestsInEveryEncoding(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"apollo.json", "relay.json", "codegen.json"} {
		plain, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		for encoding, text := range plaintexttest.Encodings(string(plain)) {
			path := filepath.Join(t.TempDir(), name)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			trusted, err := persisted.Load([]string{path}, schema(t))
			if err != nil || !slices.Equal(trusted.Operations(), load(t, name).Operations()) {
				t.Errorf("%s in %s: %v", name, encoding, err)
			}
		}
	}
}
