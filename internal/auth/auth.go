// Package auth determines who sent a request and what the caller may see. It
// authenticates a request by its Authorization header, in one of three modes:
// everybody may do everything, access tokens are verified here, or access tokens
// are passed on to the platform, which verifies them.
package auth

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"time"

	"leadgraph/internal/loopback"
)

// Mode selects how callers are authenticated.
type Mode string

// The modes.
const (
	// None authenticates nobody: every caller may read everything.
	None Mode = "none"
	// JWT verifies access tokens against an issuer's published keys.
	JWT Mode = "jwt"
	// Passthrough requires an access token and leaves its verification to the
	// platform.
	Passthrough Mode = "passthrough"
)

// Caller identifies the sender of a request. The zero value may do nothing, so a
// request that was never authenticated reads nothing. A Caller is comparable and
// safe for concurrent use.
type Caller struct {
	// Partition names the part of every cache, shared read and cursor that the
	// caller may use. It is empty when all callers see the same leads. In
	// passthrough it is a keyed hash of the token, never the token itself.
	Partition string
	// Subject identifies the caller across tokens: the issuer and the subject of
	// the token. It is personal data and never logged. In passthrough it is not
	// verified.
	Subject string
	// Expires is when the token expires, leeway included. A connection that is
	// still open must be closed then. Zero means never or unknown.
	Expires time.Time
	// CanRead allows the caller to read leads.
	CanRead bool
	// CanPII allows the caller to read the personal data in leads.
	CanPII bool
	// CanSync allows the caller to make the platform write, as checkOnline does.
	CanSync bool
	// Bearer is the token to send to the platform. It is set only in passthrough.
	Bearer Token
}

// Name returns the name that cursors are bound to. It is the same for all tokens
// of a caller if the subject is known. In passthrough a caller can claim another
// subject. This reveals only a lead's position in a list; reading it still takes
// the caller's own token.
func (c Caller) Name() string { return cmp.Or(c.Subject, c.Partition) }

// Token is an access token whose text does not appear when it is printed, logged
// or encoded. The text is held by a pointer because formatting by reflection
// bypasses methods but does not follow a pointer inside a struct.
type Token struct{ text *string }

// Reveal returns the token's text, or "" if there is none.
func (t Token) Reveal() string {
	if t.text == nil {
		return ""
	}
	return *t.text
}

// String implements fmt.Stringer and does not return the token.
func (t Token) String() string {
	if t.text == nil {
		return ""
	}
	return "[redacted]"
}

type callerKey struct{}

// With returns a context that carries the caller.
func With(ctx context.Context, caller Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, caller)
}

// For returns the caller that ctx carries, or the zero Caller.
func For(ctx context.Context) Caller {
	caller, _ := ctx.Value(callerKey{}).(Caller)
	return caller
}

// CheckExposure returns an error if a server without authentication would listen
// on an address that other machines can reach, unless allow is set. A host name
// counts as reachable, because it can resolve to another address later.
func CheckExposure(mode Mode, listenAddr string, allow bool) error {
	if mode != None || allow {
		return nil
	}
	host, _, err := net.SplitHostPort(listenAddr)
	if err != nil {
		return fmt.Errorf("listen address: %w", err)
	}
	if loopback.Is(host) {
		return nil
	}
	return fmt.Errorf("listening on %s would show all leads to anybody who can connect", listenAddr)
}
