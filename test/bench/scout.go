package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"leadgraph/upstream/sandbox"
)

// token asks the sandbox for a bearer token. It is good for about an hour.
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
	err := fetch(ctx, http.MethodPost, base+sandbox.TokenPath, "application/x-www-form-urlencoded", form.Encode(), &answer)
	if err == nil && answer.Token == "" {
		err = errors.New("the sandbox gave no token")
	}
	return answer.Token, err
}

// upstreamCalls is the number of lead calls that the sandbox has had.
func upstreamCalls(ctx context.Context, base string) (int, error) {
	var calls struct {
		ByTenant int `json:"byTenant"`
		Pages    int `json:"pages"`
	}
	err := fetch(ctx, http.MethodGet, base+"/sandbox/calls", "", "", &calls)
	return calls.ByTenant + calls.Pages, err
}

// scout learns from a leadgraph server what the requests are made of.
func scout(ctx context.Context, base string) (data, error) {
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
	all := query(`query Scout($first: Int!) { leads(first: $first) { edges { cursor node { tenantId } } } }`, map[string]any{"first": leads}, leads)
	if err := fetch(ctx, http.MethodPost, base+graphPath, "application/json", all.body, &answer); err != nil {
		return data{}, err
	}
	edges := answer.Data.Leads.Edges
	if len(edges) != leads {
		return data{}, fmt.Errorf("got %d leads of %d", len(edges), leads)
	}
	var d data
	seen := map[string]int{}
	for _, edge := range edges {
		d.cursors = append(d.cursors, edge.Cursor)
		seen[edge.Node.TenantID]++
	}
	for _, edge := range edges {
		if tenant := edge.Node.TenantID; seen[tenant] == 1 {
			d.tenants = append(d.tenants, tenant)
		}
	}
	return d, nil
}

// fetch makes a single call that is no part of the load.
func fetch(ctx context.Context, method, address, contentType, body string, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return err
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
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
