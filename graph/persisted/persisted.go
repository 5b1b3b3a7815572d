// Package persisted lets a request name a GraphQL document instead of sending
// it.
//
// There are two kinds of known documents. Clients register documents under
// their SHA-256 hash, which is Apollo's protocol of automatic persisted queries
// (APQ). Manifests, written by the build of the front-ends, hold trusted
// documents. A request names a document by documentId, which GraphQL over HTTP
// defines, or by extensions.persistedQuery, which Apollo Client and urql send.
// The result is only text: limits, validation and the query cache apply to it
// as to any document.
package persisted

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"leadgraph/internal/errcode"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// The two messages are part of Apollo's protocol: urql compares them and
// ignores the codes.
const (
	messageNotFound     = "PersistedQueryNotFound"
	messageNotSupported = "PersistedQueryNotSupported"
)

// Store keeps registered documents by the SHA-256 hash of their text, in
// lower-case hexadecimal digits. It may lose documents at any time, and a
// failure counts as a miss: the client then sends the document again. Documents
// are not hashed again after Get, so a Store that others can write to must do that.
// A Store must be safe for concurrent use.
type Store interface {
	Get(ctx context.Context, hash string) (document string, ok bool)
	Put(ctx context.Context, hash, document string)
}

// Documents resolves the documents that requests name. The zero value knows
// none. It is safe for concurrent use as long as its fields do not change.
type Documents struct {
	// Automatic keeps the documents that clients register; nil turns APQ off.
	Automatic Store
	// Trusted holds the documents of the manifests; nil if there are none.
	Trusted *Manifest
	// TrustedOnly refuses every document that is not in Trusted, which also
	// turns APQ off.
	TrustedOnly bool
}

// Registration is a document that a client wants to register and that has not
// been validated yet. The zero value registers nothing.
type Registration struct {
	hash, document string
}

// Resolve sets params.Query if the request names a known document by documentID
// or by its persistedQuery extension. It does not change a request that names
// none, unless TrustedOnly is set. If a request names a document and also sends
// a text, the two must be the same, so that there is no doubt which one runs.
// The codes of its errors are BAD_USER_INPUT and those of this package; the
// messages repeat nothing of the request.
//
// Pass the registration to Register once an operation of the document was
// accepted.
func (d *Documents) Resolve(ctx context.Context, params *graphql.RawParams, documentID string) (Registration, *gqlerror.Error) {
	named, err := referenceOf(params, documentID)
	if err != nil {
		return Registration{}, err
	}
	document, trusted := d.Trusted.lookup(named.id)
	switch {
	case trusted && params.Query != "" && params.Query != document:
		return Registration{}, named.mismatch()
	case trusted:
		params.Query = document
		return Registration{}, nil
	case d.TrustedOnly:
		return Registration{}, refuse(errcode.PersistedRequired, "documentId: must name a trusted document.")
	case named.id == "":
		return Registration{}, nil
	case d.Automatic != nil:
		return d.automatic(ctx, params, named)
	case named.byExtension || d.Trusted == nil:
		// Apollo Client and urql send whole documents from now on.
		return Registration{}, refuse(errcode.PersistedNotSupported, messageNotSupported)
	default:
		return Registration{}, refuse(errcode.PersistedNotFound, messageNotFound)
	}
}

// automatic implements Apollo's protocol: a hash alone requests the document,
// and a hash with the document registers it.
func (d *Documents) automatic(ctx context.Context, params *graphql.RawParams, named reference) (Registration, *gqlerror.Error) {
	if params.Query != "" {
		if hashOf(params.Query) != named.id {
			return Registration{}, named.mismatch()
		}
		return Registration{hash: named.id, document: params.Query}, nil
	}
	// Pass only hashes to the store, never other text of a client.
	if isHash(named.id) {
		if document, ok := d.Automatic.Get(ctx, named.id); ok {
			params.Query = document
			return Registration{}, nil
		}
	}
	return Registration{}, refuse(errcode.PersistedNotFound, messageNotFound)
}

// Register stores a document that Resolve of the same Documents returned. It is
// called only after the document was validated, so that nobody can fill the
// store with documents that would never run.
func (d *Documents) Register(ctx context.Context, r Registration) {
	if r.hash != "" {
		d.Automatic.Put(ctx, r.hash, r.document)
	}
}

func refuse(code, message string) *gqlerror.Error {
	return &gqlerror.Error{Message: message, Extensions: map[string]any{"code": code}}
}

func hashOf(document string) string {
	sum := sha256.Sum256([]byte(document))
	return hex.EncodeToString(sum[:])
}

func isHash(id string) bool {
	if len(id) != hex.EncodedLen(sha256.Size) {
		return false
	}
	for _, digit := range []byte(id) {
		if (digit < '0' || digit > '9') && (digit < 'a' || digit > 'f') {
			return false
		}
	}
	return true
}
