// Package upstream is the client of the AudioCodes Live Platform. It reads
// Operator Connect leads from the platform's REST API and returns them as the
// types of package lead.
//
// Its parts are packages of their own: [leadgraph/upstream/reader] reads the
// JSON, [leadgraph/upstream/guard] limits and retries requests, and
// [leadgraph/upstream/token] obtains bearer tokens.
//
// # The API
//
// There is one read, GET {base}/api/v2/oc/lead. It returns the leads of one tenant
// [GSL] or a page of all leads [GAL]; a tag names the AudioCodes page that states a
// fact. The read takes a tenant filter, a page number and a page size. The
// documents mention no order, no total and no link to the next page. Requests carry
// a bearer token from the OAuth 2.0 client credentials grant [AUTH].
//
// # Quirks and the rules adopted for them
//
//   - The first page is 0 on one page of the documents [GSL] and 1 on another
//     [GAL]. The default of [Options.FirstPage] is 0: asking a 1-based server for
//     page 0 fails visibly, but asking a 0-based server for page 1 loses rows
//     silently. A tenant lookup that finds page 0 empty asks for page 1 before it
//     answers "none". This ends once page 0 has returned a row, which proves that
//     it exists. Before any other page of the list is read, pages 0, 1 and 2 are
//     compared to determine the first.
//   - The documented default page sizes differ too (100 and 10; the maximum is
//     20,000). The client therefore always sends page number and size.
//   - If the platform ignores or cuts the size, short pages appear in the middle of
//     the list. A walk therefore stops at an empty page or at one without a new lead,
//     never at a short one. Its pages overlap, so that it notices a list that changes. A single page that is short is confirmed to end the list
//     or refused as cut; [Client.MaxPageSize] then falls to the cap. A page with more
//     rows than requested is refused, except where the position of a lead does not
//     matter.
//   - A page past the end may be an empty list, null, a missing body, or a refusal
//     (400, 404, 410, 416). A refusal counts as the end only where the list is proven
//     to end. [Client.Facts] returns all that was learnt.
//   - A row without an id or a proper tenantId is passed on as nil, so that the other
//     rows keep their places. Such rows are counted, logged and reported to
//     [Options.ObserveUnreadable]. If no row of a lookup or a walk can be read, the
//     answer is a bad response.
//   - The tenant filter is spelt msTenantID [GSL] and msTenantId [GAL]. A server
//     that does not know the spelling returns the leads of all tenants. Rows of
//     another tenant are refused as a bad response.
//   - A tenant can have several leads [TRG], so a lookup returns a list.
//   - For an unknown tenant the platform returns an empty list, a missing body, or a
//     404 with JSON or without a body. A 404 that does not name the lead counts only
//     if the endpoint has ever answered leads.
//   - checkOnline=true makes the platform ask Microsoft and store the result [GAL].
//     The client sends it only on request, and only once: neither the client nor
//     a transport retries it. These reads have a time-out and a concurrency limit of
//     their own.
//   - Reading a page of leads may make the platform fetch their addresses and store
//     them [GAL]. Doing this twice does no harm, so pages are retried like lookups.
//     A page is never requested twice at the same time.
//   - Error bodies have at least five forms, so only the status decides. An
//     errorTicket and a traceId are kept for the platform's support.
//
// # Failures
//
// Every failure is a [*lead.SourceError], with one exception: if the caller cancels,
// or its deadline passes, the error is that of its context. Apart from errorTicket
// and traceId, no content of a body reaches an error or a log.
//
// [Options.Observe] sees every attempt, and [Client.State] reports the state of
// limits, breaker and token.
//
// docs/decisions.md gives the reasons for this design.
package upstream
