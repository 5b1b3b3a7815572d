package main

import (
	"log/slog"
	"testing"

	"leadgraph/internal/auth"
)

func TestCallersMayReadEverything(t *testing.T) {
	t.Parallel()
	id, err := newIdentity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = id.stop() }()
	judge, err := auth.New(auth.Options{
		Mode: auth.JWT, Issuers: []string{tokenIssuer}, Audiences: []string{tokenAudience}, KeysURL: id.url, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer judge.Close()
	for i, token := range id.tokens {
		caller, refused := judge.AuthenticateToken(t.Context(), token)
		if refused != nil || !caller.CanRead || !caller.CanPII {
			t.Errorf("caller %d: %+v, refused: %+v", i, caller, refused)
		}
	}
}
