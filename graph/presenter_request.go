package graph

import (
	"maps"
	"regexp"
	"strings"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"leadgraph/internal/errcode"
)

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
