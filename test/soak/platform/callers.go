package platform

import (
	"context"
	"net/http"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"leadgraph/upstream/sandbox"
)

// StartSlow returns a platform of few leads that takes a time for each call, and whose
// tokens outlive a soak.
func StartSlow(ctx context.Context, latency time.Duration) (*Platform, error) {
	return start(ctx, sandbox.Options{Leads: walkedLeads, Latency: latency})
}

// CallersFlags returns the flags that make leadgraph send the tokens of its callers to
// the platform.
func (p *Platform) CallersFlags() []string {
	return []string{"--upstream-url", "http://" + p.address + sandbox.BasePath, "--auth", "passthrough"}
}

// Token returns a token that the platform accepts.
func (p *Platform) Token(ctx context.Context) (string, error) {
	config := clientcredentials.Config{
		ClientID: sandbox.DefaultClientID, ClientSecret: sandbox.DefaultClientSecret, Scopes: []string{sandbox.DefaultScope},
		TokenURL: "http://" + p.address + sandbox.TokenPath, AuthStyle: oauth2.AuthStyleInParams,
	}
	alone := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // so that the platform can close at once
	got, err := config.Token(context.WithValue(ctx, oauth2.HTTPClient, alone))
	if err != nil {
		return "", err
	}
	return got.AccessToken, nil
}
