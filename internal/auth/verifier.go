package auth

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"leadgraph/internal/loopback"
)

// leeway is how far the clocks of the issuer and this server may differ.
const leeway = time.Minute

// algorithms lists the accepted signing algorithms, all asymmetric. It excludes
// HMAC, for which a public key could serve as the secret, and "none".
var algorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"}

// verifier verifies access tokens, which must be signed JSON Web Tokens.
type verifier struct {
	parser    *jwt.Parser
	keys      *keySet
	known     knownTokens
	now       func() time.Time
	issuers   []string
	readScope string
	piiScope  string
	syncScope string
}

// scopeToken matches a scope's name (RFC 6749 section 3.3). The name appears in a
// response header.
var scopeToken = regexp.MustCompile(`^[\x21\x23-\x5b\x5d-\x7e]+$`)

// IsScope reports whether a text can be the name of a scope.
func IsScope(name string) bool { return scopeToken.MatchString(name) }

func newVerifier(o Options) (*verifier, error) {
	v := &verifier{
		parser: jwt.NewParser(
			jwt.WithValidMethods(algorithms),
			jwt.WithAudience(o.Audiences...),
			jwt.WithExpirationRequired(),
			jwt.WithLeeway(leeway),
			jwt.WithTimeFunc(o.Now),
			jwt.WithStrictDecoding(),
		),
		known:     newKnownTokens(),
		now:       o.Now,
		issuers:   o.Issuers,
		readScope: cmp.Or(o.ReadScope, DefaultReadScope),
		piiScope:  cmp.Or(o.PIIScope, DefaultPIIScope),
		syncScope: cmp.Or(o.SyncScope, DefaultSyncScope),
	}
	var errs []error
	// golang-jwt treats a missing or empty audience as "any".
	if len(o.Audiences) == 0 || slices.Contains(o.Audiences, "") {
		errs = append(errs, errors.New("verifying access tokens requires their audience"))
	}
	if len(o.Issuers) == 0 || slices.Contains(o.Issuers, "") {
		errs = append(errs, errors.New("verifying access tokens requires their issuer"))
	}
	if !IsScope(v.readScope) || !IsScope(v.piiScope) || !IsScope(v.syncScope) {
		errs = append(errs, errors.New("a scope's name contains a character that is not allowed in scopes"))
	}
	if location, err := url.Parse(o.KeysURL); err != nil || !trustworthy(location) {
		errs = append(errs, errors.New("verifying access tokens requires the https URL of the issuer's keys"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	v.keys = openKeys(o)
	return v, nil
}

// trustworthy reports whether nobody on the network path can forge an answer from
// the location.
func trustworthy(location *url.URL) bool {
	host := location.Hostname()
	return location.Scheme == "https" && host != "" || location.Scheme == "http" && loopback.Is(host)
}

var (
	errIssuer  = errors.New("issuer not accepted")
	errHeader  = errors.New("header not accepted")
	errSubject = errors.New("no subject")
)

// verify returns the caller who owns the token. The caller may lack the scope to
// read.
func (v *verifier) verify(ctx context.Context, token string) (Caller, error) {
	hash, keys := sha256.Sum256([]byte(token)), v.keys.current.Load()
	if caller, known := v.known.find(hash, keys, v.now()); known {
		return caller, nil
	}
	caller, err := v.check(ctx, token)
	if err == nil {
		v.known.add(hash, keys, caller)
	}
	return caller, err
}

// check verifies the token.
func (v *verifier) check(ctx context.Context, token string) (Caller, error) {
	var c claims
	_, err := v.parser.ParseWithClaims(token, &c, func(parsed *jwt.Token) (any, error) {
		// RFC 7515 section 4.1.11: critical headers must be understood. We know none.
		if _, critical := parsed.Header["crit"]; critical {
			return nil, errHeader
		}
		return v.keys.key(ctx, parsed)
	})
	if err != nil {
		return Caller{}, err
	}
	if !slices.Contains(v.issuers, c.Issuer) {
		return Caller{}, errIssuer
	}
	// Callers without a name would share their limits and their cursors.
	subject := cmp.Or(strings.TrimSpace(c.Subject), strings.TrimSpace(c.OID))
	if subject == "" {
		return Caller{}, errSubject
	}
	return Caller{
		Subject: c.Issuer + " " + subject,
		Expires: c.ExpiresAt.Add(leeway),
		CanRead: c.grants(v.readScope),
		CanPII:  c.grants(v.piiScope),
		CanSync: c.grants(v.syncScope),
	}, nil
}

// explain returns a message for the caller's developer. Signatures are verified
// before claims, so only the holder of a genuine token learns about its claims.
func explain(err error) string {
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return "The access token has expired."
	case errors.Is(err, jwt.ErrTokenNotValidYet):
		return "The access token is not valid yet."
	case errors.Is(err, jwt.ErrTokenInvalidAudience):
		return "The access token is meant for another audience."
	case errors.Is(err, errIssuer):
		return "The access token is from an issuer that is not accepted."
	case errors.Is(err, errSubject):
		return "The access token names no subject."
	case errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return "The access token lacks an expiry time or an audience."
	default:
		return "The access token is not valid."
	}
}
