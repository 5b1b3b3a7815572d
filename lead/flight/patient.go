package flight

import (
	"context"
	"time"
)

// Patient returns a context that leaves a fifth of the request's time for another
// answer. Without a deadline it is ctx itself.
func Patient(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, bounded := ctx.Deadline()
	if !bounded {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, deadline.Add(-time.Until(deadline)/5))
}
