// Package pagination implements Relay's first, after, last and before: opaque
// cursors, the check of the arguments, the plan of upstream pages that hold a
// window of rows, and the cut of the window from the rows of those pages. It
// does no I/O of its own and knows neither GraphQL nor leads.
//
// The position of a row in a list is zero-based. Lists change between two requests,
// so a cursor names more than a position. In a list with an order it holds the
// value and the id of its row, which have a place in any later list. In the
// platform's own order it holds anchors, hashes of the ids of its row and of rows
// around it, and its place is the one that agrees with most of them. Cut takes the
// window from a list in memory. Source.Read takes it from a list that is read in
// pages, if the anchors among the rows in hand leave no doubt, and otherwise asks for
// the whole list. Texts of cursors are encrypted.
//
// Everything here is safe for concurrent use.
package pagination
