package auth_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"leadgraph/internal/auth"
)

func TestNoneAsksNobody(t *testing.T) {
	t.Parallel()
	a, err := auth.New(auth.Options{Mode: auth.None})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	for _, headers := range [][]string{nil, {"Bearer x"}, {"Basic eDp5", "nonsense"}} {
		caller, refused := a.Authenticate(request(t, headers...))
		if refused != nil || caller != (auth.Caller{CanRead: true, CanPII: true, CanSync: true}) {
			t.Errorf("%v: %+v, %+v", headers, caller, refused)
		}
	}
	if caller, refused := a.AuthenticateToken(t.Context(), ""); refused != nil || !caller.CanRead {
		t.Errorf("%+v, %+v", caller, refused)
	}
}

func newPassthrough(t *testing.T, key string) *auth.Authenticator {
	t.Helper()
	a, err := auth.New(auth.Options{Mode: auth.Passthrough, PartitionKey: []byte(key)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

func TestPassthroughSeparatesTokens(t *testing.T) {
	t.Parallel()
	const token = "secret-canary.A-._~+/9=="
	caller := func(key, token string) auth.Caller {
		caller, refused := newPassthrough(t, key).Authenticate(request(t, "Bearer "+token))
		if refused != nil {
			t.Fatalf("%+v", refused)
		}
		return caller
	}
	one := caller("key", token)
	if !one.CanRead || !one.CanPII || one.Bearer.Reveal() != token || one.Subject != "" {
		t.Errorf("caller: %+v", one)
	}
	if one.Partition == "" || strings.Contains(one.Partition, "canary") {
		t.Errorf("partition %q", one.Partition)
	}
	if again := caller("key", token); again.Partition != one.Partition {
		t.Error("processes with the same key name the same caller differently")
	}
	for name, other := range map[string]auth.Caller{
		"another token": caller("key", token[1:]), "another key": caller("other", token), "a random key": caller("", token),
	} {
		if other.Partition == one.Partition {
			t.Errorf("%s has the same partition", name)
		}
	}
}

func TestPassthroughReadsWhatATokenSays(t *testing.T) {
	t.Parallel()
	key := newSigner(t, "unknown here")
	a, err := auth.New(auth.Options{Mode: auth.Passthrough, Now: func() time.Time { return start }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	first, _ := a.AuthenticateToken(t.Context(), key.sign(t, nil))
	second, refused := a.AuthenticateToken(t.Context(), key.sign(t, jwt.MapClaims{"jti": "2"}))
	if refused != nil || first.Name() != second.Name() || first.Partition == second.Partition {
		t.Errorf("two tokens of one caller: %+v, %+v", first, second)
	}
	if want := start.Add(time.Hour + time.Minute); !second.Expires.Equal(want) {
		t.Errorf("expires %v, want %v", second.Expires, want)
	}
	if other, _ := a.AuthenticateToken(t.Context(), key.sign(t, jwt.MapClaims{"sub": "another"})); other.Name() == first.Name() {
		t.Error("two callers have one name")
	}
	if _, refused := a.AuthenticateToken(t.Context(), key.sign(t, jwt.MapClaims{"exp": start.Add(-time.Hour).Unix()})); refused == nil || refused.Status != http.StatusUnauthorized {
		t.Errorf("an expired token: %+v", refused)
	}
}

func TestHeadersThatShowNoToken(t *testing.T) {
	t.Parallel()
	a := newPassthrough(t, "")
	tests := []struct {
		name    string
		headers []string
		status  int
		reason  string
	}{
		{"no header", nil, http.StatusUnauthorized, ""},
		{"empty header", []string{""}, http.StatusUnauthorized, ""},
		{"another scheme", []string{"Basic eDp5"}, http.StatusUnauthorized, ""},
		{"scheme alone", []string{"Bearer"}, http.StatusUnauthorized, ""},
		{"scheme and space", []string{"Bearer "}, http.StatusUnauthorized, ""},
		{"several headers", []string{"Bearer canary", "Bearer canary"}, http.StatusBadRequest, "invalid_request"},
		{"several in one header", []string{"Bearer canary, Bearer canary"}, http.StatusBadRequest, "invalid_request"},
		{"quotes", []string{`Bearer "canary"`}, http.StatusBadRequest, "invalid_request"},
		{"letters of another alphabet", []string{"Bearer canäry"}, http.StatusBadRequest, "invalid_request"},
		{"giant", []string{"Bearer " + strings.Repeat("canary", 2000)}, http.StatusBadRequest, "invalid_request"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			caller, refused := a.Authenticate(request(t, test.headers...))
			if refused == nil || caller != (auth.Caller{}) {
				t.Fatalf("accepted: %+v", caller)
			}
			if refused.Status != test.status || refused.Code != "UNAUTHENTICATED" {
				t.Errorf("refused with %+v", refused)
			}
			if test.reason == "" && refused.WWWAuthenticate != `Bearer realm="leadgraph"` ||
				!strings.Contains(refused.WWWAuthenticate, test.reason) || strings.Contains(refused.WWWAuthenticate, "canary") {
				t.Errorf("challenge: %s", refused.WWWAuthenticate)
			}
		})
	}
}

func TestTokensDoNotShowThemselves(t *testing.T) {
	t.Parallel()
	caller, _ := newPassthrough(t, "").Authenticate(request(t, "Bearer secret-canary"))
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		_, _ = fmt.Fprintf(&out, verb+verb+verb, caller, &caller, caller.Bearer)
	}
	encoded, err := json.Marshal(caller)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(encoded)
	slog.New(slog.NewJSONHandler(&out, nil)).InfoContext(t.Context(), "", "caller", caller, "token", caller.Bearer)
	slog.New(slog.NewTextHandler(&out, nil)).InfoContext(t.Context(), "", "caller", caller, "token", caller.Bearer)
	if strings.Contains(out.String(), "canary") || strings.Contains(out.String(), fmt.Sprintf("%x", "canary")) {
		t.Errorf("shown: %s", out.String())
	}
}

func TestContextCarriesTheCaller(t *testing.T) {
	t.Parallel()
	if nobody := auth.For(context.Background()); nobody != (auth.Caller{}) || nobody.CanRead {
		t.Errorf("without a caller: %+v", nobody)
	}
	caller := auth.Caller{Partition: "p", CanRead: true}
	if got := auth.For(auth.With(t.Context(), caller)); got != caller {
		t.Errorf("got %+v", got)
	}
}

func TestIncompleteOptions(t *testing.T) {
	t.Parallel()
	whole := auth.Options{
		Mode: auth.JWT, Issuers: []string{issuerV1}, Audiences: []string{audience}, KeysURL: "https://127.0.0.1:1/keys",
		Logger: slog.New(slog.DiscardHandler),
	}
	for _, keys := range []string{whole.KeysURL, "http://localhost:1/keys", "http://127.0.0.2:1/keys", "http://[::1]:1/keys"} {
		options := whole
		options.KeysURL = keys
		a, err := auth.New(options)
		if err != nil {
			t.Fatal(keys, err)
		}
		a.Close()
	}
	for name, change := range map[string]func(*auth.Options){
		"unknown mode":        func(o *auth.Options) { o.Mode = "basic" },
		"no mode":             func(o *auth.Options) { o.Mode = "" },
		"no issuer":           func(o *auth.Options) { o.Issuers = nil },
		"empty issuer":        func(o *auth.Options) { o.Issuers = []string{""} },
		"no audience":         func(o *auth.Options) { o.Audiences = nil },
		"empty audience":      func(o *auth.Options) { o.Audiences = []string{""} },
		"no URL":              func(o *auth.Options) { o.KeysURL = "" },
		"plain http":          func(o *auth.Options) { o.KeysURL = "http://login.example/keys" },
		"no host":             func(o *auth.Options) { o.KeysURL = "https:///keys" },
		"scope with a quote":  func(o *auth.Options) { o.ReadScope = `leads"read` },
		"scope with a space":  func(o *auth.Options) { o.PIIScope = "leads pii" },
		"scope with a return": func(o *auth.Options) { o.ReadScope = "leads\r\nread" },
	} {
		options := whole
		change(&options)
		if a, err := auth.New(options); err == nil {
			a.Close()
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestExposure(t *testing.T) {
	t.Parallel()
	for _, inside := range []string{"127.0.0.1:8080", "127.8.0.1:0", "[::1]:8080", "[::ffff:127.0.0.1]:1", "localhost:8080", "LOCALHOST:1"} {
		if err := auth.CheckExposure(auth.None, inside, false); err != nil {
			t.Errorf("%s: %v", inside, err)
		}
	}
	for _, outside := range []string{":8080", "0.0.0.0:8080", "[::]:8080", "10.0.0.1:80", "leads.example:80", "localhost.example:80", "127.0.0.1", ""} {
		if auth.CheckExposure(auth.None, outside, false) == nil {
			t.Errorf("%q is allowed", outside)
		}
		for _, mode := range []auth.Mode{auth.JWT, auth.Passthrough} {
			if err := auth.CheckExposure(mode, outside, false); err != nil {
				t.Errorf("%s on %q: %v", mode, outside, err)
			}
		}
		if err := auth.CheckExposure(auth.None, outside, true); err != nil {
			t.Errorf("%q despite the flag: %v", outside, err)
		}
	}
}
