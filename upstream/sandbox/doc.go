// Package sandbox is a stand-in for the AudioCodes Live Platform: an HTTP
// server with the platform's token endpoint and its lead endpoint over invented
// leads. It lets leadgraph run with no credentials and no network, and tests
// meet the documented quirks and faults over real HTTP. It shares no type and
// no decoder with leadgraph's client, so that an error in one of them cannot
// hide in the other.
//
// # Platform endpoints
//
//	POST /{directory}/oauth2/v2.0/token   OAuth 2.0 client credentials, any directory [ENTRA]
//	GET  /tenantui/api/v2/oc/lead         leads by tenant or by page [GSL, GAL]; also without /tenantui
//	GET  /healthz                         answers "ok"
//
// The tags in square brackets name the documents that a fact comes from; where
// no document speaks the comment says "guess".
//
// # Control endpoints
//
// They need no token and are meant for a loopback listener only; a request that
// a browser sends from another origin is refused.
//
//	GET    /sandbox/calls         the counts, as [Calls]
//	POST   /sandbox/calls/reset   starts them anew
//	POST   /sandbox/faults        queues a [Fault]; its durations are texts such as "250ms"
//	DELETE /sandbox/faults        forgets all queued faults
//	POST   /sandbox/shift         moves rows by a [Shift]; answers {"inserted":[ids],"removed":[ids]}
//
// For example, this makes the next two lead calls fail:
//
//	curl -d '{"kind":"lead","times":2,"status":503,"retryAfter":"1"}' localhost:9090/sandbox/faults
//
// and this makes all leads of the next page have a state that nobody knows:
//
//	curl -d '{"kind":"page","set":{"status":"Dormant"}}' localhost:9090/sandbox/faults
package sandbox
