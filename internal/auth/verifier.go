package auth

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// leeway is how far the clocks of issuer and server may be apart.
const leeway = time.Minute

// algorithms are those with a private key. None of them takes a secret that is
// public, and there is no "none".
var algorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"}

// verifier verifies access tokens that are signed JSON Web Tokens.
type verifier struct {
	parser              *jwt.Parser
	keys                *keySet
	issuers             []string
	readScope, piiScope string
}

// scopeToken is a scope's name (RFC 6749 section 3.3); it is shown in a header.
var scopeToken = regexp.MustCompile(`^[\x21\x23-\x5b\x5d-\x7e]+$`)

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
		issuers:   o.Issuers,
		readScope: cmp.Or(o.ReadScope, "leads.read"),
		piiScope:  cmp.Or(o.PIIScope, "leads.pii"),
	}
	var errs []error
	// golang-jwt takes no audience, or an empty one, for "any".
	if len(o.Audiences) == 0 || slices.Contains(o.Audiences, "") {
		errs = append(errs, errors.New("verifying access tokens needs the audience they are for"))
	}
	if len(o.Issuers) == 0 || slices.Contains(o.Issuers, "") {
		errs = append(errs, errors.New("verifying access tokens needs their issuer"))
	}
	if !scopeToken.MatchString(v.readScope) || !scopeToken.MatchString(v.piiScope) {
		errs = append(errs, errors.New("a scope's name holds a character that scopes cannot have"))
	}
	if location, err := url.Parse(o.KeysURL); err != nil || !trustworthy(location) {
		errs = append(errs, errors.New("verifying access tokens needs the https URL of the issuer's keys"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	v.keys = openKeys(o)
	return v, nil
}

// trustworthy is a location that nobody between can answer for.
func trustworthy(location *url.URL) bool {
	host := location.Hostname()
	return host != "" && (location.Scheme == "https" ||
		location.Scheme == "http" && slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, host))
}

// claims are those that matter here. Issuers write scopes as one text or as a
// list; roles are what Entra grants to a program that acts for no user.
type claims struct {
	jwt.RegisteredClaims
	SCP   jwt.ClaimStrings `json:"scp"`
	Scope jwt.ClaimStrings `json:"scope"`
	Roles jwt.ClaimStrings `json:"roles"`
}

func (c *claims) grants(scope string) bool {
	for _, list := range slices.Concat(c.SCP, c.Scope) {
		if slices.Contains(strings.Fields(list), scope) {
			return true
		}
	}
	// A role's name may hold spaces, so that it is never a list.
	return slices.Contains(c.Roles, scope)
}

var (
	errIssuer = errors.New("issuer not accepted")
	errHeader = errors.New("header not accepted")
)

// verify returns the caller whose token this is, allowed to read or not.
func (v *verifier) verify(ctx context.Context, token string) (Caller, error) {
	var c claims
	_, err := v.parser.ParseWithClaims(token, &c, func(parsed *jwt.Token) (any, error) {
		// RFC 7515 section 4.1.11: what is critical must be understood.
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
	return Caller{
		Subject: c.Issuer + " " + c.Subject,
		Expires: c.ExpiresAt.Add(leeway),
		CanRead: c.grants(v.readScope),
		CanPII:  c.grants(v.piiScope),
	}, nil
}

// explain tells the caller's developer what to look at. Signatures are verified
// before claims, so that only a holder of a real token learns about its claims.
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
	case errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return "The access token lacks its time of expiry or its audience."
	default:
		return "The access token is not valid."
	}
}
