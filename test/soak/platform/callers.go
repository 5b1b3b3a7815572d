package platform

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

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
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {sandbox.DefaultClientID}, "client_secret": {sandbox.DefaultClientSecret}, "scope": {sandbox.DefaultScope},
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.address+sandbox.TokenPath, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }() // read to its end
	var answer struct {
		Token string `json:"access_token"`
	}
	err = json.NewDecoder(response.Body).Decode(&answer)
	return answer.Token, err
}
