// Package sandbox simulates the AudioCodes Live Platform: an HTTP server that
// offers the platform's token endpoint and lead endpoint and serves invented
// leads. With it leadgraph runs without credentials or network, and tests
// exercise the documented quirks and faults over real HTTP. It shares no types
// and no decoder with leadgraph's client, so that a mistake in one cannot hide a
// mistake in the other.
//
// With [Server.Live] the leads change by themselves, as those of a platform do.
//
// # Platform endpoints
//
//	POST /{directory}/oauth2/v2.0/token   OAuth 2.0 client credentials, any directory [ENTRA]
//	GET  /tenantui/api/v2/oc/lead         leads by tenant or by page [GSL, GAL]; also without /tenantui
//	GET  /healthz                         answers "ok"
//
// Tags in square brackets name the document that a fact comes from. A fact
// without a document is marked "guess".
//
// # Control endpoints
//
// The control endpoints need no token and are meant for a loopback listener
// only. Cross-origin requests from browsers are refused.
//
//	GET    /sandbox/calls         returns the counts, as [Calls]
//	POST   /sandbox/calls/reset   resets the counts
//	POST   /sandbox/faults        queues a [Fault]; its durations are strings such as "250ms"
//	DELETE /sandbox/faults        removes all queued faults
//	POST   /sandbox/shift         applies a [Shift]; answers {"inserted":[ids],"removed":[ids]}
//
// For example, this makes the next two lead calls fail:
//
//	curl -d '{"kind":"lead","times":2,"status":503,"retryAfter":"1"}' localhost:9090/sandbox/faults
//
// and this gives all leads of the next page an unknown status:
//
//	curl -d '{"kind":"page","set":{"status":"Dormant"}}' localhost:9090/sandbox/faults
package sandbox
