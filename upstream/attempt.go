package upstream

import "context"

// AttemptOf tells, by its context, of which kind the attempt is that a
// round-tripper of Options.Wrap gets, and whether it repeats a failed one.
func AttemptOf(ctx context.Context) (kind string, retry bool) {
	call := callFrom(ctx)
	return call.kind, call.attempts > 1
}
