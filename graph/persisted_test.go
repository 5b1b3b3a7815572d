package graph_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"leadgraph/graph"
	"leadgraph/graph/generated"
	"leadgraph/graph/persisted"
	"leadgraph/internal/apptest"
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

// A subscription can be named by its hash over every transport.
func TestSubscriptionsByHash(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{graph: func(o *graph.Options) { o.Documents.Automatic = persisted.NewMemory(1 << 20) }})
	const document = `subscription { leadChanges { reset } }`
	named := fmt.Sprintf(`"extensions":{"persistedQuery":{"version":1,"sha256Hash":%q}}`, digest(document))
	first := func(accept, body string) string {
		t.Helper()
		_, stream := apptest.Open(t, s.url, body, "Accept", accept)
		for lines := bufio.NewScanner(stream); lines.Scan(); {
			if strings.Contains(lines.Text(), "{") {
				return lines.Text()
			}
		}
		return ""
	}
	if unknown := first("text/event-stream", `{`+named+`}`); !strings.Contains(unknown, "PERSISTED_QUERY_NOT_FOUND") {
		t.Errorf("unknown hash: %s", unknown)
	}
	const want = `{"data":{"leadChanges":{"reset":false}}}`
	for _, body := range []string{`{"query":"` + document + `",` + named + `}`, `{` + named + `}`} {
		for _, accept := range []string{"text/event-stream", `multipart/mixed;subscriptionSpec="1.0"`} {
			if got := first(accept, body); !strings.Contains(got, want) {
				t.Errorf("%s of %s: %s", accept, body, got)
			}
		}
	}
	c := s.open(t)
	c.send(frame{ID: "1", Type: "subscribe", Payload: json.RawMessage(`{` + named + `}`)})
	c.want(`{"type":"next","id":"1","payload":` + want + `}`)
}

// countingStore counts how often documents are asked for and kept.
type countingStore struct {
	persisted.Store
	gets, puts atomic.Int32
}

func (s *countingStore) Get(ctx context.Context, hash string) (string, bool) {
	s.gets.Add(1)
	return s.Store.Get(ctx, hash)
}

func (s *countingStore) Put(ctx context.Context, hash, document string) {
	s.puts.Add(1)
	s.Store.Put(ctx, hash, document)
}

// A request that names its document by a hash is resolved once, and registers nothing,
// whether the operation is compiled or not.
func TestADocumentIsResolvedOnce(t *testing.T) {
	t.Parallel()
	for _, document := range []string{counted, `{ lead(tenantId: "` + seedTenant + `") { id } }`} {
		store := &countingStore{Store: persisted.NewMemory(1 << 20)}
		s := newService(t, serviceOptions{graph: func(o *graph.Options) { o.Documents.Automatic = store }})
		byHash := map[string]any{"persistedQuery": map[string]any{"version": 1, "sha256Hash": digest(document)}}
		for i := range 3 {
			asked := map[string]any{"extensions": byHash}
			if i == 0 {
				asked["query"] = document
			}
			body, err := json.Marshal(asked)
			if err != nil {
				t.Fatal(err)
			}
			if a := s.post(t, string(body)); len(a.Errors) > 0 {
				t.Fatal(a.Body)
			}
		}
		if gets, puts := store.gets.Load(), store.puts.Load(); gets != 2 || puts != 1 {
			t.Errorf("%s: asked for %d times and kept %d times, want 2 and 1", document, gets, puts)
		}
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
