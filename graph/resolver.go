// Package graph is the GraphQL face of leadgraph: the resolvers, the handler
// that carries them over HTTP, and what a client sees of an error.
package graph

import (
	"context"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/lookup"
)

//go:generate go tool gqlgen generate

// PageReader reads pages of the platform. Its failures are *lead.SourceError.
// It is called concurrently.
type PageReader interface {
	// LeadsPage reads these parts of one page in the platform's own order. Pages
	// count from zero; a page behind the end is empty, a short one is the last.
	LeadsPage(ctx context.Context, page, size int, parts lead.Fields) ([]*lead.Lead, error)
	// EachLead does the same one by one. A lead is valid during the call only;
	// restart is called before the leads come again.
	EachLead(ctx context.Context, page, size int, parts lead.Fields, restart func(), each func(*lead.Lead) error) error
}

// Lookups finds the leads of tenants; see lead.Lookups.
type Lookups interface {
	ByTenants(ctx context.Context, tenantIDs []string, want lead.Freshness) ([]lookup.Lookup, lookup.Report)
	Online(ctx context.Context, tenantID string) (lookup.Lookup, lookup.Report)
}

// Catalogue holds all leads; see lead.Catalogue.
type Catalogue interface {
	Snapshot(ctx context.Context, want lead.Freshness) (*catalogue.Snapshot, catalogue.State, error)
}

// Resolver answers the root fields. It holds no state: what the fields of one
// operation share is in its context.
type Resolver struct{}
