// Package pagination implements Relay's first, after, last and before: opaque
// cursors, the check of the arguments, the plan of upstream pages that hold a
// window of rows, and the cut of the window from the rows of those pages. It
// does no I/O of its own and knows neither GraphQL nor leads.
//
// The position of a row in a list is zero-based. A cursor holds the position of
// its row and its anchor, a hash of the row's id. Lists change between two
// requests, so a page starts at the current position of the anchor's row.
// Source.Read, for a list that is read in pages, looks for the row at its old
// position and then around it; if the row is gone, the page starts at the old
// position. Cut, for a list in memory, asks the list, which may know where a
// missing row would be. Both cut with the same code.
//
// Everything here is safe for concurrent use.
package pagination
