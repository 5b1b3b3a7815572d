// Package graph is the GraphQL face of leadgraph: the resolvers, the handler
// that carries them over HTTP, and what a client sees of an error.
package graph

import (
	"context"

	"leadgraph/graph/loader"
	"leadgraph/lead"
)

//go:generate go tool gqlgen generate

// Reader reads leads from the platform. Its failures are *lead.SourceError. It
// is called concurrently.
type Reader interface {
	loader.Reader
	// LeadsPage reads one page in the platform's own order. Pages count from
	// zero; a page behind the end is empty, a short one is the last.
	LeadsPage(ctx context.Context, page, size int) ([]*lead.Lead, error)
}

// Resolver answers the root fields. It holds no state of its own.
type Resolver struct{ options Options }
