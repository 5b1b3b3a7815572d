package platform

import (
	"context"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"time"

	"leadgraph/test/soak/oracle"
	"leadgraph/test/soak/pace"
	"leadgraph/upstream/sandbox"
)

// Conductor makes things go wrong on a platform, one after the other, and makes
// leads come and go.
type Conductor struct {
	Random   *rand.Rand
	Platform *Platform
	History  *oracle.History
	// Count notes that a fault begins.
	Count func(fault string)
	// CheckOnline asks leadgraph for a lead that only Microsoft knows.
	CheckOnline func(ctx context.Context, tenant string, r *oracle.Row)

	online map[string]*oracle.Row // leads that only Microsoft knows, by tenant
}

// Run goes on until ctx ends. Afterwards the platform works again.
func (c *Conductor) Run(ctx context.Context) (err error) {
	if c.online, err = onlineRows(c.Platform.options); err != nil {
		return err
	}
	all := troubles()
	for turn := 0; pace.Rest(ctx, pace.Between(c.Random, time.Second/2, 3*time.Second)); turn++ {
		// Half of the time no lead comes or goes, so that walks can be judged more strictly.
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
		for range 1 + c.Random.IntN(2) {
			c.inject(all[c.Random.IntN(len(all))])
		}
		pace.Rest(ctx, pace.Between(c.Random, time.Second/2, 3*time.Second))
		c.Platform.ClearFaults()
	}
	return nil
}

// inject starts a fault that meets all calls, or one in a few.
func (c *Conductor) inject(t trouble) {
	f := t.make(c.Random)
	f.Times = -1
	if f.Every == 0 {
		f.Every = 1 + c.Random.IntN(4)
	}
	c.Count(t.name)
	c.Platform.Inject(f)
}

// outage takes the platform down for 1 to 4 seconds.
func (c *Conductor) outage(ctx context.Context) error {
	c.Count("outage")
	if err := c.Platform.Down(); err != nil {
		return err
	}
	pace.Rest(ctx, pace.Between(c.Random, time.Second, 4*time.Second))
	return c.Platform.Up(context.WithoutCancel(ctx))
}

// shift removes and inserts some leads at a random position. It removes none
// while there are less than nine tenths of the leads at the start.
func (c *Conductor) shift() (err error) {
	c.Count("leads come and go")
	size := c.History.Size()
	at := c.Random.IntN(size)
	insert, remove := c.Random.IntN(6), c.Random.IntN(6)
	if size < c.Platform.options.Leads*9/10 {
		remove = 0
	}
	// The platform shows the list between both changes, too.
	c.History.Shift(at, func() (inserted []*oracle.Row, removed int) {
		return nil, len(c.Platform.Remove(at, remove))
	})
	c.History.Shift(at, func() (inserted []*oracle.Row, removed int) {
		inserted, err = rowsOf(c.Platform.Server, c.Platform.Insert(at, insert))
		return inserted, 0
	})
	return err
}

// learnOnline makes the platform learn a lead from Microsoft.
func (c *Conductor) learnOnline(ctx context.Context) {
	for tenant, r := range c.online {
		settle := c.History.MayGrow(r)
		c.CheckOnline(ctx, tenant, r)
		ids := c.Platform.IDs()
		grown := ids[len(ids)-1] == r.ID
		settle(grown)
		if grown {
			delete(c.online, tenant)
		}
		return
	}
}

// onlineRows returns the leads that the platform can learn from Microsoft, by
// tenant. It asks a second sandbox, because the platform must not learn them yet.
func onlineRows(o sandbox.Options) (map[string]*oracle.Row, error) {
	o.NoAuth, o.OnlineLatency = true, 0
	twin, err := sandbox.New(o)
	if err != nil {
		return nil, err
	}
	found := map[string]*oracle.Row{}
	for _, tenant := range twin.OnlineTenants() {
		before := len(twin.IDs())
		learn(twin, tenant)
		rows, err := rowsOf(twin, twin.IDs()[before:])
		if err != nil {
			return nil, err
		}
		found[rows[0].Tenant] = rows[0]
	}
	return found, nil
}

// learn makes a sandbox learn a tenant's lead.
func learn(stand *sandbox.Server, tenant string) {
	address := sandbox.BasePath + "/api/v2/oc/lead?" + url.Values{"msTenantID": {tenant}, "checkOnline": {"true"}}.Encode()
	stand.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(context.Background(), http.MethodGet, address, nil))
}
