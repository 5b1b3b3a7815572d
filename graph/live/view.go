// Package live shows the log of changes to clients of GraphQL: as pages, and as streams
// that follow the log.
//
// A stream keeps a position and reads the log when its client has taken the batch before.
// The log is the queue of all streams, so a slow client holds one batch and nothing else.
package live

import (
	"context"
	"errors"
	"time"

	"leadgraph/graph/generated"
	"leadgraph/graph/pagination"
	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/changes"
)

// View is a log as one caller sees it through a filter. It is safe for concurrent use.
type View struct {
	Log    *changes.Log
	Filter *lead.Filter // valid
	// Seal seals cursors for Caller.
	Seal   *pagination.Seal
	Caller string
	// Visible returns a lead as the caller may see it, and Personal says whether the caller
	// may know which personal data have changed.
	Visible  func(*lead.Lead) *lead.Lead
	Personal bool
	Wants    Wants
	// Shared is what streams use together. Optional.
	Shared *Shared
}

// Wants says which parts of a change are selected that cost something.
type Wants struct{ Cursor, Edge, Changed bool }

// Open returns the position of a cursor. The error is changes.ErrExpired if the log does not
// know what follows it, and a *pagination.ArgumentError for a text that no server gives to a
// client with this filter.
func (v *View) Open(ctx context.Context, text string) (changes.Position, error) {
	cursor, err := v.Seal.OpenChange(text, v.Caller)
	refused, _ := errors.AsType[*pagination.CursorError](err)
	switch {
	case refused == pagination.ErrMalformed:
		return changes.Position{}, pagination.RefuseCursor("after", refused)
	case err != nil: // a key that was made up is lost on restart
		return changes.Position{}, changes.ErrExpired
	case cursor.Fingerprint != v.fingerprint():
		return changes.Position{}, pagination.RefuseCursor("after", pagination.ErrOtherList)
	}
	at := changes.Position{
		Revision: catalogue.Revision{Log: cursor.Log, Number: cursor.Revision, Tag: cursor.Tag}, Index: cursor.Index,
	}
	return at, v.Log.Find(ctx, at)
}

func (v *View) fingerprint() uint64 { return catalogue.Fingerprint(v.Filter, lead.Order{}) }

// Cursor returns the cursor of a position whose leads were read at asOf.
func (v *View) Cursor(at changes.Position, asOf time.Time) string {
	return v.Seal.ChangeText(pagination.ChangeCursor{
		Log: at.Revision.Log, Revision: at.Revision.Number, Tag: at.Revision.Tag, Index: at.Index, Fingerprint: v.fingerprint(), AsOf: asOf,
	}, v.Caller)
}

// Page returns what was read as a page that begins after a cursor.
func (v *View) Page(after string, b changes.Batch) *generated.LeadChangeConnection {
	c := &generated.LeadChangeConnection{
		Nodes: v.changes(b.Entries), Cursor: v.Cursor(b.Next, b.AsOf), HasNextPage: b.More, AsOf: shown(b.AsOf), Revision: Name(b.Next),
	}
	c.PageInfo = &generated.PageInfo{HasNextPage: b.More, StartCursor: &after, EndCursor: &c.Cursor}
	c.Edges = make([]*generated.LeadChangeEdge, len(c.Nodes))
	for i, node := range c.Nodes {
		c.Edges[i] = &generated.LeadChangeEdge{Cursor: node.Cursor, Node: node}
	}
	if len(c.Nodes) > 0 && v.Wants.Cursor {
		c.PageInfo.StartCursor = &c.Nodes[0].Cursor
	}
	return c
}

// Name returns the name of the revision that is complete at a position, or nil in the midst
// of one.
func Name(at changes.Position) *string {
	name := at.Revision.String()
	if at.Index > 0 || name == "" {
		return nil
	}
	return &name
}

func (v *View) batch(b changes.Batch, reset bool) *generated.LeadChangeBatch {
	return &generated.LeadChangeBatch{
		Changes: v.Shared.changes(v, b.Entries), Cursor: v.Cursor(b.Next, b.AsOf), Reset: reset, AsOf: shown(b.AsOf), Revision: Name(b.Next),
	}
}

func (v *View) changes(entries []changes.Entry) []*generated.LeadChange {
	list := make([]*generated.LeadChange, len(entries))
	for i, entry := range entries {
		list[i] = v.change(entry)
	}
	return list
}

func (v *View) change(e changes.Entry) *generated.LeadChange {
	c := &generated.LeadChange{
		Kind: e.Kind, ObservedAt: shown(e.AsOf), Lead: v.Visible(e.After), Before: v.Visible(e.Before), Changed: []string{},
	}
	if v.Wants.Cursor {
		c.Cursor = v.Cursor(e.At, e.AsOf)
	}
	switch e.Kind {
	case changes.Removed, changes.Left:
		c.RemovedID = &e.Before.ID
	case changes.Created, changes.Entered:
		if v.Wants.Edge {
			c.Edge = &generated.LeadEdge{Cursor: v.place(e), Node: c.Lead}
		}
	}
	if v.Wants.Changed && e.Before != nil && e.After != nil {
		c.Changed = lead.Changed(e.Before, e.After, v.Personal)
	}
	return c
}

// place returns the cursor of a lead that is new in the list. The log does not know its
// place there, but a list finds a lead by its anchor.
func (v *View) place(e changes.Entry) string {
	list := pagination.List{Kind: pagination.KindCatalogue, Fingerprint: v.fingerprint()}
	if list.Fingerprint == 0 {
		list.Kind = pagination.KindUpstream
	}
	return v.Seal.Text(pagination.Cursor{List: list, AsOf: e.AsOf, Anchor: lead.AnchorHash(e.After.ID)}, v.Caller)
}

// shown returns a time in the precision of answers.
func shown(t time.Time) time.Time { return t.Truncate(time.Millisecond) }
