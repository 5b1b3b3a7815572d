// Package graph serves leads over GraphQL: it has the resolvers, the HTTP
// handler and the errors that clients see.
package graph

import (
	"context"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/changes"
	"leadgraph/lead/lookup"
)

//go:generate go tool gqlgen generate

// PageReader reads pages of the platform. Its errors are *lead.SourceError. Its
// methods are called concurrently.
type PageReader interface {
	// LeadsPage reads these parts of one page in the platform's own order.
	// Pages are numbered from zero. A page after the end is empty, and a short
	// page is the last one. A row that cannot be read is nil.
	LeadsPage(ctx context.Context, page, size int, parts lead.Parts) ([]*lead.Lead, error)
	// EachLead is like LeadsPage but calls each for every lead, or with nil. The lead is
	// valid only during that call. If EachLead starts again from the first
	// lead, it calls restart before.
	EachLead(ctx context.Context, page, size int, parts lead.Parts, restart func(), each func(*lead.Lead) error) error
}

// Lookups finds the leads of tenants; see lookup.Lookups.
type Lookups interface {
	ByTenants(ctx context.Context, tenantIDs []string, want lead.Freshness) ([]lookup.Lookup, lookup.Report)
	Online(ctx context.Context, tenantID string) (lookup.Lookup, lookup.Report)
}

// Catalogue holds all leads; see catalogue.Catalogue.
type Catalogue interface {
	Snapshot(ctx context.Context, want lead.Freshness) (*catalogue.Snapshot, catalogue.State, error)
	// AfterMiss returns a newer snapshot than one that does not have a lead, or nil.
	AfterMiss(ctx context.Context, in *catalogue.Snapshot) (*catalogue.Snapshot, catalogue.State)
	// Current returns the snapshot that is at hand, however old, or nil.
	Current(ctx context.Context) *catalogue.Snapshot
	// LastResort returns a snapshot for a page that the platform fails to answer, or nil.
	LastResort(ctx context.Context) *catalogue.Snapshot
}

// Changes keeps the log of what changes in the catalogue of a caller; see changes.Feed.
type Changes interface {
	// Log returns the log of the caller of ctx, or an error if the caller may not read it
	// any more.
	Log(ctx context.Context) (*changes.Log, error)
	// Listen is like Log, and keeps the log up to date until leave is called.
	Listen(ctx context.Context) (log *changes.Log, leave func(), err error)
}

// Resolver resolves the root fields. The fields of one operation share their state in its
// context.
type Resolver struct {
	sdl string // the schema for composition; empty if the server is no subgraph
}
