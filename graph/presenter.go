package graph

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"leadgraph/graph/export"
	"leadgraph/graph/live"
	"leadgraph/graph/pagination"
	"leadgraph/internal/admission"
	"leadgraph/internal/errcode"
	"leadgraph/lead"
	"leadgraph/lead/changes"
)

// presenter turns every error of an operation into an error that a client may
// see, with a code of the closed list, a message for users and the request id.
// Unknown errors are logged in full and shown as internal errors.
type presenter struct {
	logger    *slog.Logger
	requestID func(context.Context) string
	// callersToken is Options.CallersToken.
	callersToken bool
}

// present implements graphql.ErrorPresenterFunc.
func (p presenter) present(ctx context.Context, err error) *gqlerror.Error {
	shown := &gqlerror.Error{Path: graphql.GetPath(ctx), Extensions: map[string]any{}}
	if located, ok := errors.AsType[*gqlerror.Error](err); ok {
		shown.Locations = located.Locations
		if located.Path != nil {
			shown.Path = located.Path
		}
	}
	if shown.Locations == nil {
		shown.Locations = fieldLocations(ctx)
	}
	p.describe(err, shown)
	p.note(ctx, err, shown.Extensions["code"])
	if id := p.requestID(ctx); id != "" {
		shown.Extensions["requestId"] = id
	}
	return shown
}

// fieldLocations returns where the document selects the field that a context
// belongs to, or nil.
func fieldLocations(ctx context.Context) []gqlerror.Location {
	field := graphql.GetFieldContext(ctx)
	for field != nil && field.Field.Field == nil { // an item of a list
		field = field.Parent
	}
	if field == nil || field.Field.Position == nil {
		return nil
	}
	return []gqlerror.Location{{Line: field.Field.Position.Line, Column: field.Field.Position.Column}}
}

// note logs the errors that an operator may have to act on.
func (p presenter) note(ctx context.Context, err error, code any) {
	if source, ok := errors.AsType[*lead.SourceError](err); ok {
		p.logger.WarnContext(ctx, "upstream failure", "code", code, "cause", source.Error())
		return
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		p.logger.WarnContext(ctx, "upstream failure", "code", code, "cause", "no response before the request timed out")
	case code == errcode.Internal && !errors.Is(err, errPanic):
		p.logger.ErrorContext(ctx, "internal error", "error", err)
	}
}

// codeOf returns the code that a client sees for the error of a field, or "".
func (p presenter) codeOf(err error) string {
	if err == nil {
		return ""
	}
	shown := &gqlerror.Error{Extensions: map[string]any{}}
	p.describe(err, shown)
	code, _ := shown.Extensions["code"].(string)
	return code
}

func (p presenter) describe(err error, shown *gqlerror.Error) {
	if located, ok := errors.AsType[*gqlerror.Error](err); ok && located.Err == nil && located.Extensions["code"] != nil {
		describeRequest(located, shown)
		return
	}
	if source, ok := errors.AsType[*lead.SourceError](err); ok {
		describeSource(source, shown)
		if p.callersToken && source.Kind == lead.FailureAuth {
			describeToken(source, shown)
		}
		return
	}
	if argument, ok := errors.AsType[*pagination.ArgumentError](err); ok {
		setCode(shown, errcode.BadUserInput, argument.Error())
		shown.Extensions["argument"] = argument.Argument
		if argument.Cursor != nil {
			shown.Extensions["reason"] = argument.Cursor.Reason
		}
		return
	}
	if filter, ok := errors.AsType[*lead.FilterError](err); ok {
		setCode(shown, errcode.BadUserInput, filter.Error())
		shown.Extensions["argument"] = filter.Path
		return
	}
	switch {
	case errors.Is(err, changes.ErrExpired):
		setCode(shown, errcode.ChangeCursorExpired, "after: the changes after this position are no longer known. Read the list again.")
		shown.Extensions["argument"] = "after"
	case errors.Is(err, export.ErrGone):
		setCode(shown, errcode.ExportCursorExpired, "after: the leads have changed since. Start the export again.")
		shown.Extensions["argument"] = "after"
	case errors.Is(err, live.ErrTokenExpired):
		setCode(shown, errcode.Unauthenticated, "The access token has expired.")
	case errors.Is(err, admission.ErrCrowded):
		setCode(shown, errcode.Overloaded, "The server is overloaded.")
		shown.Extensions["retryAfterMs"] = admission.Later().Milliseconds()
	case errors.Is(err, graphql.ErrInvalidNull):
		setCode(shown, errcode.UpstreamBadResponse, "The platform sent no value for a required field.")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		setCode(shown, errcode.UpstreamTimeout, "The request ended before the platform answered.")
	default:
		setCode(shown, errcode.Internal, "Internal error.")
	}
}

// recover implements graphql.RecoverFunc. The value of a panic may hold a lead,
// so the log gets only messages of the Go runtime, and otherwise the value's
// type.
func (p presenter) recover(ctx context.Context, value any) error {
	cause := fmt.Sprintf("%T", value)
	if err, ok := value.(runtime.Error); ok {
		cause = err.Error()
	}
	p.logger.ErrorContext(ctx, "panic", "cause", cause, "stack", string(debug.Stack()))
	return errPanic
}

// errPanic replaces a panic, which is logged where it happens.
var errPanic = errors.New("panic")

func setCode(shown *gqlerror.Error, code, message string) {
	shown.Extensions["code"], shown.Message = code, message
}

// describeToken blames the caller's token for the platform's refusal.
func describeToken(failure *lead.SourceError, shown *gqlerror.Error) {
	if failure.Status == http.StatusForbidden {
		setCode(shown, errcode.Forbidden, "The platform does not allow this caller to read leads.")
		return
	}
	setCode(shown, errcode.Unauthenticated, "The platform refused the access token.")
}

// describeSource describes a failure of the platform without naming hosts or
// repeating bodies.
func describeSource(failure *lead.SourceError, shown *gqlerror.Error) {
	switch failure.Kind {
	case lead.FailureTimeout:
		setCode(shown, errcode.UpstreamTimeout, "The platform did not answer in time.")
	case lead.FailureRateLimited:
		setCode(shown, errcode.UpstreamRateLimited, "The platform is rate limiting us.")
	case lead.FailureRejected:
		setCode(shown, errcode.UpstreamRejected, "The platform refused the request.")
	case lead.FailureBadResponse:
		setCode(shown, errcode.UpstreamBadResponse, "The platform's response could not be parsed.")
	case lead.FailureAuth:
		setCode(shown, errcode.UpstreamAuth, "The platform refused this server's credentials.")
	default:
		setCode(shown, errcode.UpstreamUnavailable, "The platform cannot be reached or is failing.")
	}
	if failure.RetryAfter > 0 {
		shown.Extensions["retryAfterMs"] = failure.RetryAfter.Milliseconds()
	}
	if failure.ErrorTicket != "" {
		shown.Extensions["errorTicket"] = failure.ErrorTicket
	}
	if failure.TraceID != "" {
		shown.Extensions["traceId"] = failure.TraceID
	}
}

// describeRequest describes an error that was found before execution: by the
// parser, by validation or by our own checks of the input. The messages of
// gqlparser repeat values of the document and of variables. These may be
// personal data, so they are removed. Names of fields, types and arguments
// stay, because a developer needs them.
func describeRequest(found, shown *gqlerror.Error) {
	maps.Copy(shown.Extensions, found.Extensions)
	shown.Message = found.Message
	switch {
	case found.Extensions["code"] == errcode.ParseFailed:
		shown.Message = syntaxMessage(found.Message)
	case unknownOperation.MatchString(found.Message):
		shown.Message = "operationName: must name an operation of the document."
	}
}

// expectation matches the parser's messages about a token. It keeps the content
// of a token only for a name, never for a string, a number or a comment.
var expectation = regexp.MustCompile(`^(?:Expected \S+, found|Unexpected) (?:Name "\w{1,64}"|\S{1,12})`)

// unknownOperation matches gqlgen's message that the document has no operation with
// the requested name, which may be any text.
var unknownOperation = regexp.MustCompile(`(?s)^operation .* not found$`)

func syntaxMessage(message string) string {
	if strings.HasPrefix(message, "exceeded ") {
		return "Syntax error: " + message + "."
	}
	if known := expectation.FindString(message); known != "" {
		return "Syntax error: " + known + "."
	}
	return "Syntax error."
}
