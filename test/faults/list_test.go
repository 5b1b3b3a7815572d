package faults

import (
	"time"

	"leadgraph/upstream/sandbox"
)

const (
	dnsFailure = "the name does not resolve"
	// mostPages bounds the walk over all leads.
	mostPages = 5
	always    = -1
	forever   = time.Hour
	// together is how long a 429 takes, so that the other calls of the operation are sent
	// before it closes the gate.
	together = 200 * time.Millisecond
	// mostBody is the largest body that leadgraph accepts, in bytes; tooLarge is more.
	mostBody, tooLarge = 4 << 20, 5 << 20
)

// onlyTenant is the kind of the calls for one of several tenants.
const onlyTenant = sandbox.KindTenant + ":" + secondTenant

// fault is a row of the matrix: what goes wrong and what must result.
type fault struct {
	name string
	// faults are injected into the sandbox. Without a kind they hit the calls of the
	// operation; with several tenants, only those of one.
	faults []sandbox.Fault
	// network causes a failure below HTTP that hits all calls for leads.
	network func(*site)
	// ofToken says that calls for tokens fail instead.
	ofToken  bool
	patience patience

	// code is the error code for what could not be read; empty if all was read.
	code       string
	retryAfter time.Duration
	// attempts is the number of calls that arrive for a read that meets the fault.
	attempts span
	// renewed says that leadgraph requests another token.
	renewed bool
	// unlike changes the outcome of operations that differ from the rest.
	unlike func(op *operation, w warmth, o *outcome)
}

// strike makes a fault hit every call.
func strike(f sandbox.Fault) []sandbox.Fault { f.Times = always; return []sandbox.Fault{f} }

// once makes a fault hit the first call only.
func once(f sandbox.Fault) []sandbox.Fault { f.Times = 1; return []sandbox.Fault{f} }

// ofToken makes a fault hit every call for a token. The call takes long enough for
// all lookups of an operation to join it.
func ofToken(f sandbox.Fault) []sandbox.Fault {
	f.Kind, f.Latency = sandbox.KindToken, max(f.Latency, 200*time.Millisecond)
	return strike(f)
}

// onceOfToken makes a fault hit the first call for a token.
func onceOfToken(f sandbox.Fault) []sandbox.Fault {
	faults := ofToken(f)
	faults[0].Times = 1
	return faults
}

var faultList = []fault{
	// Statuses.
	{name: "400", faults: strike(sandbox.Fault{Status: 400, Body: canaryBody}), code: "UPSTREAM_REJECTED", attempts: just(1), unlike: looksElsewhere},
	{name: "401 for any token", faults: strike(sandbox.Fault{Status: 401}), code: "UPSTREAM_AUTH", attempts: just(2), renewed: true},
	{name: "401 once: revoked token", faults: once(sandbox.Fault{ExpiredToken: true, Latency: 20 * time.Millisecond}), attempts: just(2), renewed: true,
		unlike: func(op *operation, _ warmth, o *outcome) {
			if op == severalTenants { // one, two or all three lookups meet it and share one new token
				o.leads = span{4, 6}
			}
		}},
	{name: "403", faults: strike(sandbox.Fault{Status: 403}), code: "UPSTREAM_AUTH", attempts: just(1)},
	{name: "404", faults: strike(sandbox.Fault{Status: 404, HTML: true, Body: canaryPage}), code: "UPSTREAM_REJECTED", attempts: just(1), unlike: looksElsewhere},
	{name: "404 that means: no such lead", faults: strike(sandbox.Fault{Status: 404, Body: `"Invalild lead"`}), code: "UPSTREAM_REJECTED", attempts: just(1),
		unlike: knownToHaveNone},
	{name: "408", faults: strike(sandbox.Fault{Status: 408}), code: "UPSTREAM_TIMEOUT", attempts: just(3)},
	{name: "425 once", faults: once(sandbox.Fault{Status: 425}), attempts: just(2)},
	{name: "429", faults: strike(sandbox.Fault{Status: 429, Latency: together}), code: "UPSTREAM_RATE_LIMITED", retryAfter: guessed, attempts: just(3)},
	{name: "429 once, Retry-After 1 s", faults: once(sandbox.Fault{Status: 429, RetryAfter: "1", Latency: together}), attempts: just(2)},
	{name: "429 once, Retry-After 0.3 s", faults: once(sandbox.Fault{Status: 429, RetryAfter: "0.3", Latency: together}), attempts: just(2)},
	{name: "429 once, retry-after-ms 300", faults: once(sandbox.Fault{Status: 429, Header: map[string]string{"retry-after-ms": "300"}, Latency: together}), attempts: just(2)},
	{name: "429, x-ms-retry-after-ms 2 h", faults: strike(sandbox.Fault{Status: 429, Header: map[string]string{"x-ms-retry-after-ms": "7200000"}, Latency: together}),
		code: "UPSTREAM_RATE_LIMITED", retryAfter: 2 * time.Hour, attempts: just(1)},
	{name: "429, Retry-After 2 h", faults: strike(sandbox.Fault{Status: 429, RetryAfter: "7200", Latency: together}), code: "UPSTREAM_RATE_LIMITED", retryAfter: 2 * time.Hour, attempts: just(1)},
	{name: "500", faults: strike(sandbox.Fault{Status: 500, Body: canaryBody}), code: "UPSTREAM_UNAVAILABLE", attempts: just(1)},
	{name: "502", faults: strike(sandbox.Fault{Status: 502, HTML: true, Body: canaryPage}), code: "UPSTREAM_UNAVAILABLE", attempts: just(3)},
	{name: "503", faults: strike(sandbox.Fault{Status: 503}), code: "UPSTREAM_UNAVAILABLE", attempts: just(3)},
	{name: "503 once", faults: once(sandbox.Fault{Status: 503}), attempts: just(2)},
	{name: "503, Retry-After 2 h", faults: strike(sandbox.Fault{Status: 503, RetryAfter: "7200"}), code: "UPSTREAM_UNAVAILABLE", retryAfter: 2 * time.Hour, attempts: just(1)},
	{name: "504", faults: strike(sandbox.Fault{Status: 504}), code: "UPSTREAM_UNAVAILABLE", attempts: just(3)},

	// Time.
	{name: "no header in time", faults: strike(sandbox.Fault{Latency: forever}), patience: short, code: "UPSTREAM_TIMEOUT", attempts: just(2)},
	{name: "no header in time, once", faults: once(sandbox.Fault{Latency: forever}), patience: short, attempts: just(2)},
	{name: "no end of the body in time", faults: strike(sandbox.Fault{Stall: forever}), patience: short, code: "UPSTREAM_TIMEOUT", attempts: just(2)},
	{name: "no end of the body in time, once", faults: once(sandbox.Fault{Stall: forever}), patience: short, attempts: just(2)},
	{name: "slower than the request's own time-out", faults: strike(sandbox.Fault{Latency: forever}), patience: hurried, code: "UPSTREAM_TIMEOUT", attempts: just(1),
		unlike: func(op *operation, w warmth, o *outcome) { // the refresh goes on
			if op == counts && w == cold {
				o.retryAfter = estimated
			}
		}},

	// Connections.
	{name: "half-open: no connection is answered", network: func(s *site) { s.relay.silence() }, patience: short, code: "UPSTREAM_TIMEOUT"},
	{name: "half-open: kept connections are no longer answered", network: func(s *site) { s.relay.freeze() }, patience: short, attempts: just(1)},
	{name: "reset", faults: strike(sandbox.Fault{Reset: true}), code: "UPSTREAM_UNAVAILABLE", attempts: span{3, 6},
		unlike: func(op *operation, _ warmth, o *outcome) { // the transport itself repeats a read, once over a new connection
			if op == severalTenants {
				o.leads.most = 12
			}
		}},
	{name: "reset, once", faults: once(sandbox.Fault{Reset: true}), attempts: just(2)},
	{name: "refused", network: func(s *site) { s.relay.refuse() }, code: "UPSTREAM_UNAVAILABLE"},
	{name: dnsFailure, network: func(s *site) { names.set(s.name, false); s.relay.drop() }, code: "UPSTREAM_UNAVAILABLE"},

	// Bodies.
	{name: "invalid JSON", faults: strike(sandbox.Fault{BadJSON: true}), code: "UPSTREAM_BAD_RESPONSE", attempts: just(1)},
	{name: "HTML with 200", faults: strike(sandbox.Fault{HTML: true, Body: canaryPage}), code: "UPSTREAM_BAD_RESPONSE", attempts: just(1)},
	{name: "another object with 200", faults: strike(sandbox.Fault{Body: canaryBody}), code: "UPSTREAM_BAD_RESPONSE", attempts: just(1)},
	{name: "truncated body", faults: strike(sandbox.Fault{CutBody: 500}), code: "UPSTREAM_UNAVAILABLE", attempts: just(3)},
	{name: "truncated body, once", faults: once(sandbox.Fault{CutBody: 500}), attempts: just(2)},
	{name: "over-long body", faults: strike(sandbox.Fault{PadBody: tooLarge}), code: "UPSTREAM_BAD_RESPONSE", attempts: just(1)},
	{name: "over-long body, length not announced", faults: strike(sandbox.Fault{PadBody: tooLarge, Chunked: true}), code: "UPSTREAM_BAD_RESPONSE", attempts: just(1)},
	{name: "over-long body in a small gzip", faults: strike(sandbox.Fault{PadBody: tooLarge, Gzip: true}), code: "UPSTREAM_BAD_RESPONSE", attempts: just(1)},
	{name: "plain bytes declared as gzip", faults: strike(sandbox.Fault{Header: map[string]string{"Content-Encoding": "gzip"}}), code: "UPSTREAM_BAD_RESPONSE", attempts: just(1)},
	{name: "truncated gzip", faults: strike(sandbox.Fault{Gzip: true, CutBody: 200}), code: "UPSTREAM_UNAVAILABLE", attempts: just(3)},

	// Leads.
	{name: "duplicate rows", faults: strike(sandbox.Fault{RepeatRows: true}), attempts: just(1)},
	{name: "pages that never end", faults: strike(sandbox.Fault{Endless: true}), attempts: just(1)},
	{name: "null as id", faults: strike(sandbox.Fault{Set: map[string]any{"id": nil}}), code: "UPSTREAM_BAD_RESPONSE", attempts: just(1), unlike: readOn},
	{name: "null as tenantId", faults: strike(sandbox.Fault{Set: map[string]any{"tenantId": nil}}), code: "UPSTREAM_BAD_RESPONSE", attempts: just(1), unlike: readOn},
	{name: "null in all other fields", faults: strike(sandbox.Fault{Set: nothingElse}), attempts: just(1), unlike: statusOf(`null`)},
	{name: "an unknown state", faults: strike(sandbox.Fault{Set: map[string]any{"status": "Dormant"}}), attempts: just(1), unlike: statusOf(`"Dormant"`)},
	{name: "rows of another tenant", faults: strike(sandbox.Fault{Set: map[string]any{"tenantId": "00000000-0000-4000-8000-000000000000"}}), code: "UPSTREAM_BAD_RESPONSE", attempts: just(1),
		unlike: onlyLookups},

	// Tokens.
	{name: "token endpoint: 503", ofToken: true, faults: ofToken(sandbox.Fault{Status: 503}), code: "UPSTREAM_UNAVAILABLE", attempts: just(3)},
	{name: "token endpoint: 503 once", ofToken: true, faults: onceOfToken(sandbox.Fault{Status: 503}), attempts: just(2)},
	{name: "token endpoint: 429 once, Retry-After 1 s", ofToken: true, faults: onceOfToken(sandbox.Fault{Status: 429, RetryAfter: "1"}), attempts: just(2)},
	{name: "token endpoint: 429, Retry-After 2 h", ofToken: true, faults: ofToken(sandbox.Fault{Status: 429, RetryAfter: "7200"}), code: "UPSTREAM_RATE_LIMITED",
		retryAfter: 2 * time.Hour, attempts: just(1)},
	{name: "token endpoint: temporarily_unavailable, once", ofToken: true, faults: onceOfToken(sandbox.Fault{Status: 400, Body: `{"error":"temporarily_unavailable"}`}), attempts: just(2)},
	{name: "token endpoint: refused", ofToken: true, network: func(s *site) { s.relay.refuse() }, code: "UPSTREAM_UNAVAILABLE"},
	{name: "token endpoint: no answer in time", ofToken: true, faults: ofToken(sandbox.Fault{Latency: forever}), patience: short, code: "UPSTREAM_TIMEOUT", attempts: span{2, 3}},
	{name: "token endpoint: invalid_client", ofToken: true, faults: ofToken(sandbox.Fault{Status: 401,
		Body: `{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret, dana.levi-canary"}`}), code: "UPSTREAM_AUTH", attempts: just(1)},
	{name: "token endpoint: HTML with 200", ofToken: true, faults: ofToken(sandbox.Fault{HTML: true, Body: canaryPage}), code: "UPSTREAM_AUTH", attempts: just(1)},
}

// nothingElse sets every optional field of a lead to null.
var nothingElse = map[string]any{
	"tenantOrigin": nil, "operatorId": nil, "status": nil, "isDirectLead": nil, "isNotActive": nil, "umpCustomerGuid": nil,
	"channelId": nil, "ovocChannelId": nil, "comments": nil, "consentedOn": nil, "lastModifiedOn": nil,
	"consentedCountries": nil, "contactDetails": nil, "contacts": nil, "civicAddresses": nil,
}
