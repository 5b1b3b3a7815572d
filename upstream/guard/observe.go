package guard

import (
	"context"
	"errors"
	"time"
)

// The kinds of attempts, by what they request.
const (
	KindLead   = "lead"   // the leads of one tenant
	KindLeads  = "leads"  // a page of all leads
	KindOnline = "online" // the leads of one tenant, with checkOnline
	KindToken  = "token"  // a bearer token
)

// The outcomes of attempts. The set is fixed, so it can label a metric.
const (
	OutcomeOK          = "ok"
	OutcomeStatus      = "status"       // a status other than 2xx
	OutcomeTimeout     = "timeout"      // no complete answer within the time of the attempt or of the caller
	OutcomeConnection  = "connection"   // no answer
	OutcomeCut         = "cut"          // an incomplete answer
	OutcomeTooLarge    = "too_large"    // an answer or a lead over its limit
	OutcomeBadResponse = "bad_response" // an answer that cannot be read as leads
	OutcomeCanceled    = "canceled"     // the caller canceled, or wanted no more leads
	OutcomeRefused     = "refused"      // not sent, because of our own limits or the open circuit breaker
)

// Attempt describes one attempt of a call to Options.Observe and
// WireOptions.Observe. It does not identify a caller, a tenant or a lead.
type Attempt struct {
	Kind    string        // one of the Kind constants
	Outcome string        // one of the Outcome constants
	Status  int           // 0 if there was no answer
	Took    time.Duration // until the last byte that was read; for a refused attempt, the wait
	Bytes   int64         // of the body after decompression, as far as it was read
	Retry   bool          // true if it is not the first attempt of its call
}

// leaving returns the outcome of an attempt whose context has ended.
func leaving(ctx context.Context) string {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return OutcomeTimeout
	}
	return OutcomeCanceled
}

type attemptKey struct{}

// attemptInfo is what the context of an attempt says about it.
type attemptInfo struct {
	call  *Call
	retry bool
}

// AttemptOf returns the kind of an attempt, and whether it repeats a failed one. ctx
// is the context of a request that a round-tripper from WireOptions.Wrap gets.
func AttemptOf(ctx context.Context) (kind string, retry bool) {
	info, ok := ctx.Value(attemptKey{}).(*attemptInfo)
	if !ok {
		return "", false
	}
	return info.call.Kind, info.retry
}
