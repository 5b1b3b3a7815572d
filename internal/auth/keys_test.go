package auth_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"leadgraph/internal/auth"
	"leadgraph/internal/plaintext/plaintexttest"
)

// mustAccept and mustRefuse authenticate one token.
func mustAccept(t *testing.T, a *auth.Authenticator, token string) {
	t.Helper()
	if _, refused := a.AuthenticateToken(t.Context(), token); refused != nil {
		t.Fatalf("refused: %+v", refused)
	}
}

func mustRefuse(t *testing.T, a *auth.Authenticator, token string, status int) *auth.Refusal {
	t.Helper()
	_, refused := a.AuthenticateToken(t.Context(), token)
	if refused == nil || refused.Status != status {
		t.Fatalf("refused with %+v, want %d", refused, status)
	}
	return refused
}

func mustHaveRead(t *testing.T, i *issuer, times int) {
	t.Helper()
	if got := i.readCount(); got != times {
		t.Fatalf("the keys were read %d times, want %d", got, times)
	}
}

func TestUnknownKeysCauseOneReadInAWhile(t *testing.T) {
	t.Parallel()
	i, old, next := newIssuer(t), newSigner(t, "old"), newSigner(t, "next")
	i.publish(t, "old", old.key.Public(), "sig")
	var elapsed atomic.Int64
	a := open(t, i, func(o *auth.Options) {
		o.Now = func() time.Time { return start.Add(time.Duration(elapsed.Load())) }
	})
	mustAccept(t, a, old.sign(t, nil))
	mustHaveRead(t, i, 1)

	unknown := newSigner(t, "unknown").sign(t, nil)
	for range 20 {
		mustRefuse(t, a, unknown, http.StatusUnauthorized)
	}
	mustHaveRead(t, i, 2)

	// The issuer changes its key. The new key is found a few seconds later.
	i.set(func() { i.published = nil })
	i.publish(t, "next", next.key.Public(), "sig")
	mustRefuse(t, a, next.sign(t, nil), http.StatusUnauthorized)
	mustHaveRead(t, i, 2)
	elapsed.Store(int64(5 * time.Second))
	mustAccept(t, a, next.sign(t, nil))
	mustHaveRead(t, i, 3)
	elapsed.Store(int64(time.Minute))
	mustRefuse(t, a, old.sign(t, nil), http.StatusUnauthorized) // the old key was revoked
}

func TestCallersWaitForTheSameRead(t *testing.T) {
	t.Parallel()
	i, old, next := newIssuer(t), newSigner(t, "old"), newSigner(t, "next")
	i.publish(t, "old", old.key.Public(), "sig")
	a := open(t, i, nil)
	i.publish(t, "next", next.key.Public(), "sig")
	hold := make(chan struct{})
	i.set(func() { i.hold, i.arrived = hold, make(chan struct{}, 1) })

	// The caller that triggered the read leaves. The others still get its result.
	leaving, leave := context.WithCancel(t.Context())
	token := next.sign(t, nil)
	var left, rest sync.WaitGroup
	left.Go(func() { _, _ = a.AuthenticateToken(leaving, token) })
	<-i.arrived
	leave()
	left.Wait()
	for range 8 {
		rest.Go(func() {
			if _, refused := a.AuthenticateToken(t.Context(), token); refused != nil {
				t.Errorf("refused: %+v", refused)
			}
		})
	}
	close(hold)
	rest.Wait()
	mustHaveRead(t, i, 2)
}

func TestKeysOutliveTheirEndpoint(t *testing.T) {
	t.Parallel()
	for name, breakIt := range map[string]func(*issuer){
		"failing": func(i *issuer) { i.status = http.StatusInternalServerError },
		"empty":   func(i *issuer) { i.published = nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i, s := newIssuer(t), newSigner(t, "k")
			i.publish(t, "k", s.key.Public(), "sig")
			a := open(t, i, nil)
			i.set(func() { breakIt(i) })
			mustRefuse(t, a, newSigner(t, "unknown").sign(t, nil), http.StatusUnauthorized)
			mustHaveRead(t, i, 2)
			mustAccept(t, a, s.sign(t, nil))
		})
	}
}

func TestStartsWhileTheEndpointIsDown(t *testing.T) {
	t.Parallel()
	i, s := newIssuer(t), newSigner(t, "k")
	i.publish(t, "k", s.key.Public(), "sig")
	i.set(func() { i.status = http.StatusServiceUnavailable })
	var elapsed atomic.Int64
	a := open(t, i, func(o *auth.Options) {
		o.Now = func() time.Time { return start.Add(time.Duration(elapsed.Load())) }
	})
	refused := mustRefuse(t, a, s.sign(t, nil), http.StatusServiceUnavailable)
	if refused.Code != "UPSTREAM_UNAVAILABLE" || refused.RetryAfter != 5*time.Second || refused.WWWAuthenticate != "" {
		t.Errorf("refused with %+v", refused)
	}
	i.set(func() { i.status = http.StatusOK })
	elapsed.Store(int64(5 * time.Second))
	mustAccept(t, a, s.sign(t, nil))
}

// TestFirstKeysAreReadSoon sends no request until the keys are read, because a
// server that is not ready gets none.
func TestFirstKeysAreReadSoon(t *testing.T) {
	t.Parallel()
	i, s := newIssuer(t), newSigner(t, "k")
	i.set(func() { i.status = http.StatusServiceUnavailable })
	a := open(t, i, func(o *auth.Options) { o.RefreshGap = time.Millisecond })
	if a.Ready() {
		t.Error("ready without keys")
	}
	i.publish(t, "k", s.key.Public(), "sig")
	i.set(func() { i.status = http.StatusOK })
	for !a.Ready() && t.Context().Err() == nil {
	}
	mustAccept(t, a, s.sign(t, nil))
}

func TestKeysAreReadByTheClock(t *testing.T) {
	t.Parallel()
	i, s := newIssuer(t), newSigner(t, "k")
	i.publish(t, "k", s.key.Public(), "sig")
	a := open(t, i, func(o *auth.Options) { o.RefreshInterval = time.Millisecond })
	hold := make(chan struct{})
	close(hold)
	i.set(func() { i.hold, i.arrived = hold, make(chan struct{}, 1) })
	<-i.arrived // without any request from a caller
	i.set(func() { i.hold = nil })
	mustAccept(t, a, s.sign(t, nil))
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	i, s := newIssuer(t), newSigner(t, "k")
	i.publish(t, "k", s.key.Public(), "sig")
	redirect := newIssuer(t)
	redirect.server.Config.Handler = http.RedirectHandler(i.server.URL, http.StatusFound)
	a := open(t, redirect, nil)
	mustRefuse(t, a, s.sign(t, nil), http.StatusServiceUnavailable)
	mustHaveRead(t, i, 0)
}

// Each of these is skipped, alone and before a good key of the same name.
func TestUnusableKeysAreSkipped(t *testing.T) {
	t.Parallel()
	const good, bad = "good", "bad"
	signs := newSigner(t, good)
	curve := newCurveSigner(t, good)
	whole := newIssuer(t)
	whole.publish(t, good, signs.key.Public(), "sig")
	whole.publish(t, good, curve.key.Public(), "sig")
	n, x := whole.published[0].N, whole.published[1].X
	for name, text := range map[string]string{
		"no object":           `7`,
		"null":                `null`,
		"list":                `[{"kty":"RSA"}]`,
		"empty":               `{}`,
		"kid is a number":     `{"kty":"RSA","kid":7,"n":"` + n + `","e":"AQAB"}`,
		"no kid":              `{"kty":"RSA","n":"` + n + `","e":"AQAB"}`,
		"no modulus":          `{"kty":"RSA","kid":"KID","e":"AQAB"}`,
		"modulus not base64":  `{"kty":"RSA","kid":"KID","n":"%%%","e":"AQAB"}`,
		"no point of a curve": `{"kty":"EC","crv":"P-256","kid":"KID","x":"` + x + `","y":"` + x + `"}`,
		"unknown curve":       `{"kty":"EC","crv":"P-999","kid":"KID","x":"` + x + `","y":"` + x + `"}`,
		"unknown type":        `{"kty":"PQC","kid":"KID","pub":"AA"}`,
		"Ed25519":             `{"kty":"OKP","crv":"Ed25519","kid":"KID","x":"` + x + `"}`,
		"symmetric":           `{"kty":"oct","kid":"KID","k":"c2VjcmV0"}`,
		"for encryption":      `{"kty":"RSA","use":"enc","kid":"KID","n":"` + n + `","e":"AQAB"}`,
		"unknown use":         `{"kty":"RSA","use":"tls","kid":"KID","n":"` + n + `","e":"AQAB"}`,
		"for signing only":    `{"kty":"RSA","key_ops":["sign"],"kid":"KID","n":"` + n + `","e":"AQAB"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t)
			for _, kid := range []string{bad, good} {
				i.raw = append(i.raw, json.RawMessage(strings.ReplaceAll(text, "KID", kid)))
			}
			i.publish(t, good, signs.key.Public(), "sig")
			i.publish(t, good, curve.key.Public(), "")
			a := open(t, i, nil)
			mustAccept(t, a, signs.sign(t, nil))
			mustAccept(t, a, curve.sign(t, nil))
			mustRefuse(t, a, signer{bad, signs.method, signs.key}.sign(t, nil), http.StatusUnauthorized)
		})
	}
}

// A key stays usable whatever its certificates and unknown members are.
func TestCertificatesOfKeysDoNotMatter(t *testing.T) {
	t.Parallel()
	i, signs := newIssuer(t), newSigner(t, "key")
	i.publish(t, "key", signs.key.Public(), "sig")
	text, err := json.Marshal(i.published[0])
	if err != nil {
		t.Fatal(err)
	}
	i.published = nil
	for _, others := range []string{`"x5c":["%"],"x5t":"x","issuer":["a"],`, `"x5c":"%","x5u":7,"x5t":[],"exp":"soon",`, `"x5c":null,"d":{},"oth":1,`} {
		i.set(func() { i.raw = []json.RawMessage{json.RawMessage(strings.Replace(string(text), "{", "{"+others, 1))} })
		mustAccept(t, open(t, i, nil), signs.sign(t, nil))
	}
}

func TestKeysInEveryEncoding(t *testing.T) {
	t.Parallel()
	signs := newSigner(t, "key")
	for encoding := range plaintexttest.Encodings("") {
		i := newIssuer(t)
		i.encoding = encoding
		i.publish(t, "key", signs.key.Public(), "sig")
		mustAccept(t, open(t, i, nil), signs.sign(t, nil))
	}
}
