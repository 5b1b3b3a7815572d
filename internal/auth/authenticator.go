package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"time"

	"leadgraph/internal/errcode"

	"github.com/golang-jwt/jwt/v5"
)

// The scopes that Options name by default.
const (
	DefaultReadScope = "leads.read"
	DefaultPIIScope  = "leads.pii"
	DefaultSyncScope = "leads.sync"
)

// Options configure how callers are authenticated.
type Options struct {
	// Mode is required. The fields up to RefreshGap apply only to JWT.
	Mode Mode
	// Issuers lists the accepted iss claims, at least one. Entra writes
	// https://sts.windows.net/{tenant}/ into tokens of version 1 and
	// https://login.microsoftonline.com/{tenant}/v2.0 into those of version 2.
	Issuers []string
	// Audiences lists the accepted aud claims, at least one.
	Audiences []string
	// KeysURL is where the issuers publish their keys as a JSON Web Key Set. It
	// must be https, or http on a loopback address.
	KeysURL string
	// ReadScope is the scope that allows a caller to read leads; DefaultReadScope
	// if empty.
	ReadScope string
	// PIIScope is the scope that allows a caller to read the personal data in
	// leads; DefaultPIIScope if empty.
	PIIScope string
	// SyncScope is the scope that allows a caller to make the platform write;
	// DefaultSyncScope if empty.
	SyncScope string
	// RefreshInterval is how often the keys are refreshed; an hour if 0.
	RefreshInterval time.Duration
	// RefreshGap is the minimum time between two reads of the keys that tokens
	// with an unknown key trigger; 5 seconds if 0.
	RefreshGap time.Duration
	// PartitionKey is the key of the hash that names a caller's partition in
	// Passthrough. Processes that share a cache need the same key. If it is empty
	// a random key is used.
	PartitionKey []byte
	// Logger receives failures to read the keys, never tokens or claims. It is
	// required for JWT.
	Logger *slog.Logger
	// Now is the clock; time.Now if nil.
	Now func() time.Time
}

// Authenticator authenticates callers. It is safe for concurrent use.
type Authenticator struct {
	options Options
	tokens  *verifier // only in JWT
}

// New returns an Authenticator, which must be closed. In mode JWT it reads the
// issuers' keys, which takes at most five seconds. If that fails the server still
// starts, because a short outage of the identity provider must not prevent every
// replica from starting. Callers get a 503 until a read succeeds.
func New(o Options) (*Authenticator, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	a := &Authenticator{options: o}
	switch o.Mode {
	case None:
	case JWT:
		tokens, err := newVerifier(o)
		if err != nil {
			return nil, err
		}
		a.tokens = tokens
	case Passthrough:
		if len(o.PartitionKey) == 0 {
			a.options.PartitionKey = make([]byte, sha256.Size)
			_, _ = rand.Read(a.options.PartitionKey) // never fails
		}
	default:
		return nil, fmt.Errorf("unknown authentication mode %q", o.Mode)
	}
	return a, nil
}

// Close stops reading keys in the background.
func (a *Authenticator) Close() {
	if a.tokens != nil {
		a.tokens.keys.close()
	}
}

// Ready reports whether callers can be authenticated. In mode JWT this takes
// keys that were read at least once.
func (a *Authenticator) Ready() bool {
	return a.tokens == nil || a.tokens.keys.current.Load() != nil
}

// Refusal explains why a caller is refused. It can be shown to the caller: it
// never repeats a token or a claim.
type Refusal struct {
	// Status is the HTTP status: 400 for a malformed header, 401 without a valid
	// token, 403 without the scope, 503 while tokens cannot be verified.
	Status int
	// Code is the code of the GraphQL error.
	Code string
	// Message is for the caller's developer.
	Message string
	// WWWAuthenticate is the value of the WWW-Authenticate header (RFC 6750
	// section 3), if any.
	WWWAuthenticate string
	// RetryAfter is how long to wait before the same request may succeed; 0 if it
	// never will.
	RetryAfter time.Duration
}

const challenge = `Bearer realm="leadgraph"`

func unauthenticated(status int, reason, message string) *Refusal {
	return &Refusal{
		Status: status, Code: errcode.Unauthenticated, Message: message,
		WWWAuthenticate: fmt.Sprintf(`%s, error="%s", error_description="%s"`, challenge, reason, message),
	}
}

// missing returns the refusal of a request without a token. Its challenge carries
// no error, as RFC 6750 section 3.1 requires.
func missing() *Refusal {
	return &Refusal{
		Status: http.StatusUnauthorized, Code: errcode.Unauthenticated,
		Message: "An access token is required.", WWWAuthenticate: challenge,
	}
}

// Authenticate returns the caller named by the request's Authorization header, or
// a refusal. The caller is meaningful only if the refusal is nil.
func (a *Authenticator) Authenticate(r *http.Request) (Caller, *Refusal) {
	if a.options.Mode == None {
		return everybody, nil
	}
	given := r.Header.Values("Authorization")
	switch len(given) {
	case 0:
		return Caller{}, missing()
	case 1:
	default: // a proxy in front may have checked only one of them
		return Caller{}, unauthenticated(http.StatusBadRequest, "invalid_request", "There is more than one Authorization header.")
	}
	scheme, token, _ := strings.Cut(given[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return Caller{}, missing()
	}
	return a.AuthenticateToken(r.Context(), strings.TrimLeft(token, " "))
}

var everybody = Caller{CanRead: true, CanPII: true, CanSync: true}

// maxToken is the maximum size of a token in bytes. Entra's tokens with all
// groups stay below 6 KiB.
const maxToken = 8 << 10

// syntax matches RFC 6750's b64token.
var syntax = regexp.MustCompile(`^[A-Za-z0-9\-._~+/]+=*$`)

// AuthenticateToken returns the caller who owns the token, or a refusal. It is for
// transports that send the token without a header, such as in the payload of a
// WebSocket's connection_init.
func (a *Authenticator) AuthenticateToken(ctx context.Context, token string) (Caller, *Refusal) {
	switch {
	case a.options.Mode == None:
		return everybody, nil
	case token == "":
		return Caller{}, missing()
	case len(token) > maxToken || !syntax.MatchString(token):
		return Caller{}, unauthenticated(http.StatusBadRequest, "invalid_request", "The access token is malformed.")
	case a.options.Mode == Passthrough:
		return a.passOn(token)
	}
	caller, err := a.tokens.verify(ctx, token)
	switch {
	case errors.Is(err, errNoKeys):
		return Caller{}, &Refusal{
			Status: http.StatusServiceUnavailable, Code: errcode.UpstreamUnavailable,
			Message: "Access tokens cannot be verified at the moment.", RetryAfter: a.tokens.keys.gap,
		}
	case err != nil:
		return Caller{}, unauthenticated(http.StatusUnauthorized, "invalid_token", explain(err))
	case !caller.CanRead:
		refused := unauthenticated(http.StatusForbidden, "insufficient_scope", "The access token lacks the scope "+a.tokens.readScope+".")
		refused.Code = errcode.Forbidden
		refused.WWWAuthenticate += fmt.Sprintf(`, scope="%s"`, a.tokens.readScope)
		return Caller{}, refused
	}
	return caller, nil
}

// passOn returns the caller for a token that the platform will verify. A token
// that states that it has expired is refused here: this saves a request to the
// platform, and data cached for that token must no longer be served.
func (a *Authenticator) passOn(token string) (Caller, *Refusal) {
	caller := Caller{Partition: a.partition(token), CanRead: true, CanPII: true, CanSync: true, Bearer: Token{&token}}
	var said jwt.RegisteredClaims
	if _, _, err := jwt.NewParser().ParseUnverified(token, &said); err != nil {
		return caller, nil // only the platform can read this kind of token
	}
	if said.Issuer != "" && said.Subject != "" {
		caller.Subject = said.Issuer + " " + said.Subject
	}
	if said.ExpiresAt != nil {
		caller.Expires = said.ExpiresAt.Add(leeway)
		if !a.options.Now().Before(caller.Expires) {
			return Caller{}, unauthenticated(http.StatusUnauthorized, "invalid_token", explain(jwt.ErrTokenExpired))
		}
	}
	return caller, nil
}

func (a *Authenticator) partition(token string) string {
	mac := hmac.New(sha256.New, a.options.PartitionKey)
	_, _ = mac.Write([]byte(token)) // never fails
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
