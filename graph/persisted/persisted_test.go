package persisted_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"leadgraph/graph/persisted"
	"leadgraph/internal/errcode"
)

const (
	text    = "query One($id: ID!) {\n  lead(id: $id) {\n    id\n  }\n}" // in the manifests
	unknown = "{ leads(first: 1) { id } }"
)

func hashOf(document string) string {
	sum := sha256.Sum256([]byte(document))
	return hex.EncodeToString(sum[:])
}

// request is a POST body as clients send it.
type request struct {
	graphql.RawParams
	DocumentID string `json:"documentId"`
}

func decode(t testing.TB, body string) *request {
	t.Helper()
	var r request
	decoder := json.NewDecoder(strings.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&r); err != nil {
		t.Fatalf("body: %v", err)
	}
	return &r
}

// send resolves a body and registers the result, as if every document were
// valid.
func send(t testing.TB, d *persisted.Documents, body string) (query, code, message string) {
	t.Helper()
	r := decode(t, body)
	registration, err := d.Resolve(t.Context(), &r.RawParams, r.DocumentID)
	if err != nil {
		return "", codeOf(err), err.Message
	}
	d.Register(t.Context(), registration)
	return r.Query, "", ""
}

func codeOf(err *gqlerror.Error) string {
	code, _ := err.Extensions["code"].(string)
	return code
}

func extension(hash string) string {
	return fmt.Sprintf(`{"persistedQuery":{"version":1,"sha256Hash":%q}}`, hash)
}

func TestResolve(t *testing.T) {
	t.Parallel()
	trusted := load(t, "apollo.json", "relay.json", "codegen.json")
	documents := map[string]func() *persisted.Documents{
		"automatic": func() *persisted.Documents {
			return &persisted.Documents{Automatic: persisted.NewMemory(1 << 20)}
		},
		"off":     func() *persisted.Documents { return &persisted.Documents{} },
		"trusted": func() *persisted.Documents { return &persisted.Documents{Trusted: trusted} },
		"both": func() *persisted.Documents {
			return &persisted.Documents{Trusted: trusted, Automatic: persisted.NewMemory(1 << 20)}
		},
		"only": func() *persisted.Documents {
			return &persisted.Documents{Trusted: trusted, Automatic: persisted.NewMemory(1 << 20), TrustedOnly: true}
		},
	}
	const (
		notFound     = "PERSISTED_QUERY_NOT_FOUND"
		notSupported = "PERSISTED_QUERY_NOT_SUPPORTED"
		required     = "PERSISTED_QUERY_REQUIRED"
		badInput     = "BAD_USER_INPUT"
	)
	h, u := hashOf(text), hashOf(unknown)
	query := `"query":` + quote(text)
	for name, c := range map[string]struct {
		documents, body string
		query           string // its prefix; empty if there is none
		code, message   string
	}{
		"text alone":           {"automatic", `{` + query + `}`, text, "", ""},
		"nothing":              {"automatic", `{}`, "", "", ""},
		"null extension":       {"automatic", `{` + query + `,"extensions":{"persistedQuery":null}}`, text, "", ""},
		"hash unknown":         {"automatic", `{"extensions":` + extension(h) + `}`, "", notFound, "PersistedQueryNotFound"},
		"hash empty query":     {"automatic", `{"query":"","extensions":` + extension(h) + `}`, "", notFound, "PersistedQueryNotFound"},
		"hash with text":       {"automatic", `{` + query + `,"extensions":` + extension(h) + `}`, text, "", ""},
		"urql's second try":    {"automatic", `{` + query + `,"extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + h + `","miss":true}}}`, text, "", ""},
		"wrong hash":           {"automatic", `{` + query + `,"extensions":` + extension(u) + `}`, "", badInput, "provided sha does not match query"},
		"hash in capitals":     {"automatic", `{` + query + `,"extensions":` + extension(strings.ToUpper(h)) + `}`, "", badInput, "provided sha does not match query"},
		"not a hash":           {"automatic", `{"extensions":` + extension("../"+h[3:]) + `}`, "", notFound, "PersistedQueryNotFound"},
		"too long a hash":      {"automatic", `{"extensions":` + extension(h+"0") + `}`, "", notFound, "PersistedQueryNotFound"},
		"version 2":            {"automatic", `{"extensions":{"persistedQuery":{"version":2,"sha256Hash":"` + h + `"}}}`, "", badInput, "Unsupported persisted query version"},
		"version as text":      {"automatic", `{"extensions":{"persistedQuery":{"version":"1","sha256Hash":"` + h + `"}}}`, "", badInput, "Unsupported persisted query version"},
		"version as object":    {"automatic", `{"extensions":{"persistedQuery":{"version":{},"sha256Hash":"` + h + `"}}}`, "", badInput, "Unsupported persisted query version"},
		"no version":           {"automatic", `{"extensions":{"persistedQuery":{"sha256Hash":"` + h + `"}}}`, "", badInput, "Unsupported persisted query version"},
		"no hash":              {"automatic", `{"extensions":{"persistedQuery":{"version":1}}}`, "", badInput, "extensions.persistedQuery.sha256Hash: must be a string."},
		"hash a number":        {"automatic", `{"extensions":{"persistedQuery":{"version":1,"sha256Hash":7}}}`, "", badInput, "extensions.persistedQuery.sha256Hash: must be a string."},
		"extension a text":     {"automatic", `{"extensions":{"persistedQuery":"` + h + `"}}`, "", badInput, "extensions.persistedQuery: must be an object."},
		"documentId registers": {"automatic", `{` + query + `,"documentId":"sha256:` + h + `"}`, text, "", ""},
		"documentId wrong":     {"automatic", `{` + query + `,"documentId":"sha256:` + u + `"}`, "", badInput, "documentId: must name the document in query."},
		"documentId unknown":   {"automatic", `{"documentId":"page"}`, "", notFound, "PersistedQueryNotFound"},
		"two names, one hash":  {"automatic", `{` + query + `,"documentId":"sha256:` + h + `","extensions":` + extension(h) + `}`, text, "", ""},
		"two names differ":     {"automatic", `{` + query + `,"documentId":"sha256:` + u + `","extensions":` + extension(h) + `}`, "", badInput, "documentId: must name the same document as extensions.persistedQuery."},

		"off, text alone": {"off", `{` + query + `}`, text, "", ""},
		"off, hash":       {"off", `{"extensions":` + extension(h) + `}`, "", notSupported, "PersistedQueryNotSupported"},
		"off, hash, text": {"off", `{` + query + `,"extensions":` + extension(h) + `}`, "", notSupported, "PersistedQueryNotSupported"},
		"off, documentId": {"off", `{"documentId":"sha256:` + h + `"}`, "", notSupported, "PersistedQueryNotSupported"},

		"trusted by Apollo's extension": {"trusted", `{"extensions":` + extension(h) + `}`, text, "", ""},
		"trusted by codegen's prefix":   {"trusted", `{"extensions":` + extension("sha256:"+h) + `}`, text, "", ""},
		"trusted by prefixed hash":      {"trusted", `{"documentId":"sha256:` + h + `"}`, text, "", ""},
		"trusted by SHA-1":              {"trusted", `{"documentId":"692daff0f74179555da0e83bcf80b17b3b5fa7b3"}`, text, "", ""},
		"trusted with the same text":    {"trusted", `{` + query + `,"documentId":"` + h + `"}`, text, "", ""},
		"trusted with another text":     {"trusted", `{"query":` + quote(unknown) + `,"documentId":"` + h + `"}`, "", badInput, "documentId: must name the document in query."},
		"trusted hash, another text":    {"trusted", `{"query":` + quote(unknown) + `,"extensions":` + extension(h) + `}`, "", badInput, "provided sha does not match query"},
		"untrusted text":                {"trusted", `{"query":` + quote(unknown) + `}`, unknown, "", ""},
		"untrusted documentId":          {"trusted", `{"documentId":"` + u + `"}`, "", notFound, "PersistedQueryNotFound"},
		"untrusted hash, no APQ":        {"trusted", `{"extensions":` + extension(u) + `}`, "", notSupported, "PersistedQueryNotSupported"},
		"untrusted hash, APQ":           {"both", `{"extensions":` + extension(u) + `}`, "", notFound, "PersistedQueryNotFound"},
		"untrusted hash, APQ, text":     {"both", `{"query":` + quote(unknown) + `,"extensions":` + extension(u) + `}`, unknown, "", ""},

		"only, trusted":           {"only", `{"documentId":"page-of-leads"}`, "query Page", "", ""},
		"only, trusted and text":  {"only", `{` + query + `,"extensions":` + extension(h) + `}`, text, "", ""},
		"only, text alone":        {"only", `{` + query + `}`, "", required, "documentId: must name a trusted document."},
		"only, nothing":           {"only", `{}`, "", required, "documentId: must name a trusted document."},
		"only, APQ":               {"only", `{"query":` + quote(unknown) + `,"extensions":` + extension(u) + `}`, "", required, "documentId: must name a trusted document."},
		"only, unknown":           {"only", `{"documentId":"nothing"}`, "", required, "documentId: must name a trusted document."},
		"only, trusted, not text": {"only", `{"query":` + quote(unknown) + `,"documentId":"` + h + `"}`, "", badInput, "documentId: must name the document in query."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, code, message := send(t, documents[c.documents](), c.body)
			if code != c.code || message != c.message {
				t.Fatalf("error %q %q, want %q %q", code, message, c.code, c.message)
			}
			if !strings.HasPrefix(got, c.query) || (got == "") != (c.query == "") {
				t.Errorf("query %q, want %q", got, c.query)
			}
		})
	}
}

func quote(document string) string {
	quoted, _ := json.Marshal(document) // a string has no error
	return string(quoted)
}

// The bodies are those that Apollo Client 4 and urql's persistedExchange send.
func TestAutomaticRoundTrip(t *testing.T) {
	t.Parallel()
	d := &persisted.Documents{Automatic: persisted.NewMemory(1 << 20)}
	hashOnly := `{"operationName":"One","variables":{"id":"1"},"extensions":` + extension(hashOf(text)) + `}`
	whole := `{"operationName":"One","variables":{"id":"1"},"query":` + quote(text) + `,"extensions":` + extension(hashOf(text)) + `}`

	if _, code, _ := send(t, d, hashOnly); code != errcode.PersistedNotFound {
		t.Fatalf("first request: code %q", code)
	}
	r := decode(t, whole)
	registration, err := d.Resolve(t.Context(), &r.RawParams, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, code, _ := send(t, d, hashOnly); code != errcode.PersistedNotFound {
		t.Fatalf("before the document proved valid: code %q", code)
	}
	d.Register(t.Context(), registration)
	for _, body := range []string{hashOnly, `{"documentId":"sha256:` + hashOf(text) + `"}`} {
		if got, code, _ := send(t, d, body); got != text {
			t.Errorf("registered: query %q, code %q", got, code)
		}
	}
	d.Register(t.Context(), persisted.Registration{}) // of a request that registers nothing
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	d := &persisted.Documents{Trusted: load(t, "apollo.json"), Automatic: persisted.NewMemory(4 << 10)}
	var clients sync.WaitGroup
	for client := range 8 {
		clients.Go(func() {
			for i := range 200 {
				document := fmt.Sprintf("{ leads(first: %d) { id } }", (client+i)%40)
				body := `{"extensions":` + extension(hashOf(document)) + `}`
				got, code, _ := send(t, d, body)
				if code == errcode.PersistedNotFound {
					got, code, _ = send(t, d, `{"query":`+quote(document)+`,`+body[1:])
				}
				if got != document {
					t.Errorf("query %q, code %q, want %q", got, code, document)
				}
				if got, _, _ := send(t, d, `{"extensions":`+extension(hashOf(text))+`}`); got != text {
					t.Errorf("trusted: query %q", got)
				}
			}
		})
	}
	clients.Wait()
}

// recorder is a Store that records its calls.
type recorder struct{ got, put []string }

func (r *recorder) Get(_ context.Context, hash string) (string, bool) {
	r.got = append(r.got, hash)
	return "", false
}

func (r *recorder) Put(_ context.Context, hash, document string) {
	r.put = append(r.put, hash, document)
}

func FuzzExtension(f *testing.F) {
	f.Add(`{"version":1,"sha256Hash":"`+hashOf(text)+`"}`, text, "")
	f.Add(`{"version":1,"sha256Hash":"`+hashOf(text)+`"}`, "", "sha256:"+hashOf(text))
	f.Add(`{"version":1.0,"sha256Hash":"sha256:"}`, unknown, "")
	f.Add(`{"version":{},"sha256Hash":[]}`, "", "sha256:sha256:")
	f.Add(`[null]`, text, "page")
	f.Fuzz(func(t *testing.T, extension, query, documentID string) {
		params := &graphql.RawParams{Query: query}
		decoder := json.NewDecoder(strings.NewReader(`{"persistedQuery":` + extension + `}`))
		decoder.UseNumber()
		if decoder.Decode(&params.Extensions) != nil {
			return
		}
		store := &recorder{}
		d := &persisted.Documents{Automatic: store}
		registration, err := d.Resolve(t.Context(), params, documentID)
		d.Register(t.Context(), registration)
		if params.Query != query {
			t.Errorf("query became %q", params.Query)
		}
		for _, hash := range store.got {
			if decoded, bad := hex.DecodeString(hash); bad != nil || len(decoded) != sha256.Size || hash != strings.ToLower(hash) {
				t.Errorf("the store was asked for %q", hash)
			}
		}
		if err != nil {
			if code := codeOf(err); code != errcode.PersistedNotFound && code != "BAD_USER_INPUT" {
				t.Errorf("code %q", code)
			}
			if len(store.put) != 0 {
				t.Error("refused and registered")
			}
		} else if len(store.put) != 0 && (store.put[0] != hashOf(query) || store.put[1] != query) {
			t.Errorf("registered %q", store.put)
		}
	})
}

func BenchmarkResolve(b *testing.B) {
	d := &persisted.Documents{Trusted: load(b, "relay.json"), Automatic: persisted.NewMemory(1 << 20)}
	send(b, d, `{"query":`+quote(unknown)+`,"extensions":`+extension(hashOf(unknown))+`}`)
	for name, body := range map[string]string{
		"trusted":   `{"documentId":"sha256:` + hashOf(relayText(b)) + `"}`,
		"automatic": `{"extensions":` + extension(hashOf(unknown)) + `}`,
	} {
		b.Run(name, func(b *testing.B) {
			r := decode(b, body)
			b.ReportAllocs()
			for b.Loop() {
				r.Query = ""
				if _, err := d.Resolve(b.Context(), &r.RawParams, r.DocumentID); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
