package guard

import (
	"context"
	"errors"
	"time"
)

// The kinds of attempts: what they ask for.
const (
	KindLead   = "lead"   // the leads of one tenant
	KindLeads  = "leads"  // a page of all leads
	KindOnline = "online" // the leads of one tenant, with checkOnline
	KindToken  = "token"  // a bearer token
)

// The outcomes of attempts. The list is closed: it may label a metric.
const (
	OutcomeOK          = "ok"
	OutcomeStatus      = "status"       // a status other than 2xx
	OutcomeTimeout     = "timeout"      // no complete answer in time, be it the attempt's or the caller's
	OutcomeConnection  = "connection"   // no answer
	OutcomeCut         = "cut"          // an answer that breaks off
	OutcomeTooLarge    = "too_large"    // an answer, or a lead, over the bound
	OutcomeBadResponse = "bad_response" // an answer that cannot be read as leads
	OutcomeCanceled    = "canceled"     // the caller left, or wanted no more leads
	OutcomeRefused     = "refused"      // not sent: our own limits, or the open circuit breaker
)

// Attempt is one attempt of a call, as Options.Observe gets it. Nothing in it
// tells who or what was asked for.
type Attempt struct {
	Kind    string        // one of the Kind constants
	Outcome string        // one of the Outcome constants
	Status  int           // 0 if there was no answer
	Took    time.Duration // to the last byte that was read; of a refused one, the wait
	Bytes   int64         // of the body, after decompression; of an error only what was read
	Retry   bool          // not the first attempt of its call
}

// leaving is the outcome of an attempt whose caller has left.
func leaving(ctx context.Context) string {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return OutcomeTimeout
	}
	return OutcomeCanceled
}

type attemptKey struct{}

// attemptInfo is what a round-tripper of WireOptions.Wrap can learn.
type attemptInfo struct {
	kind  string
	retry bool
}

// AttemptOf returns of which kind the attempt is that a round-tripper of
// WireOptions.Wrap gets, by the context of its request, and whether it repeats a
// failed one.
func AttemptOf(ctx context.Context) (kind string, retry bool) {
	info, _ := ctx.Value(attemptKey{}).(attemptInfo)
	return info.kind, info.retry
}
