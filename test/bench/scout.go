package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"leadgraph/test/bench/workload"
	"leadgraph/upstream/sandbox"
)

// token gets a bearer token from the sandbox. It is valid for about an hour.
func token(ctx context.Context, base string) (string, error) {
	var answer struct {
		Token string `json:"access_token"`
	}
	form := url.Values{
		"grant_type":    {"client_credentials"},
		"client_id":     {sandbox.DefaultClientID},
		"client_secret": {sandbox.DefaultClientSecret},
		"scope":         {sandbox.DefaultScope},
	}
	err := fetch(ctx, http.MethodPost, base+sandbox.TokenPath, form.Encode(), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, &answer)
	if err == nil && answer.Token == "" {
		err = errors.New("the sandbox sent no token")
	}
	return answer.Token, err
}

// upstreamCalls returns the number of calls for leads that the sandbox has received.
func upstreamCalls(ctx context.Context, base string) (int, error) {
	var calls struct {
		ByTenant int `json:"byTenant"`
		Pages    int `json:"pages"`
	}
	err := fetch(ctx, http.MethodGet, base+"/sandbox/calls", "", nil, &calls)
	return calls.ByTenant + calls.Pages, err
}

// scout reads the values that the requests contain from a leadgraph server, as a caller
// with a token if it is not empty.
func scout(ctx context.Context, base, token string) (workload.Data, error) {
	var answer struct {
		Data struct {
			Leads struct {
				Edges []struct {
					Cursor string
					Node   struct{ TenantID string }
				}
			}
		}
	}
	query := fmt.Sprintf(`{"query":"{ leads(first: %d) { edges { cursor node { tenantId } } } }"}`, workload.Leads)
	header := http.Header{"Content-Type": {"application/json"}}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	if err := fetch(ctx, http.MethodPost, base+workload.GraphPath, query, header, &answer); err != nil {
		return workload.Data{}, err
	}
	edges := answer.Data.Leads.Edges
	if len(edges) != workload.Leads {
		return workload.Data{}, fmt.Errorf("got %d leads of %d", len(edges), workload.Leads)
	}
	var d workload.Data
	seen := map[string]int{}
	for _, edge := range edges {
		d.Cursors = append(d.Cursors, edge.Cursor)
		seen[edge.Node.TenantID]++
	}
	for _, edge := range edges {
		if tenant := edge.Node.TenantID; seen[tenant] == 1 {
			d.Tenants = append(d.Tenants, tenant)
		}
	}
	return d, nil
}

// fetch makes a single call that is not part of the load.
func fetch(ctx context.Context, method, address, body string, header http.Header, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return err
	}
	maps.Copy(request.Header, header)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }() // read to its end
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: status %d", method, request.URL.Path, answer.StatusCode)
	}
	return json.Unmarshal(text, into)
}
