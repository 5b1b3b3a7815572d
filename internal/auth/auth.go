// Package auth says who calls and what the caller may see. It authenticates a
// request by its Authorization header, in one of three modes: everybody may do
// everything, access tokens are verified here, or they are passed on to the
// platform, which verifies them.
package auth

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
)

// Mode is how callers are authenticated.
type Mode string

// The modes.
const (
	// None asks nobody: every caller may read everything.
	None Mode = "none"
	// JWT verifies access tokens against an issuer's published keys.
	JWT Mode = "jwt"
	// Passthrough demands an access token and leaves judging it to the platform.
	Passthrough Mode = "passthrough"
)

// Caller is who sent a request. The zero value may do nothing, so that a request
// that was never authenticated reads nothing. It is comparable and safe for
// concurrent use.
type Caller struct {
	// Partition is the part of every cache, shared read and cursor that the
	// caller may use. It is empty where all callers see the same leads; in
	// passthrough it is a keyed hash of the token, never the token.
	Partition string
	// Subject names the caller across tokens: the issuer and the subject of the
	// token. It is personal data and never logged. In passthrough nobody has
	// verified it.
	Subject string
	// Expires is when the token ends, leeway included: a connection that lives
	// longer has to be closed then. Zero means never, or not known here.
	Expires time.Time
	// CanRead lets the caller read leads.
	CanRead bool
	// CanPII lets the caller read the personal data in them.
	CanPII bool
	// Bearer is the token to send to the platform; only in passthrough.
	Bearer Token
}

// Name is whom cursors are good for, across tokens where that can be known. In
// passthrough a caller can claim to be another; all that gains him is the place
// of a lead in a list, which he still reads with his own token.
func (c Caller) Name() string { return cmp.Or(c.Subject, c.Partition) }

// Token is an access token that does not show itself when it is printed, logged
// or encoded. The text is behind a pointer because formatting by reflection
// passes by methods but not through a pointer inside a struct.
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

// For returns the caller that ctx carries, or one that may do nothing.
func For(ctx context.Context) Caller {
	caller, _ := ctx.Value(callerKey{}).(Caller)
	return caller
}

// CheckExposure refuses to let a server without authentication listen where
// other machines reach it, unless allow says that this is intended. A host name
// counts as reachable, because what it resolves to can change.
func CheckExposure(mode Mode, listenAddr string, allow bool) error {
	if mode != None || allow {
		return nil
	}
	host, _, err := net.SplitHostPort(listenAddr)
	if err != nil {
		return fmt.Errorf("listen address: %w", err)
	}
	if address, err := netip.ParseAddr(host); err == nil && address.Unmap().IsLoopback() {
		return nil
	}
	if strings.EqualFold(host, "localhost") {
		return nil
	}
	return fmt.Errorf("listening on %s would show all leads to everybody who reaches it", listenAddr)
}
