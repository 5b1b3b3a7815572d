package backend

import (
	"log/slog"

	"leadgraph/internal/config"
	"leadgraph/internal/secretfile"
	"leadgraph/upstream"
	"leadgraph/upstream/token"
)

// UpstreamOptions returns the options of the client for the settings. Secrets in
// files are read now, and again whenever a file changes. The error says that a file
// cannot be read now.
func UpstreamOptions(settings config.Upstream, log *slog.Logger) (options upstream.Options, err error) {
	options = upstream.Options{
		BaseURL:        settings.URL,
		StaticToken:    string(settings.Token),
		TenantParam:    settings.TenantParam,
		FirstPage:      settings.FirstPage,
		PageSize:       settings.PageSize,
		MaxPages:       settings.MaxPages,
		MaxLeads:       settings.Resilience.MaxLeads,
		Timeout:        settings.Timeout,
		AttemptTimeout: settings.AttemptTimeout,
		OnlineTimeout:  settings.Resilience.OnlineTimeout,
		MaxConcurrent:  settings.Concurrency,
		Adaptive:       settings.Resilience.Adaptive,
		MaxOnline:      settings.Resilience.OnlineConcurrency,
		RatePerSecond:  settings.Rate,
		Retries:        settings.Retries,
		MaxBody:        settings.Resilience.MaxBody,
		Logger:         log,
	}
	if settings.Retries == 0 { // for upstream, 0 means the default number
		options.Retries = -1
	}
	if settings.Token == "" {
		options.Credentials = token.Credentials{
			TokenURL:     settings.TokenURL,
			ClientID:     settings.ClientID,
			ClientSecret: string(settings.ClientSecret),
			Scope:        settings.Scope,
		}
	}
	if settings.TokenFile != "" {
		options.StaticToken = ""
		options.TokenSource, err = secretfile.Open("upstream token", settings.TokenFile, log)
	} else if settings.Token == "" && settings.ClientSecretFile != "" {
		options.Credentials.ClientSecret = ""
		options.Credentials.SecretSource, err = secretfile.Open("client secret", settings.ClientSecretFile, log)
	}
	return options, err
}
