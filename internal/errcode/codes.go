// Package errcode defines the public error codes, a closed list. Clients find
// them in errors[].extensions.code.
package errcode

import (
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// The public error codes.
const (
	BadUserInput        = "BAD_USER_INPUT"
	ParseFailed         = errcode.ParseFailed
	ValidationFailed    = errcode.ValidationFailed
	Unauthenticated     = "UNAUTHENTICATED"
	Forbidden           = "FORBIDDEN"
	TooComplex          = "QUERY_TOO_COMPLEX"
	UpstreamUnavailable = "UPSTREAM_UNAVAILABLE"
	UpstreamTimeout     = "UPSTREAM_TIMEOUT"
	UpstreamRateLimited = "UPSTREAM_RATE_LIMITED"
	UpstreamRejected    = "UPSTREAM_REJECTED"
	UpstreamBadResponse = "UPSTREAM_BAD_RESPONSE"
	UpstreamAuth        = "UPSTREAM_AUTH"
	Overloaded          = "OVERLOADED"
	ChangeCursorExpired = "CHANGE_CURSOR_EXPIRED"
	ExportCursorExpired = "EXPORT_CURSOR_EXPIRED"
	Internal            = "INTERNAL_SERVER_ERROR"

	// By these, client libraries decide whether to send the whole document, to stop
	// using hashes or to give up.
	PersistedNotFound     = "PERSISTED_QUERY_NOT_FOUND"
	PersistedNotSupported = "PERSISTED_QUERY_NOT_SUPPORTED"
	PersistedRequired     = "PERSISTED_QUERY_REQUIRED"
)

// All returns all codes, the most severe first. docs/errors.md explains them.
func All() []string {
	return []string{
		Internal, UpstreamAuth, UpstreamBadResponse, UpstreamRejected, UpstreamUnavailable, UpstreamTimeout, UpstreamRateLimited,
		Overloaded, TooComplex, Unauthenticated, Forbidden, BadUserInput, ChangeCursorExpired, ExportCursorExpired, ValidationFailed, ParseFailed,
		PersistedRequired, PersistedNotSupported, PersistedNotFound,
	}
}

// BadInput returns the error for an argument that is refused before the
// platform is called.
func BadInput(argument, message string, at *ast.Position) *gqlerror.Error {
	err := &gqlerror.Error{
		Message:    argument + ": " + message,
		Extensions: map[string]any{"code": BadUserInput, "argument": argument},
	}
	if at != nil {
		err.Locations = []gqlerror.Location{{Line: at.Line, Column: at.Column}}
	}
	return err
}
