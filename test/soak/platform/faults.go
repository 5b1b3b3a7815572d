package platform

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"leadgraph/test/soak/pace"
	"leadgraph/upstream/sandbox"
)

// trouble is a kind of fault.
type trouble struct {
	name string
	make func(random *rand.Rand) sandbox.Fault
}

func troubles() []trouble {
	list := append(troubledAnswers(), troubledTokens()...)
	for _, code := range []int{400, 401, 403, 500, 502, 503, 504} {
		list = append(list, always(fmt.Sprintf("status %d", code), sandbox.Fault{Status: code}))
	}
	// For a tenant, a 404 with JSON is the truth: there is no such lead.
	return append(list, always("status 404 for a page", sandbox.Fault{Kind: sandbox.KindPage, Status: http.StatusNotFound}))
}

// always returns a trouble that needs no random choice.
func always(name string, f sandbox.Fault) trouble {
	return trouble{name, func(*rand.Rand) sandbox.Fault { return f }}
}

func troubledAnswers() []trouble {
	const stranger = `[{"id":"1","tenantId":"00000000-0000-4000-8000-000000000001","status":"Active"}]`
	return []trouble{
		always("status 429, Retry-After", sandbox.Fault{Status: http.StatusTooManyRequests, RetryAfter: "1"}),
		{"latency", func(r *rand.Rand) sandbox.Fault { return sandbox.Fault{Latency: pace.UpTo(r, 2*time.Second)} }},
		always("latency, long", sandbox.Fault{Latency: time.Minute}),
		{"stall", func(r *rand.Rand) sandbox.Fault { return sandbox.Fault{Stall: pace.UpTo(r, 3*time.Second)} }},
		always("stall, long", sandbox.Fault{Stall: time.Minute}),
		{"cut body", func(r *rand.Rand) sandbox.Fault { return sandbox.Fault{CutBody: 1 + r.IntN(5000)} }},
		always("reset", sandbox.Fault{Reset: true}),
		always("bad JSON", sandbox.Fault{BadJSON: true}),
		always("HTML with 200", sandbox.Fault{HTML: true}),
		always("HTML with 404", sandbox.Fault{HTML: true, Status: http.StatusNotFound}),
		always("HTML with 502", sandbox.Fault{HTML: true, Status: http.StatusBadGateway}),
		{"padded body", func(r *rand.Rand) sandbox.Fault { return sandbox.Fault{PadBody: int64(r.IntN(8 << 20))} }},
		always("no object", sandbox.Fault{Body: `["lead"]`}),
		always("lead without tenant", sandbox.Fault{Body: `[{"id":"1","status":"Active"}]`}),
		always("lead of another tenant", sandbox.Fault{Kind: sandbox.KindTenant, Body: stranger}),
		always("expired token", sandbox.Fault{ExpiredToken: true, Every: 5}),
	}
}

func troubledTokens() []trouble {
	const refusal = `{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided."}`
	return []trouble{
		always("no token", sandbox.Fault{Kind: sandbox.KindToken, Status: http.StatusInternalServerError}),
		always("token reset", sandbox.Fault{Kind: sandbox.KindToken, Reset: true}),
		always("token late", sandbox.Fault{Kind: sandbox.KindToken, Latency: time.Second}),
		always("secret refused", sandbox.Fault{Kind: sandbox.KindToken, Status: http.StatusUnauthorized, Body: refusal}),
	}
}
