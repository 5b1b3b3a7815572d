// Package guard protects the platform from the client and the client from the
// platform. All calls of one platform share the limits of a [Guard], whichever caller
// they are for.
//
// # Limits
//
// A Guard limits how many attempts are under way at the same time, and how many
// start in a second. Reads with checkOnline have a limit of their own, because they
// wait for Microsoft.
//
// # Retries
//
// A read that may succeed next time is retried after a random wait, within the time
// of its call. All retries together are limited to a tenth of the calls, so that
// they do not multiply the load on a platform that fails.
//
// # Gates
//
// After a 429, no call of the same kind is sent until the time that the platform
// demands has passed. Then a few calls are sent, and more after each success. A call
// that cannot wait for its turn fails immediately. [Guard.ShareGates] makes other
// replicas stop as well.
//
// # Circuit breaker
//
// While the platform fails, a circuit breaker makes calls fail immediately.
//
// # Callers
//
// With [Guard.Callers], callers with tokens of their own have gates and a breaker of
// their own too. What several of them meet one after the other stops all.
//
// [Options.Observe] and [WireOptions.Observe] see every attempt, and [Guard.State]
// reports the present state. docs/decisions.md gives the reasons for each number.
package guard
