package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"time"

	"leadgraph/upstream/sandbox"
)

// conductor has things go wrong on the platform, and leads come and go, one
// after the other.
type conductor struct {
	random   *rand.Rand
	platform *platform
	history  *history
	tally    *tally
	ask      func(ctx context.Context, r request) // and judges
	online   map[string]*row                      // still unknown to the platform
}

// trouble is a kind of fault. Each makes what to inject.
type trouble struct {
	name string
	make func(random *rand.Rand) sandbox.Fault
}

func troubles() []trouble {
	status := func(code int) trouble {
		return trouble{fmt.Sprintf("status %d", code), func(*rand.Rand) sandbox.Fault { return sandbox.Fault{Status: code} }}
	}
	list := []trouble{
		{"status 429, Retry-After", func(*rand.Rand) sandbox.Fault { return sandbox.Fault{Status: 429, RetryAfter: "1"} }},
		{"latency", func(r *rand.Rand) sandbox.Fault { return sandbox.Fault{Latency: upTo(r, 2*time.Second)} }},
		{"latency, long", func(*rand.Rand) sandbox.Fault { return sandbox.Fault{Latency: time.Minute} }},
		{"stall", func(r *rand.Rand) sandbox.Fault { return sandbox.Fault{Stall: upTo(r, 3*time.Second)} }},
		{"stall, long", func(*rand.Rand) sandbox.Fault { return sandbox.Fault{Stall: time.Minute} }},
		{"cut body", func(r *rand.Rand) sandbox.Fault { return sandbox.Fault{CutBody: 1 + r.IntN(5000)} }},
		{"reset", func(*rand.Rand) sandbox.Fault { return sandbox.Fault{Reset: true} }},
		{"bad JSON", func(*rand.Rand) sandbox.Fault { return sandbox.Fault{BadJSON: true} }},
		{"HTML with 200", func(*rand.Rand) sandbox.Fault { return sandbox.Fault{HTML: true} }},
		{"HTML with 502", func(*rand.Rand) sandbox.Fault { return sandbox.Fault{HTML: true, Status: 502} }},
		{"padded body", func(r *rand.Rand) sandbox.Fault { return sandbox.Fault{PadBody: int64(r.IntN(8 << 20))} }},
		{"no object", func(*rand.Rand) sandbox.Fault { return sandbox.Fault{Body: `["lead"]`} }},
		{"lead without tenant", func(*rand.Rand) sandbox.Fault { return sandbox.Fault{Body: `[{"id":"1","status":"Active"}]`} }},
		{"lead of another tenant", func(*rand.Rand) sandbox.Fault {
			return sandbox.Fault{Kind: sandbox.KindTenant, Body: `[{"id":"1","tenantId":"00000000-0000-4000-8000-000000000001","status":"Active"}]`}
		}},
		{"expired token", func(*rand.Rand) sandbox.Fault { return sandbox.Fault{ExpiredToken: true, Every: 5} }},
		{"no token", func(*rand.Rand) sandbox.Fault { return sandbox.Fault{Kind: sandbox.KindToken, Status: 500} }},
		{"token reset", func(*rand.Rand) sandbox.Fault { return sandbox.Fault{Kind: sandbox.KindToken, Reset: true} }},
		{"token late", func(*rand.Rand) sandbox.Fault { return sandbox.Fault{Kind: sandbox.KindToken, Latency: time.Second} }},
		{"secret refused", func(*rand.Rand) sandbox.Fault {
			return sandbox.Fault{Kind: sandbox.KindToken, Status: 401, Body: `{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided."}`}
		}},
	}
	for _, code := range []int{400, 401, 403, 404, 500, 502, 503, 504} {
		list = append(list, status(code))
	}
	return list
}

func upTo(random *rand.Rand, most time.Duration) time.Duration {
	return time.Duration(random.Int64N(int64(most)))
}

// between is a random time.
func between(random *rand.Rand, least, most time.Duration) time.Duration {
	return least + upTo(random, most-least)
}

// rest waits, and is false when ctx has ended.
func rest(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// run goes on until ctx ends and leaves the platform well.
func (c *conductor) run(ctx context.Context) error {
	all := troubles()
	for turn := 0; rest(ctx, between(c.random, time.Second/2, 3*time.Second)); turn++ {
		// Leads stand still half of the time, so that walks can be held to more.
		if turn/4%2 == 0 {
			if err := c.shift(); err != nil {
				return err
			}
		}
		if turn%7 == 3 {
			c.learnOnline(ctx)
		}
		if turn%6 == 5 {
			if err := c.outage(ctx); err != nil {
				return err
			}
			continue
		}
		for range 1 + c.random.IntN(2) {
			c.inject(pick(c.random, all))
		}
		rest(ctx, between(c.random, time.Second/2, 3*time.Second))
		c.platform.ClearFaults()
	}
	return nil
}

// inject makes all calls of a kind fail, or some.
func (c *conductor) inject(t trouble) {
	f := t.make(c.random)
	f.Times = -1
	if f.Every == 0 {
		f.Every = 1 + c.random.IntN(4)
	}
	c.tally.fault(t.name)
	c.platform.Inject(f)
}

// outage has the platform gone for some time.
func (c *conductor) outage(ctx context.Context) error {
	c.tally.fault("outage")
	if err := c.platform.down(); err != nil {
		return err
	}
	rest(ctx, between(c.random, time.Second, 4*time.Second))
	return c.platform.up(context.WithoutCancel(ctx))
}

// shift has leads come and go somewhere, about as many as there are.
func (c *conductor) shift() (err error) {
	c.tally.fault("leads come and go")
	size := len(c.history.current().rows)
	at := c.random.IntN(size)
	insert, remove := c.random.IntN(6), c.random.IntN(6)
	if size < leads*9/10 {
		remove = 0
	}
	c.history.shift(at, func() (inserted []*row, removed int) {
		removed = len(c.platform.Remove(at, remove))
		inserted, err = rowsOf(c.platform.Server, c.platform.Insert(at, insert))
		return inserted, removed
	})
	return err
}

// learnOnline has the platform learn a lead from Microsoft.
func (c *conductor) learnOnline(ctx context.Context) {
	for tenant, r := range c.online {
		settle := c.history.mayGrow(r)
		c.ask(ctx, request{way: byPost, operations: []operation{checkOnline(tenant, r)}})
		ids := c.platform.IDs()
		grown := ids[len(ids)-1] == r.id
		settle(grown)
		if grown {
			delete(c.online, tenant)
		}
		return
	}
}

// checkOnline asks for a lead that the platform does not know yet.
func checkOnline(tenant string, r *row) operation {
	selected := selection{of: leadType, fields: []field{{member: member{name: "id", value: func(o object) any { return textOf(o["id"]) }}, key: "id"}}}
	return newOperation("checkOnline", false, part{
		key: "lead",
		text: func(v *variables, _ bool) string {
			return "lead(tenantId: " + v.add("UUID!", tenant) + ", checkOnline: true) " + selected.text(false)
		},
		check: func(j *judge, value any) {
			if value == nil {
				if !j.failed("lead") {
					j.fail("Microsoft knows tenant %s", tenant)
				}
				return
			}
			if found := j.row(value, selected, j.history.during(j.sent, j.answered)); found != r {
				j.fail("another lead is shown for tenant %s", tenant)
			}
		},
	})
}

// learn makes a sandbox learn a tenant's lead.
func learn(stand *sandbox.Server, tenant string) {
	address := sandbox.BasePath + "/api/v2/oc/lead?" + url.Values{"msTenantID": {tenant}, "checkOnline": {"true"}}.Encode()
	stand.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(context.Background(), http.MethodGet, address, nil))
}
