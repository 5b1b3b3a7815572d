package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"

	"leadgraph/graph/persisted"
	"leadgraph/internal/auth"
	"leadgraph/internal/backend"
	"leadgraph/internal/config"
	"leadgraph/internal/httpd"
	"leadgraph/internal/telemetry"
	"leadgraph/upstream"
	"leadgraph/upstream/guard"
	"leadgraph/upstream/token"
	"leadgraph/web"
)

// serve runs the GraphQL server, on the sandbox if no platform is set.
func (p Program) serve(ctx context.Context, cfg *config.Config, stdout io.Writer, log *slog.Logger) error {
	settings := cfg.Serve
	if err := auth.CheckExposure(auth.Mode(settings.Access.Auth), settings.Listen, settings.Access.AllowAnonymous); err != nil {
		return fmt.Errorf("%w: set --auth jwt, or --allow-anonymous", err)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", settings.Listen)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }() // already closed unless the start fails
	s := &server{cfg: cfg, stdout: stdout, log: log}
	defer s.close()
	if err := s.open(ctx, p); err != nil {
		return err
	}
	var playground http.Handler
	if settings.Limits.Playground {
		playground = web.Playground()
		say(stdout, "playground: http://%s/\n", listener.Addr())
	}
	api, err := s.endpoint()
	if err != nil {
		return err
	}
	if err := s.openAdmin(ctx); err != nil {
		return err
	}
	say(stdout, "endpoint:   http://%s/graphql\n", listener.Addr())
	return httpd.Server{
		Handler:      httpd.Routes(api, playground, s.health),
		Health:       s.health,
		DrainDelay:   settings.Edge.DrainDelay,
		DrainTimeout: settings.Limits.DrainTimeout,
		Logger:       log,
	}.Serve(ctx, listener)
}

// server holds the parts of a GraphQL server that outlive a request.
type server struct {
	cfg       *config.Config
	stdout    io.Writer
	log       *slog.Logger
	documents persisted.Documents
	leads     *backend.Platform
	callers   *auth.Authenticator
	health    *httpd.Health
	limiter   *httpd.Limiter
	seen      *telemetry.Telemetry
	closers   []func()
}

// close closes in reverse order what has been opened.
func (s *server) close() {
	for _, closer := range slices.Backward(s.closers) {
		closer()
	}
}

// open opens every part but the listeners. After an error the caller must still
// close the server.
func (s *server) open(ctx context.Context, p Program) error {
	settings := s.cfg.Serve
	platform, closeSandbox, err := openPlatform(ctx, settings.Upstream, settings.Data, s.log)
	if err != nil {
		return err
	}
	s.closers = append(s.closers, closeSandbox)
	if settings.Upstream.URL == "" {
		say(s.stdout, "sandbox:    --upstream-url is not set; serving %d generated leads from %s\n", settings.Data.Leads, platform.BaseURL)
	}
	if s.documents, err = p.documents(settings.Documents); err != nil {
		return err
	}
	if err := s.openTelemetry(ctx); err != nil {
		return err
	}
	if s.leads, err = openBackend(settings.Caches, settings.Access, platform, s.seen, s.log); err != nil {
		return err
	}
	s.closers = append(s.closers, s.leads.Close)
	if settings.Caches.CatalogueWarm {
		go s.leads.Warm(ctx)
	}
	if s.callers, err = newCallers(settings.Access, s.log); err != nil {
		return err
	}
	s.closers = append(s.closers, s.callers.Close)
	s.health = healthOf(s.leads, s.callers)
	edge := settings.Edge
	s.limiter = httpd.NewLimiter(httpd.LimiterOptions{InFlight: edge.MaxInFlight, Queue: edge.MaxQueued, Wait: edge.QueueTimeout})
	go s.limiter.Follow(ctx)
	return nil
}

func (s *server) openTelemetry(ctx context.Context) error {
	seen, err := telemetry.New(ctx, telemetry.Options{
		Version:    version(),
		Operations: s.documents.Trusted.Operations(),
		Tracing:    s.cfg.Serve.Tracing.On,
		RequestID:  httpd.RequestID,
		Attempt:    guard.AttemptOf,
		Logger:     s.log,
	})
	if err != nil {
		return err
	}
	s.seen, s.closers = seen, append(s.closers, seen.Close)
	return nil
}

// openAdmin starts the admin listener if one is set.
func (s *server) openAdmin(ctx context.Context) error {
	listen := s.cfg.Serve.Edge.AdminListen
	if listen == "" {
		return nil
	}
	address, stop, err := httpd.Start(ctx, listen, httpd.Admin(s.health, s.seen.Handler()), s.log)
	if err != nil {
		return err
	}
	s.closers = append(s.closers, stop)
	say(s.stdout, "admin:      http://%s/\n", address)
	return nil
}

func newCallers(access config.Access, log *slog.Logger) (*auth.Authenticator, error) {
	return auth.New(auth.Options{
		Mode:      auth.Mode(access.Auth),
		Issuers:   access.JWTIssuer,
		Audiences: access.JWTAudience,
		KeysURL:   access.JWKSURL,
		ReadScope: access.ReadScope,
		PIIScope:  access.PIIScope,
		Logger:    log,
	})
}

// healthOf returns the checks behind the readiness of the server. Only missing keys
// make it unready: without them it cannot answer any caller.
func healthOf(leads *backend.Platform, callers *auth.Authenticator) *httpd.Health {
	return httpd.NewHealth(
		httpd.Check{Name: "keys", Detail: "The keys that verify access tokens have not been read yet.", Fault: httpd.NotReady, Fails: func() bool { return !callers.Ready() }},
		httpd.Check{Name: "platform", Detail: "The platform is failing; requests to it are paused for a few seconds.", Fault: httpd.Degraded, Fails: leads.PlatformFails},
		httpd.Check{Name: "catalogue", Detail: "The last refresh of the catalogue failed.", Fault: httpd.Degraded, Fails: leads.CatalogueFails},
		httpd.Check{Name: "redis", Detail: "The state shared by replicas (Redis or Valkey) cannot be reached.", Fault: httpd.Degraded, Fails: leads.SharedIsLost},
		httpd.Check{Name: "redis", Detail: "The state shared by replicas (Redis or Valkey) refuses some or all commands.", Fault: httpd.Degraded, Fails: leads.SharedRefuses},
	)
}

// documents opens the stores of documents that requests may name instead of
// sending the text.
func (p Program) documents(settings config.Documents) (known persisted.Documents, err error) {
	known.TrustedOnly = settings.TrustedOnly
	if settings.APQ {
		known.Automatic = persisted.NewMemory(settings.APQBytes)
	}
	if len(settings.TrustedDocuments) > 0 {
		var parsed *ast.Schema
		if parsed, err = p.parsedSchema(); err == nil {
			known.Trusted, err = persisted.Load(settings.TrustedDocuments, parsed)
		}
	}
	return known, err
}

// openBackend opens the backend, which reads with the platform's credentials or,
// with --auth passthrough, with each caller's own token.
func openBackend(caches config.Caches, access config.Access, platform upstream.Options, seen *telemetry.Telemetry, log *slog.Logger) (*backend.Platform, error) {
	options := backend.Options{
		Upstream: platform, Caches: caches,
		CursorKey: access.CursorKey.Key(), CursorKeyPrevious: access.CursorKeyPrevious.Key(),
		MaxCallers: access.PassthroughCallers, MaxLeads: access.PassthroughLeads, Telemetry: seen, Logger: log,
	}
	if auth.Mode(access.Auth) == auth.Passthrough {
		options.Upstream.Credentials = token.Credentials{} // drops those of the built-in sandbox
		options.Caller = func(ctx context.Context) (partition, token string) {
			caller := auth.For(ctx)
			return caller.Partition, caller.Bearer.Reveal()
		}
	}
	return backend.Open(options)
}
