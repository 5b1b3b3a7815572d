// Package pagination implements Relay's first, after, last and before: opaque
// cursors, the check of the arguments, the plan of upstream pages that hold a
// window of rows, and the cut of the window from the rows of those pages. It
// does no I/O of its own and knows neither GraphQL nor leads.
//
// The position of a row in a list is zero-based. Lists change between two requests,
// so a cursor names more than a position. In a list with an order it holds the
// value and the id of its row, which have a place in any later list. In the
// platform's own order it holds anchors, hashes of the ids of its row and of rows
// around it. Cut, for a list in memory, finds the place that agrees with most of
// them. Source.Read, for a list that is read in pages, only looks for the row
// itself, at its old position and then around it; if the row is gone, the page
// starts at the old position. Both cut with the same code. Texts of cursors are
// encrypted.
//
// Everything here is safe for concurrent use.
package pagination
