package graph_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"leadgraph/graph"
	"leadgraph/graph/generated"
	"leadgraph/graph/persisted"
)

const counted = `{ leadStats { total } }`

func digest(document string) string {
	sum := sha256.Sum256([]byte(document))
	return hex.EncodeToString(sum[:])
}

func TestAutomaticPersistedQueries(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{graph: func(o *graph.Options) { o.Documents.Automatic = persisted.NewMemory(1 << 20) }})
	extension := func(document string) string {
		return fmt.Sprintf(`"extensions":{"persistedQuery":{"version":1,"sha256Hash":%q}}`, digest(document))
	}
	ask := `{` + extension(counted) + `}`
	if a := s.post(t, ask); len(a.Errors) != 1 || a.Errors[0].Extensions["code"] != "PERSISTED_QUERY_NOT_FOUND" || a.Errors[0].Message != "PersistedQueryNotFound" {
		t.Errorf("unknown hash: %s", a.Body)
	}
	// An invalid document is not kept.
	s.post(t, `{"query":"{ nope }",`+extension("{ nope }")+`}`)
	if a := s.post(t, `{`+extension("{ nope }")+`}`); a.Errors[0].Extensions["code"] != "PERSISTED_QUERY_NOT_FOUND" {
		t.Errorf("an invalid document was kept: %s", a.Body)
	}
	if a := s.post(t, `{"query":"`+counted+`",`+extension(counted)+`}`); string(a.Data) != `{"leadStats":{"total":200}}` {
		t.Errorf("registering: %s", a.Body)
	}
	if a := s.post(t, ask); string(a.Data) != `{"leadStats":{"total":200}}` {
		t.Errorf("by hash: %s", a.Body)
	}
}

func TestOnlyTrustedDocumentsRun(t *testing.T) {
	t.Parallel()
	manifest := filepath.Join(t.TempDir(), "relay.json")
	if err := os.WriteFile(manifest, []byte(`{"stats-1":"`+counted+`"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	trusted, err := persisted.Load([]string{manifest}, generated.NewExecutableSchema(generated.Config{}).Schema())
	if err != nil {
		t.Fatal(err)
	}
	s := newService(t, serviceOptions{graph: func(o *graph.Options) {
		o.Documents = persisted.Documents{Trusted: trusted, TrustedOnly: true}
	}})
	if a := s.post(t, `{"documentId":"stats-1"}`); string(a.Data) != `{"leadStats":{"total":200}}` {
		t.Errorf("trusted: %s", a.Body)
	}
	if a := s.query(t, `{ leadStats { direct } }`); len(a.Errors) != 1 || a.Errors[0].Extensions["code"] != "PERSISTED_QUERY_REQUIRED" {
		t.Errorf("another: %s", a.Body)
	}
}
