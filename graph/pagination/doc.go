// Package pagination holds the arithmetic of Relay's first, after, last and
// before: opaque cursors, the check of the arguments, the plan of upstream pages
// that hold a window of rows, and the cut of the window out of the rows that
// came. It does no I/O of its own and knows neither GraphQL nor leads.
//
// Rows are named by their zero-based position in a list. A cursor remembers the
// position of its row and a hash of the row's id, its anchor. Lists move between
// two requests, so a page starts where the anchor's row is now. Source.Read, over
// a list that is read in pages, looks for it where it was and then around it; if
// the row is gone, the page starts at the position that it had. Cut, over a list
// in memory, asks the list, which may know where a row that is gone would be.
// Both cut with the same code.
//
// Everything here is safe for concurrent use.
package pagination
