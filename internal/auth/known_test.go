package auth_test

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"

	"leadgraph/internal/auth"
)

// TestKnownTokensAreJudgedAgain accepts tokens, and then lets their time pass, or the key
// that signed one be withdrawn. Each is accepted a second time, from memory.
func TestKnownTokensAreJudgedAgain(t *testing.T) {
	t.Parallel()
	i, s, other := newIssuer(t), newSigner(t, "k"), newSigner(t, "other")
	i.publish(t, "k", s.key.Public(), "sig")
	i.publish(t, "other", other.key.Public(), "sig")
	var now atomic.Pointer[time.Time]
	at := func(passed time.Duration) { now.Store(new(start.Add(passed))) }
	at(0)
	a := open(t, i, func(o *auth.Options) {
		o.Now = func() time.Time { return *now.Load() }
		o.RefreshGap = time.Millisecond
	})
	short := s.sign(t, jwt.MapClaims{"exp": start.Add(time.Minute).Unix(), "sub": "short"})
	long, withdrawn := s.sign(t, nil), other.sign(t, nil)
	for range 2 {
		for _, token := range []string{short, long, withdrawn} {
			mustAccept(t, a, token)
		}
		// A token with the same claims and another signature is another token.
		if _, refusal := a.AuthenticateToken(t.Context(), newSigner(t, "k").sign(t, nil)); refusal == nil {
			t.Error("a forged token is accepted")
		}
	}
	at(10 * time.Minute)
	if _, refusal := a.AuthenticateToken(t.Context(), short); refusal == nil {
		t.Error("a token is accepted after it has expired")
	}
	mustAccept(t, a, long)
	i.set(func() {
		i.published = slices.DeleteFunc(i.published, func(key jwkset.JWKMarshal) bool { return key.KID == "other" })
	})
	unknown := newSigner(t, "unknown").sign(t, nil)
	for reads := i.readCount(); i.readCount() == reads; {
		_, _ = a.AuthenticateToken(t.Context(), unknown) // lets the keys be read again, at most once in a while
	}
	if _, refusal := a.AuthenticateToken(t.Context(), unknown); refusal == nil {
		t.Error("a token with an unknown key is accepted")
	}
	if _, refusal := a.AuthenticateToken(t.Context(), withdrawn); refusal == nil {
		t.Error("a token is accepted after its key was withdrawn")
	}
	mustAccept(t, a, long)
}
