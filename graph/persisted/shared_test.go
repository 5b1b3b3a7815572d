package persisted_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"leadgraph/graph/persisted"
)

// common is a Store that counts what it is asked.
type common struct {
	documents  map[string]string
	gets, puts int
}

func (c *common) Get(_ context.Context, hash string) (string, bool) {
	c.gets++
	document, ok := c.documents[hash]
	return document, ok
}

func (c *common) Put(_ context.Context, hash, document string) {
	c.puts++
	c.documents[hash] = document
}

func (c *common) want(t *testing.T, gets, puts int) {
	t.Helper()
	if c.gets != gets || c.puts != puts {
		t.Errorf("asked for %d times and given %d times, want %d and %d", c.gets, c.puts, gets, puts)
	}
}

// Two replicas know what one of them was given. What a replica knows it asks nobody for.
func TestReplicasKnowTheSameDocuments(t *testing.T) {
	t.Parallel()
	between := &common{documents: map[string]string{}}
	documents := func() *persisted.Documents {
		return &persisted.Documents{Automatic: persisted.NewShared(persisted.NewMemory(1<<20), between, time.Hour)}
	}
	a, b := documents(), documents()
	ask := `{"extensions":` + extension(hashOf(text)) + `}`
	register := `{"query":` + quote(text) + `,"extensions":` + extension(hashOf(text)) + `}`
	if _, code, _ := send(t, b, ask); code != "PERSISTED_QUERY_NOT_FOUND" {
		t.Errorf("code %s", code)
	}
	between.want(t, 1, 0)
	for range 3 {
		send(t, a, register)
	}
	between.want(t, 1, 1)
	for range 3 {
		if query, code, _ := send(t, b, ask); query != text {
			t.Errorf("query %q, code %s", query, code)
		}
		send(t, a, ask)
	}
	between.want(t, 2, 1)
	if send(t, b, `{"query":"{ leads { id } }"}`); between.gets != 2 {
		t.Error("a request without a hash was looked up")
	}
	if send(t, b, `{"documentId":"`+strings.Repeat("x", 64)+`"}`); between.gets != 2 {
		t.Error("what is no hash was looked up")
	}
	only := &persisted.Documents{Automatic: b.Automatic, Trusted: load(t, "relay.json"), TrustedOnly: true}
	if _, code, _ := send(t, only, ask); code != "PERSISTED_QUERY_REQUIRED" || between.gets != 2 {
		t.Errorf("code %s after %d gets", code, between.gets)
	}
}

// A document in use is given again now and then, so that it does not expire.
func TestDocumentsInUseAreRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		between := &common{documents: map[string]string{}}
		s := persisted.NewShared(persisted.NewMemory(1<<20), between, time.Hour)
		s.Put(t.Context(), "hash", text)
		for range 180 { // 3 h
			if _, ok := s.Get(t.Context(), "hash"); !ok {
				t.Fatal("not known")
			}
			<-time.After(time.Minute)
		}
		between.want(t, 0, 3)
		other := persisted.NewShared(persisted.NewMemory(1<<20), between, time.Hour)
		for range 90 {
			if _, ok := other.Get(t.Context(), "hash"); !ok {
				t.Fatal("not known")
			}
			<-time.After(time.Minute)
		}
		between.want(t, 1, 4)
	})
}
