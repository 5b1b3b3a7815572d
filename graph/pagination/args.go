package pagination

import (
	"cmp"
	"strconv"
	"time"
)

// The defaults of Sizes.
const (
	DefaultSize = 50
	DefaultMax  = 1000
)

// Sizes holds the default and the maximum of a window's rows.
type Sizes struct {
	Default int // rows if neither first nor last is given; 0 means DefaultSize
	Max     int // maximum of first and last; 0 means DefaultMax
}

// Args are the paging arguments of a field, nil if absent.
type Args struct {
	First, Last   *int
	After, Before *Cursor
}

// ArgumentError says which argument is wrong and why, in words for the client.
type ArgumentError struct {
	Argument string
	Reason   string
	// Cursor is why a cursor was refused, or nil for another argument.
	Cursor *CursorError
}

// RefuseCursor returns the error for an argument whose cursor is refused.
func RefuseCursor(argument string, why *CursorError) *ArgumentError {
	return &ArgumentError{Argument: argument, Reason: why.Error(), Cursor: why}
}

// Error returns the argument's name and the reason.
func (e *ArgumentError) Error() string { return e.Argument + ": " + e.Reason }

// Window is a checked request for rows of a list: the first Size rows after
// After or, if Backward, the last Size rows before Before. The cursor on the
// other side, if any, bounds the rows.
type Window struct {
	List          List
	Backward      bool
	Size          int
	After, Before *Cursor
}

// Check turns arguments into a window of the list; its errors are
// *ArgumentError. Without first and last, the window has the default size. It
// then goes backward if before is the only cursor, because the client must want
// the rows next to it.
func Check(args Args, list List, sizes Sizes) (Window, error) {
	most := cmp.Or(sizes.Max, DefaultMax)
	w := Window{
		List:     list,
		Backward: args.Before != nil && args.After == nil,
		Size:     min(cmp.Or(sizes.Default, DefaultSize), most),
		After:    args.After,
		Before:   args.Before,
	}
	for _, size := range []struct {
		argument string
		value    *int
		backward bool
	}{{"first", args.First, false}, {"last", args.Last, true}} {
		switch {
		case size.value == nil:
			continue
		case *size.value < 0:
			return Window{}, &ArgumentError{Argument: size.argument, Reason: "must not be negative"}
		case *size.value > most:
			return Window{}, &ArgumentError{Argument: size.argument, Reason: "must not be greater than " + strconv.Itoa(most)}
		}
		w.Size, w.Backward = *size.value, size.backward
	}
	if args.First != nil && args.Last != nil {
		return Window{}, &ArgumentError{Argument: "last", Reason: "must not be combined with first"}
	}
	if args.After != nil && args.After.List != list {
		return Window{}, RefuseCursor("after", ErrOtherList)
	}
	if args.Before != nil && args.Before.List != list {
		return Window{}, RefuseCursor("before", ErrOtherList)
	}
	if args.After != nil && args.Before != nil && (args.After.Key == nil) != (args.Before.Key == nil) {
		return Window{}, RefuseCursor("before", ErrOtherList)
	}
	return w, nil
}

// Since returns when reading the leads began that the window's cursors come from.
// Older leads must not follow them. It is zero without cursors.
func (w Window) Since() (since time.Time) {
	for _, c := range []*Cursor{w.After, w.Before} {
		if c != nil && c.AsOf.After(since) {
			since = c.AsOf
		}
	}
	return since
}

// ByKey reports whether the window's cursors hold keys rather than anchors.
func (w Window) ByKey() bool {
	start, bound := w.anchors()
	return start != nil && start.Key != nil || bound != nil && bound.Key != nil
}

// FromEnd reports whether the window is counted from the end of the list. Only
// a list of known length can serve it.
func (w Window) FromEnd() bool { return w.Backward && w.Before == nil }

// anchors returns the cursor at which the window starts and the cursor that
// bounds it.
func (w Window) anchors() (start, bound *Cursor) {
	if w.Backward {
		return w.Before, w.After
	}
	return w.After, w.Before
}
