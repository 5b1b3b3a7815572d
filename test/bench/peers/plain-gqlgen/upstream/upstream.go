// Package upstream is the REST client of the plain server: net/http with
// encoding/json, and one dataloader a request.
package upstream

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/graph-gophers/dataloader/v7"

	"plaingqlgen/graph/model"
)

// Client reads leads from the REST API.
type Client struct {
	Base  string
	Token string // bearer token
	HTTP  *http.Client
}

func (c *Client) get(ctx context.Context, q url.Values) ([]*model.Lead, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Base+"/api/v2/oc/lead?"+q.Encode(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.Token)
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("upstream answered %s", resp.Status)
	}
	var leads []*model.Lead
	if err := json.NewDecoder(resp.Body).Decode(&leads); err != nil {
		return nil, err
	}
	return leads, nil
}

// ByTenant returns the lead of a tenant, or nil.
func (c *Client) ByTenant(ctx context.Context, id string) (*model.Lead, error) {
	leads, err := c.get(ctx, url.Values{"msTenantId": {id}})
	if err != nil || len(leads) == 0 {
		return nil, err
	}
	return leads[0], nil
}

// Page returns a page of leads.
func (c *Client) Page(ctx context.Context, page, size int) ([]*model.Lead, error) {
	return c.get(ctx, url.Values{"PageNumber": {strconv.Itoa(page)}, "PageSize": {strconv.Itoa(size)}})
}

// Loader loads the leads of tenants.
type Loader = dataloader.Loader[string, *model.Lead]

type loaderKey struct{}

// LoaderFrom returns the loader of a request.
func LoaderFrom(ctx context.Context) *Loader { return ctx.Value(loaderKey{}).(*Loader) }

// Middleware gives each request a loader; the API has no batch call, so a batch
// is one GET for each distinct tenant id, all at once.
func (c *Client) Middleware(wait time.Duration, next http.Handler) http.Handler {
	batch := func(ctx context.Context, ids []string) []*dataloader.Result[*model.Lead] {
		out := make([]*dataloader.Result[*model.Lead], len(ids))
		var wg sync.WaitGroup
		for i, id := range ids {
			wg.Add(1)
			go func() {
				defer wg.Done()
				l, err := c.ByTenant(ctx, id)
				out[i] = &dataloader.Result[*model.Lead]{Data: l, Error: err}
			}()
		}
		wg.Wait()
		return out
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l := dataloader.NewBatchedLoader(batch, dataloader.WithWait[string, *model.Lead](wait))
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), loaderKey{}, l)))
	})
}
