package persisted

import (
	"encoding/json"
	"strings"

	"leadgraph/internal/errcode"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// hashPrefix marks an identifier as a hash in GraphQL over HTTP and in the
// manifests of graphql-codegen. Apollo's protocol uses the digits without it.
const hashPrefix = "sha256:"

// reference is how a request names a document.
type reference struct {
	id          string // without hashPrefix; empty if the request names none
	byExtension bool   // named by extensions.persistedQuery, not by documentId
}

func referenceOf(params *graphql.RawParams, documentID string) (reference, *gqlerror.Error) {
	documentID = strings.TrimPrefix(documentID, hashPrefix)
	extension := params.Extensions["persistedQuery"]
	if extension == nil {
		return reference{id: documentID}, nil
	}
	hash, err := decodeExtension(extension)
	if err != nil {
		return reference{}, err
	}
	named := reference{id: strings.TrimPrefix(hash, hashPrefix), byExtension: true}
	if documentID != "" && documentID != named.id {
		return reference{}, refuse(errcode.BadUserInput, "documentId: must name the same document as extensions.persistedQuery.")
	}
	return named, nil
}

// decodeExtension returns the identifier in sha256Hash. It may be any text,
// because Apollo Client sends the identifiers of a manifest there. Unknown
// members are allowed: urql adds one.
func decodeExtension(extension any) (string, *gqlerror.Error) {
	members, ok := extension.(map[string]any)
	if !ok {
		return "", refuse(errcode.BadUserInput, "extensions.persistedQuery: must be an object.")
	}
	if !isOne(members["version"]) {
		return "", refuse(errcode.BadUserInput, "Unsupported persisted query version")
	}
	hash, _ := members["sha256Hash"].(string)
	if hash == "" {
		return "", refuse(errcode.BadUserInput, "extensions.persistedQuery.sha256Hash: must be a string.")
	}
	return hash, nil
}

// isOne reports whether a value is the number 1, decoded with or without
// UseNumber.
func isOne(version any) bool {
	return version == json.Number("1") || version == float64(1)
}

func (r reference) mismatch() *gqlerror.Error {
	if r.byExtension {
		return refuse(errcode.BadUserInput, "provided sha does not match query")
	}
	return refuse(errcode.BadUserInput, "documentId: must name the document in query.")
}
