package auth_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"

	"leadgraph/internal/auth"
)

func TestAcceptedTokens(t *testing.T) {
	t.Parallel()
	i, rs, es := newIssuer(t), newSigner(t, "rs"), newCurveSigner(t, "es")
	i.publish(t, "rs", rs.key.Public(), "sig")
	i.publish(t, "es", es.key.Public(), "")
	a := open(t, i, nil)
	pss := signer{"rs", jwt.SigningMethodPS256, rs.key}
	pii := "leads.read leads.pii"
	tests := []struct {
		name, token string
		pii         bool
	}{
		{"RS256, Entra v2", rs.sign(t, nil), false},
		{"PS256, Entra v1", pss.sign(t, jwt.MapClaims{"iss": issuerV1}), false},
		{"ES256", es.sign(t, nil), false},
		{"one of several audiences", rs.sign(t, jwt.MapClaims{"aud": []string{"foreign", audience}}), false},
		{"both scopes in scp", rs.sign(t, jwt.MapClaims{"scp": pii}), true},
		{"both in scope", rs.sign(t, jwt.MapClaims{"scp": nil, "scope": pii}), true},
		{"both in a list", rs.sign(t, jwt.MapClaims{"scp": []string{"leads.pii", "leads.read"}}), true},
		{"both in roles", rs.sign(t, jwt.MapClaims{"scp": nil, "roles": []string{"leads.pii", "leads.read"}}), true},
		{"one in each", rs.sign(t, jwt.MapClaims{"roles": []string{"leads.pii"}}), true},
		{"a role with spaces is one role", rs.sign(t, jwt.MapClaims{"roles": []string{"no leads.pii"}}), false},
		{"another scope's prefix", rs.sign(t, jwt.MapClaims{"scp": "leads.read leads.pii.not"}), false},
		{"expired within the leeway", rs.sign(t, jwt.MapClaims{"exp": start.Add(-59 * time.Second).Unix()}), false},
		{"soon valid, within the leeway", rs.sign(t, jwt.MapClaims{"nbf": start.Add(59 * time.Second).Unix()}), false},
		{"without nbf", rs.sign(t, jwt.MapClaims{"nbf": nil}), false},
		{"named by oid alone", rs.sign(t, jwt.MapClaims{"sub": nil, "oid": "dana.levi-canary"}), false},
		{"named by sub and oid", rs.sign(t, jwt.MapClaims{"oid": "another"}), false},
		{"claims in another case are other claims", rs.sign(t, jwt.MapClaims{"SCP": "leads.pii", "Sub": 1, "Exp": 1}), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			caller, refused := a.Authenticate(request(t, "bearer  "+test.token))
			if refused != nil {
				t.Fatalf("refused: %+v", refused)
			}
			if !caller.CanRead || caller.CanPII != test.pii {
				t.Errorf("scopes: %+v", caller)
			}
			if caller.Partition != "" || caller.Bearer.Reveal() != "" || !strings.HasSuffix(caller.Subject, " dana.levi-canary") {
				t.Errorf("caller: %+v", caller)
			}
			if again, refused := a.AuthenticateToken(t.Context(), test.token); refused != nil || again != caller {
				t.Errorf("by the token alone: %+v, %+v", again, refused)
			}
		})
	}
	if caller, _ := a.Authenticate(request(t, "Bearer "+tests[0].token)); !caller.Expires.Equal(start.Add(time.Hour + time.Minute)) {
		t.Errorf("expires at %v", caller.Expires)
	}
}

// refusal is a token and how it is refused.
type refusal struct {
	name, token  string
	status       int // 401 if 0
	reason, says string
}

// forgeText signs claims that are valid except for the given members.
func forgeText(t *testing.T, s signer, changed string) string {
	t.Helper()
	part := base64.RawURLEncoding.EncodeToString
	text := part([]byte(`{"alg":"RS256","kid":"`+s.kid+`"}`)) + "." +
		part(fmt.Appendf(nil, `{"iss":%q,"aud":%q,"scp":"leads.read","exp":%d,%s}`, issuerV2, audience, start.Add(time.Hour).Unix(), changed))
	signature, err := s.method.Sign(text, s.key)
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + part(signature)
}

func TestRefusedTokens(t *testing.T) {
	t.Parallel()
	i, s, stranger := newIssuer(t), newSigner(t, "known"), newSigner(t, "known")
	i.publish(t, "known", s.key.Public(), "sig")
	i.publish(t, "encryption", s.key.Public(), "enc")
	a := open(t, i, nil)
	public, err := x509.MarshalPKIXPublicKey(s.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	secret := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	claims := jwt.MapClaims{"iss": issuerV2, "aud": audience, "scp": "leads.read", "exp": start.Add(time.Hour).Unix()}
	forge := func(method jwt.SigningMethod, key any, header ...string) string {
		token := jwt.NewWithClaims(method, claims)
		token.Header["kid"] = "known"
		for _, name := range header {
			token.Header[name] = []string{name}
		}
		return signed(t, token, key)
	}
	valid := s.sign(t, nil)
	parts := strings.Split(valid, ".")
	swapped := parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"scp":"leads.read leads.pii"}`)) + "." + parts[2]
	const invalid, says = "invalid_token", "The access token is not valid."
	tests := []refusal{
		{name: "expired", token: s.sign(t, jwt.MapClaims{"exp": start.Add(-61 * time.Second).Unix()}), reason: invalid, says: "The access token has expired."},
		{name: "not yet valid", token: s.sign(t, jwt.MapClaims{"nbf": start.Add(61 * time.Second).Unix()}), reason: invalid, says: "The access token is not valid yet."},
		{name: "without expiry", token: s.sign(t, jwt.MapClaims{"exp": nil}), reason: invalid, says: "The access token lacks an expiry time or an audience."},
		{name: "another issuer", token: s.sign(t, jwt.MapClaims{"iss": "https://sts.windows.net/other/"}), reason: invalid, says: "The access token is from an issuer that is not accepted."},
		{name: "without issuer", token: s.sign(t, jwt.MapClaims{"iss": nil}), reason: invalid, says: "The access token is from an issuer that is not accepted."},
		{name: "another audience", token: s.sign(t, jwt.MapClaims{"aud": "api://other"}), reason: invalid, says: "The access token is meant for another audience."},
		{name: "without audience", token: s.sign(t, jwt.MapClaims{"aud": nil}), reason: invalid, says: "The access token lacks an expiry time or an audience."},
		{name: "signed by a stranger", token: stranger.sign(t, nil), reason: invalid, says: says},
		{name: "claims exchanged", token: swapped, reason: invalid, says: says},
		{name: "signature cut off", token: parts[0] + "." + parts[1] + ".", reason: invalid, says: says},
		{name: "alg none", token: forge(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType), reason: invalid, says: says},
		{name: "HS256 with the public key as secret", token: forge(jwt.SigningMethodHS256, secret), reason: invalid, says: says},
		{name: "key of another type", token: newCurveSigner(t, "known").sign(t, nil), reason: invalid, says: says},
		{name: "key for encryption", token: signer{"encryption", s.method, s.key}.sign(t, nil), reason: invalid, says: says},
		{name: "no key named", token: signer{"", s.method, s.key}.sign(t, nil), reason: invalid, says: says},
		{name: "critical header", token: forge(jwt.SigningMethodRS256, s.key, "crit"), reason: invalid, says: says},
		{name: "without sub and oid", token: s.sign(t, jwt.MapClaims{"sub": nil}), reason: invalid, says: "The access token names no subject."},
		{name: "empty sub", token: s.sign(t, jwt.MapClaims{"sub": "", "oid": ""}), reason: invalid, says: "The access token names no subject."},
		{name: "blank sub", token: s.sign(t, jwt.MapClaims{"sub": " \t", "oid": " "}), reason: invalid, says: "The access token names no subject."},
		{name: "null as sub", token: forgeText(t, s, `"sub":null`), reason: invalid, says: "The access token names no subject."},
		{name: "a claim twice", token: forgeText(t, s, `"sub":"a","scp":"leads.pii"`), reason: invalid, says: says},
		{name: "no JSON Web Token", token: "dana.levi-canary", reason: invalid, says: says},
		{name: "many segments", token: strings.Repeat(".", 8000), reason: invalid, says: says},
		{name: "no scope", token: s.sign(t, jwt.MapClaims{"scp": nil}), status: http.StatusForbidden, reason: "insufficient_scope", says: "The access token lacks the scope leads.read."},
		{name: "only the other scope", token: s.sign(t, jwt.MapClaims{"scp": "leads.pii"}), status: http.StatusForbidden, reason: "insufficient_scope", says: "The access token lacks the scope leads.read."},
		{name: "no token syntax", token: "dana levi-canary", status: http.StatusBadRequest, reason: "invalid_request", says: "The access token is malformed."},
		{name: "giant", token: strings.Repeat("x", 8<<10+1), status: http.StatusBadRequest, reason: "invalid_request", says: "The access token is malformed."},
	}
	// Each claim accepts one or two types of JSON.
	for claim, values := range map[string][]any{
		"iss": {1, true, []string{issuerV2}, map[string]any{}}, "sub": {1, false, []string{"a"}, map[string]any{}}, "oid": {1, true, []string{"a"}, map[string]any{}}, "jti": {1, true, []string{"a"}, map[string]any{}},
		"exp": {strconv.FormatInt(start.Add(time.Hour).Unix(), 10), true, []int{1}, map[string]any{}, 1e30, json.Number("1e400"), -1},
		"nbf": {"1", true, []int{1}, map[string]any{}, 1e30, -1}, "iat": {"1", true, []int{1}, map[string]any{}, 1e30, -1},
		"aud": {1, true, []any{audience, 1}, map[string]any{}}, "scp": {1, true, []any{"leads.read", nil}, map[string]any{}},
		"scope": {1, true, []any{1}, map[string]any{}}, "roles": {1, true, []any{"leads.read", map[string]any{}}, map[string]any{}},
	} {
		for _, value := range values {
			tests = append(tests, refusal{name: fmt.Sprintf("%s of %T %v", claim, value, value), token: s.sign(t, jwt.MapClaims{claim: value}), reason: invalid, says: says})
		}
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			caller, refused := a.Authenticate(request(t, "Bearer "+test.token))
			if refused == nil || caller != (auth.Caller{}) {
				t.Fatalf("accepted: %+v", caller)
			}
			status, code := http.StatusUnauthorized, "UNAUTHENTICATED"
			if test.status != 0 {
				status = test.status
			}
			if status == http.StatusForbidden {
				code = "FORBIDDEN"
			}
			if refused.Status != status || refused.Code != code || refused.Message != test.says {
				t.Errorf("refused with %+v", refused)
			}
			if !strings.HasPrefix(refused.WWWAuthenticate, `Bearer realm="leadgraph", error="`+test.reason+`"`) {
				t.Errorf("challenge: %s", refused.WWWAuthenticate)
			}
			if strings.Contains(refused.Message+refused.WWWAuthenticate, "canary") {
				t.Error("a claim or token is repeated")
			}
		})
	}
}

func TestScopeNamesCanBeSet(t *testing.T) {
	t.Parallel()
	i, s := newIssuer(t), newSigner(t, "k")
	i.publish(t, "k", s.key.Public(), jwkset.UseSig)
	a := open(t, i, func(o *auth.Options) {
		o.ReadScope, o.PIIScope, o.SyncScope = "Leads.Read.All", "Leads.PII", "Leads.Sync"
	})
	caller, refused := a.Authenticate(request(t, "Bearer "+s.sign(t, jwt.MapClaims{"scp": "Leads.Read.All Leads.PII"})))
	if refused != nil || !caller.CanPII || caller.CanSync {
		t.Errorf("%+v, %+v", caller, refused)
	}
	caller, refused = a.Authenticate(request(t, "Bearer "+s.sign(t, jwt.MapClaims{"scp": "Leads.Read.All Leads.Sync"})))
	if refused != nil || caller.CanPII || !caller.CanSync {
		t.Errorf("%+v, %+v", caller, refused)
	}
	if _, refused = a.Authenticate(request(t, "Bearer "+s.sign(t, nil))); refused == nil || !strings.HasSuffix(refused.WWWAuthenticate, `, scope="Leads.Read.All"`) {
		t.Errorf("%+v", refused)
	}
}
