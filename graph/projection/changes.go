package projection

import (
	"time"

	"leadgraph/graph/generated"
	"leadgraph/lead"
	"leadgraph/lead/changes"
)

func declareChange(d *declarations, leads *object[lead.Lead], edge *object[generated.LeadEdge]) *object[generated.LeadChange] {
	kind := enum(d, "LeadChangeKind", map[changes.Kind]string{
		changes.Created: "CREATED",
		changes.Updated: "UPDATED",
		changes.Removed: "REMOVED",
		changes.Entered: "ENTERED",
		changes.Left:    "LEFT",
	})
	type change = generated.LeadChange
	return declare(d, "LeadChange", signatures[change]{
		"kind: LeadChangeKind!": leaf(func(c *change) changes.Kind { return c.Kind }, kind),
		"cursor: ChangeCursor!": leaf(func(c *change) string { return c.Cursor }, text),
		"observedAt: DateTime!": leaf(func(c *change) time.Time { return c.ObservedAt }, requiredMoment),
		"lead: Lead":            child(func(c *change) *lead.Lead { return c.Lead }, leads, nullable),
		"before: Lead":          child(func(c *change) *lead.Lead { return c.Before }, leads, nullable),
		"edge: LeadEdge":        child(func(c *change) *generated.LeadEdge { return c.Edge }, edge, nullable),
		"removedId: ID":         leaf(func(c *change) *string { return c.RemovedID }, optional(text)),
		"changed: [String!]!":   leaf(func(c *change) []string { return c.Changed }, list(text)),
	})
}

func declareChanges(d *declarations, change *object[generated.LeadChange], page *object[generated.PageInfo]) *object[generated.LeadChangeConnection] {
	type (
		edge       = generated.LeadChangeEdge
		connection = generated.LeadChangeConnection
	)
	edges := declare(d, "LeadChangeEdge", signatures[edge]{
		"cursor: ChangeCursor!": leaf(func(e *edge) string { return e.Cursor }, text),
		"node: LeadChange!":     child(func(e *edge) *generated.LeadChange { return e.Node }, change, required),
	})
	return declare(d, "LeadChangeConnection", signatures[connection]{
		"edges: [LeadChangeEdge!]!": child(func(c *connection) []*edge { return c.Edges }, edges, pointers),
		"nodes: [LeadChange!]!":     child(func(c *connection) []*generated.LeadChange { return c.Nodes }, change, pointers),
		"pageInfo: PageInfo!":       child(func(c *connection) *generated.PageInfo { return c.PageInfo }, page, required),
		"cursor: ChangeCursor!":     leaf(func(c *connection) string { return c.Cursor }, text),
		"hasNextPage: Boolean!":     leaf(func(c *connection) bool { return c.HasNextPage }, boolean),
		"asOf: DateTime!":           leaf(func(c *connection) time.Time { return c.AsOf }, requiredMoment),
		"revision: String":          leaf(func(c *connection) *string { return c.Revision }, optional(text)),
	})
}
