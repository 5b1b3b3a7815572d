package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
)

const (
	tokenIssuer   = "https://login.example/bench"
	tokenAudience = "api://leadgraph"
	tokenKey      = "bench"
	tokenLife     = 2 * time.Hour // longer than any run
	callers       = 8             // whose requests come in turns
)

// identity is an identity provider: it publishes its key, and its callers have tokens
// that may read everything.
type identity struct {
	url    string // of the key set
	tokens []string
	server *http.Server
}

// newIdentity starts an identity provider on the loopback.
func newIdentity(ctx context.Context) (*identity, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	public, err := jwkset.NewJWKFromKey(&key.PublicKey, jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{KID: tokenKey, USE: jwkset.UseSig}})
	if err != nil {
		return nil, err
	}
	keys, err := json.Marshal(map[string]any{"keys": []any{public.Marshal()}})
	if err != nil {
		return nil, err
	}
	i := &identity{}
	for n := range callers {
		token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
			"iss": tokenIssuer, "aud": tokenAudience, "sub": fmt.Sprint("caller ", n), "scp": "leads.read leads.pii",
			"nbf": time.Now().Add(-time.Minute).Unix(), "exp": time.Now().Add(tokenLife).Unix(),
		})
		token.Header["kid"] = tokenKey
		text, err := token.SignedString(key)
		if err != nil {
			return nil, err
		}
		i.tokens = append(i.tokens, text)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	i.url = fmt.Sprintf("http://%s/keys", listener.Addr())
	i.server = &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(keys) // fails only if the client has left
	})}
	go func() { _ = i.server.Serve(listener) }() // ends when stop closes it
	return i, nil
}

// stop does nothing for nil.
func (i *identity) stop() error {
	if i == nil {
		return nil
	}
	if err := i.server.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// flags make leadgraph ask its callers for tokens of the identity provider.
func (i *identity) flags() []string {
	return []string{"--auth", "jwt", "--jwt-issuer", tokenIssuer, "--jwt-audience", tokenAudience, "--jwks-url", i.url}
}
