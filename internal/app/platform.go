package app

import (
	"context"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"leadgraph/internal/backend"
	"leadgraph/internal/config"
	"leadgraph/internal/httpd"
	"leadgraph/upstream"
	"leadgraph/upstream/sandbox"
	"leadgraph/upstream/token"
)

// openPlatform returns how to reach the platform. If no platform is set, it starts
// a sandbox on a free loopback port. Call closeSandbox after the last request that
// may need the platform.
func openPlatform(ctx context.Context, settings config.Upstream, data config.Data, live config.Live, log *slog.Logger) (platform upstream.Options, closeSandbox func(), err error) {
	platform, err = backend.UpstreamOptions(settings, log)
	if err != nil || platform.BaseURL != "" {
		return platform, func() {}, err
	}
	stand, err := sandbox.New(sandbox.Options{Leads: data.Leads})
	if err != nil {
		return platform, nil, err
	}
	address, stop, err := httpd.Start(ctx, "127.0.0.1:0", stand, log)
	if err != nil {
		return platform, nil, err
	}
	platform.BaseURL, platform.Credentials = sandboxAccess(address)
	settle := enliven(context.WithoutCancel(ctx), stand, live)
	return platform, func() {
		settle()
		stop()
	}, nil
}

// enliven makes a sandbox change by itself, if that is set, until ctx ends or settle is
// called.
func enliven(ctx context.Context, stand *sandbox.Server, live config.Live) (settle func()) {
	if !live.On {
		return func() {}
	}
	ctx, stop := context.WithCancel(ctx)
	var changing sync.WaitGroup
	changing.Go(func() { stand.Live(ctx, live.Interval) })
	return func() {
		stop()
		changing.Wait()
	}
}

func sandboxAccess(address net.Addr) (baseURL string, access token.Credentials) {
	origin := "http://" + address.String()
	return origin + sandbox.BasePath, token.Credentials{
		TokenURL:     origin + sandbox.TokenPath,
		ClientID:     sandbox.DefaultClientID,
		ClientSecret: sandbox.DefaultClientSecret,
		Scope:        sandbox.DefaultScope,
	}
}

// serveSandbox runs the sandbox alone and prints how to connect to it.
func serveSandbox(ctx context.Context, cfg *config.Config, stdout io.Writer, log *slog.Logger) error {
	settings := cfg.Sandbox
	platform, err := sandbox.New(sandbox.Options{
		Leads:       settings.Data.Leads,
		FirstPage:   settings.Quirks.FirstPage,
		Nested:      settings.Quirks.Nested,
		Envelope:    settings.Quirks.Envelope,
		TenantParam: settings.Quirks.TenantParam,
		Latency:     settings.Quirks.Latency,
	})
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", settings.Listen)
	if err != nil {
		return err
	}
	base, access := sandboxAccess(listener.Addr())
	say(stdout, "sandbox: %s with %d leads; connect with\n  leadgraph serve --upstream-url %s --token-url %s --client-id %s --client-secret %s --scope %s --first-page %d\n",
		base, settings.Data.Leads, base, access.TokenURL, access.ClientID, access.ClientSecret, access.Scope, settings.Quirks.FirstPage)
	defer enliven(ctx, platform, settings.Live)()
	return httpd.Server{Handler: platform, DrainTimeout: time.Second, Logger: log}.Serve(ctx, listener)
}
