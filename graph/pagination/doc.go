// Package pagination holds the arithmetic of Relay's first, after, last and
// before: opaque cursors, the check of the arguments, the plan of upstream pages
// that hold a window of rows, and the cut of the window out of the rows that
// came. It does no I/O of its own and knows neither GraphQL nor leads.
//
// Rows are named by their zero-based position in a list. A cursor remembers the
// position of its row and a hash of the row's id, its anchor. Lists move between
// two requests, so the anchor is looked for where it was and then around it: a
// page starts where the row is now, and only if the row is gone, at the position
// that it had. Source.Read does so over a list that is read in pages, Slice over
// a list in memory; both cut with the same code.
//
// Everything here is safe for concurrent use.
package pagination
