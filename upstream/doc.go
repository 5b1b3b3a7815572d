// Package upstream reads Operator Connect leads from the REST API of the
// AudioCodes Live Platform and turns them into package lead's types. Wire shapes,
// and every tolerance for them, stay in here.
//
// # The API
//
// There is one read, GET {base}/api/v2/oc/lead, for one tenant [GSL] or for a
// page of all leads [GAL]; the tags name the AudioCodes pages that state a fact.
// It knows a tenant filter, a page number and a page size; it documents no order,
// no total and no next link. Access is by a bearer token of the OAuth 2.0 client
// credentials grant [AUTH].
//
// # Quirks and the rules adopted for them
//
//   - The first page is 0 on one page of the documents [GSL] and 1 on another
//     [GAL]. [Options.FirstPage] is 0: asking a 1-based server for page 0 fails
//     visibly, asking a 0-based one for page 1 loses rows silently. A tenant
//     lookup that finds page 0 empty asks page 1 before it answers "none", until
//     page 0 has proven itself by answering a row.
//   - Page size defaults differ too (100 and 10, at most 20,000), so number and
//     size are always sent.
//   - If the size is ignored, short pages arrive in the middle of the list: a
//     walk stops at an empty page or one without a new lead, never at a short one.
//     A page that is longer than asked for is refused, unless its leads are wanted
//     wherever they stand.
//   - The tenant filter is spelt msTenantID [GSL] and msTenantId [GAL]. A server
//     that does not know the spelling answers everybody's leads; rows of another
//     tenant are refused as a bad response.
//   - A tenant can have several leads [TRG], so a lookup yields a list.
//   - An unknown tenant is an empty list or a 404 with a bare lead-error string.
//   - checkOnline=true makes the platform ask Microsoft and store what it learns
//     [GAL]. It is sent only when asked for, and only once: never retried, not even
//     by net/http. It has a time-out and a number of places of its own.
//   - A page of leads may make the platform fetch their addresses and store them
//     [GAL]. To do that twice does no harm, so pages are retried like lookups, but
//     nothing is ever asked for twice at a time.
//   - The answer is a bare array [GSL] or an array in an array [GAL]; a single
//     object and an envelope with data are read too. Ids come as text or number,
//     times with and without zone, year 1 for "unset", collections as null or [].
//     What is oddly typed becomes absent and is counted in a warning, but a lead
//     without id or tenantId fails the page: to drop it silently would shift the
//     ordinals that paging rests on.
//   - Error bodies have at least five forms, so the status alone decides; an
//     errorTicket and a traceId are kept for the platform's support.
//
// # Reading
//
// Answers are read as they arrive, one lead at a time, by a reader made for the
// purpose; docs/decoder.md has the measurements behind that. The parts of a lead
// that are not wanted are checked to be well-formed and skipped. It accepts and
// refuses what a plain reader over encoding/json does, which is kept in the tests
// to prove it, but for what that can know only because it holds the whole body:
//
//   - a lead, or another member of an envelope, has at most 4 MiB;
//   - an envelope is one from its array of leads on, so an id, a tenantId or
//     another data behind that is an error.
//
// # Bad times
//
// All calls of a platform, whoever they are for, share what guards it. Attempts
// are held to so many at a time and in a second. Reads that may succeed next time
// are retried, after random waits, within the time of their call, and all
// together for at most a tenth of the calls. A circuit breaker makes calls fail at
// once while the platform fails. [Options.Observe] sees every attempt and
// [Client.State] how things stand.
//
// A bearer token is renewed in the background at four fifths of its life, and
// serves until its end if that fails. docs/decisions.md says why all this is as it is.
//
// # Failures
//
// Every failure is a [*lead.SourceError], except that the caller's own
// cancellation or deadline comes back as the error of its context. Beside
// those two references nothing of a body reaches an error or a log.
package upstream
