// Package generated holds the executable schema that gqlgen makes, and what gqlgen leaves to be
// written by hand.
package generated

import "context"

// EntityResolver resolves what a gateway asks a subgraph. Every resolver root must
// implement it. gqlgen gives the two fields no resolvers, but calls the functions below.
type EntityResolver interface {
	// Entities returns the objects with these keys, in their order, and adds the errors of
	// those that are nil.
	Entities(ctx context.Context, representations []any) []Entity
	// Service returns the schema for composition.
	Service(ctx context.Context) (Service, error)
}

func (ec *executionContext) __resolve_entities(ctx context.Context, representations []any) []Entity { //nolint:revive // gqlgen's name
	return ec.Resolvers.(EntityResolver).Entities(ctx, representations)
}

func (ec *executionContext) __resolve__service(ctx context.Context) (Service, error) { //nolint:revive // gqlgen's name
	return ec.Resolvers.(EntityResolver).Service(ctx)
}
