package auth_test

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/goleak"

	"leadgraph/internal/auth"
	"leadgraph/internal/plaintext/plaintexttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	issuerV1 = "https://sts.windows.net/3f1c/"
	issuerV2 = "https://login.microsoftonline.com/3f1c/v2.0"
	audience = "api://leadgraph"
)

// start is the time of the injected clock, unless a test advances it.
var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// issuer is an identity provider that signs tokens and publishes keys.
type issuer struct {
	server *httptest.Server

	mu        sync.Mutex
	published []jwkset.JWKMarshal
	raw       []json.RawMessage // published before them
	status    int
	reads     int
	encoding  string // of the published keys, as plaintexttest names it; UTF-8 if empty
	// hold, if set, delays each answer until it is closed.
	hold, arrived chan struct{}
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{status: http.StatusOK}
	i.server = httptest.NewServer(i)
	t.Cleanup(i.server.Close)
	return i
}

// ServeHTTP implements http.Handler.
func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	i.reads++
	hold, arrived := i.hold, i.arrived
	i.mu.Unlock()
	if hold != nil {
		select {
		case arrived <- struct{}{}:
		case <-r.Context().Done():
		}
		select {
		case <-hold:
		case <-r.Context().Done():
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	w.WriteHeader(i.status)
	all := []any{}
	for _, key := range i.raw {
		all = append(all, key)
	}
	for _, key := range i.published {
		all = append(all, key)
	}
	keys, _ := json.Marshal(map[string]any{"keys": all})                                         // keys have a JSON form
	_, _ = io.WriteString(w, plaintexttest.Encodings(string(keys))[cmp.Or(i.encoding, "UTF-8")]) // the client may be gone
}

func (i *issuer) set(change func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change()
}

func (i *issuer) readCount() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.reads
}

// publish adds a key to the published keys.
func (i *issuer) publish(t *testing.T, kid string, public crypto.PublicKey, use jwkset.USE) {
	t.Helper()
	key, err := jwkset.NewJWKFromKey(public, jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{KID: kid, USE: use}})
	if err != nil {
		t.Fatal(err)
	}
	i.set(func() { i.published = append(i.published, key.Marshal()) })
}

// signer signs with one key.
type signer struct {
	kid    string
	method jwt.SigningMethod
	key    crypto.Signer
}

func newSigner(t *testing.T, kid string) signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return signer{kid, jwt.SigningMethodRS256, key}
}

func newCurveSigner(t *testing.T, kid string) signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signer{kid, jwt.SigningMethodES256, key}
}

// sign returns a token that is valid for an hour and may read, with the given
// changes to its claims. A nil value removes a claim.
func (s signer) sign(t *testing.T, changes jwt.MapClaims) string {
	t.Helper()
	claims := jwt.MapClaims{
		"iss": issuerV2, "aud": audience, "sub": "dana.levi-canary", "scp": "leads.read",
		"nbf": start.Add(-time.Minute).Unix(), "exp": start.Add(time.Hour).Unix(),
	}
	for name, value := range changes {
		claims[name] = value
		if value == nil {
			delete(claims, name)
		}
	}
	token := jwt.NewWithClaims(s.method, claims)
	if s.kid != "" {
		token.Header["kid"] = s.kid
	}
	return signed(t, token, s.key)
}

func signed(t *testing.T, token *jwt.Token, key any) string {
	t.Helper()
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// open returns an Authenticator in mode JWT for the issuer.
func open(t *testing.T, i *issuer, change func(*auth.Options)) *auth.Authenticator {
	t.Helper()
	options := auth.Options{
		Mode: auth.JWT, Issuers: []string{issuerV1, issuerV2}, Audiences: []string{"other", audience},
		KeysURL: i.server.URL + "/keys", Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return start },
	}
	if change != nil {
		change(&options)
	}
	a, err := auth.New(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

// request returns a request with each of the given Authorization headers.
func request(t *testing.T, headers ...string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", nil)
	for _, header := range headers {
		r.Header.Add("Authorization", header)
	}
	return r
}
