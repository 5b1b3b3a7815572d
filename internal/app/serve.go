package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/vektah/gqlparser/v2/ast"

	"leadgraph/graph/persisted"
	"leadgraph/internal/admission"
	"leadgraph/internal/auth"
	"leadgraph/internal/backend"
	"leadgraph/internal/config"
	"leadgraph/internal/httpd"
	"leadgraph/internal/telemetry"
	"leadgraph/internal/webhook"
	"leadgraph/upstream"
	"leadgraph/upstream/guard"
	"leadgraph/upstream/token"
	"leadgraph/web"
)

// serve runs the GraphQL server, on the sandbox if no platform is set. It prints
// nothing before everything is open.
func (p Program) serve(ctx context.Context, cfg *config.Config, stdout io.Writer, log *slog.Logger, level *slog.LevelVar) error {
	settings := cfg.Serve
	var hangups <-chan os.Signal // nil: never
	if p.Hangups != nil {        // first, so that an early signal does not end the process
		var stop func()
		hangups, stop = p.Hangups()
		defer stop()
	}
	if err := auth.CheckExposure(auth.Mode(settings.Access.Auth), settings.Listen, settings.Access.AllowAnonymous); err != nil {
		return fmt.Errorf("--listen: %w: set --auth jwt, or --allow-anonymous", err)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", settings.Listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	defer func() { _ = listener.Close() }() // already closed unless the start fails
	s := &server{cfg: cfg, log: log, level: level, shared: cfg.Shared()}
	defer s.close()
	if err := s.open(ctx, p); err != nil {
		return err
	}
	api, err := s.endpoint()
	if err != nil {
		return err
	}
	if err := s.openAdmin(ctx); err != nil {
		return fmt.Errorf("--admin-listen: %w", err)
	}
	proxies, err := httpd.ParseProxies(settings.Edge.TrustedProxies)
	if err != nil {
		return err
	}
	var playground http.Handler
	if settings.Limits.Playground {
		playground = web.Playground()
		s.announce("playground: http://%s/\n", listener.Addr())
	}
	s.announce("endpoint:   http://%s/graphql\n", listener.Addr())
	s.openWebhooks(ctx)
	say(stdout, "%s", s.announced.String())
	s.follow(ctx, hangups)
	return httpd.Server{
		Handler:      httpd.Routes(api, playground, s.health, proxies),
		Health:       s.health,
		DrainDelay:   settings.Edge.DrainDelay,
		DrainTimeout: settings.Limits.DrainTimeout,
		Logger:       log,
	}.Serve(ctx, listener)
}

// maxStrangers is how many tokens that the platform has not accepted yet may be in use
// at a time for one address.
const maxStrangers = 8

// server holds the parts of a GraphQL server that outlive a request.
type server struct {
	cfg       *config.Config
	announced strings.Builder // what is printed once everything is open
	log       *slog.Logger
	level     *slog.LevelVar
	shared    *config.Shared // secrets, for the goroutine that reloads them
	secrets   []reloader
	warming   atomic.Bool // readiness waits for the first catalogue
	documents persisted.Documents
	leads     *backend.Platform
	callers   *auth.Authenticator
	health    *httpd.Health
	door      *admission.Door
	unsent    *httpd.Unsent
	webhooks  *webhook.Senders // nil without receivers
	strangers *admission.Strangers
	seen      *telemetry.Telemetry
	closers   []func()
}

// announce adds a line to what is printed.
func (s *server) announce(format string, args ...any) {
	_, _ = fmt.Fprintf(&s.announced, format, args...)
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
	platform, closeSandbox, err := openPlatform(ctx, settings.Upstream, settings.Data, settings.Live, s.log)
	if err != nil {
		return err
	}
	s.closers = append(s.closers, closeSandbox)
	if settings.Upstream.URL == "" {
		s.announce("sandbox:    --upstream-url is not set; serving %d generated leads from %s\n", settings.Data.Leads, platform.BaseURL)
	}
	s.watchSecrets(platform)
	if s.documents, err = p.documents(settings.Documents); err != nil {
		return fmt.Errorf("--trusted-documents: %w", err)
	}
	s.openTelemetry(ctx)
	if s.leads, err = s.openBackend(platform); err != nil {
		return err
	}
	s.closers = append(s.closers, s.leads.Close)
	if known := settings.Documents; known.APQ && !known.TrustedOnly {
		s.documents.Automatic = s.leads.ShareDocuments(persisted.NewMemory(known.APQBytes), int(settings.Limits.MaxBody), known.APQBytes)
	}
	if settings.Caches.CatalogueWarm {
		s.warm(ctx)
	}
	if s.callers, err = newCallers(settings.Access, s.log); err != nil {
		return err
	}
	s.closers = append(s.closers, s.callers.Close)
	s.health = s.checks()
	edge := settings.Edge
	s.door = admission.New(admission.Options{InFlight: edge.MaxInFlight, Queue: edge.MaxQueued, Wait: edge.QueueTimeout})
	s.unsent = httpd.NewUnsent(edge.MaxUnsent)
	s.strangers = admission.NewStrangers(maxStrangers, edge.QueueTimeout)
	return nil
}

func (s *server) openTelemetry(ctx context.Context) {
	for _, warning := range s.cfg.Serve.Tracing.Warnings {
		s.log.WarnContext(ctx, "a telemetry setting is ignored", "reason", warning)
	}
	s.seen = telemetry.New(ctx, telemetry.Options{
		Version:    version(),
		Operations: s.documents.Trusted.Operations(),
		Tracing:    s.cfg.Serve.Tracing.On,
		RequestID:  httpd.RequestID,
		Attempt:    guard.AttemptOf,
		Logger:     s.log,
	})
	s.closers = append(s.closers, s.seen.Close)
}

// openAdmin starts the admin listener if one is set.
func (s *server) openAdmin(ctx context.Context) error {
	listen := s.cfg.Serve.Edge.AdminListen
	if listen == "" {
		return nil
	}
	local := auth.CheckExposure(auth.None, listen, false) == nil
	if !local {
		s.log.WarnContext(ctx, "--admin-listen can be reached by other machines and asks nobody for a token; let only operators reach it", "address", listen)
	}
	address, stop, err := httpd.Start(ctx, listen, httpd.Admin(httpd.AdminOptions{
		Health: s.health, Metrics: s.seen.Handler(), LoopbackOnly: local, Logger: s.log,
	}), s.log)
	if err != nil {
		return err
	}
	s.closers = append(s.closers, stop)
	s.announce("admin:      http://%s/\n", address)
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
		SyncScope: access.SyncScope,
		Logger:    log,
	})
}

// checks returns the checks behind the readiness of the server. It is not ready
// without the keys that verify callers, nor while the first catalogue is awaited.
// Other faults only degrade it, because its replicas have them too.
func (s *server) checks() *httpd.Health {
	return httpd.NewHealth(
		httpd.Check{Name: "keys", Detail: "The keys that verify access tokens have not been read yet.", Fault: httpd.NotReady, Fails: func() bool { return !s.callers.Ready() }},
		httpd.Check{Name: "warm-up", Detail: "All leads are being read for the first time.", Fault: httpd.NotReady, Fails: s.warming.Load},
		httpd.Check{Name: "platform", Detail: "The platform is failing; requests to it are paused for a few seconds.", Fault: httpd.Degraded, Fails: s.leads.PlatformFails},
		httpd.Check{Name: "token", Detail: "The last request for an access token failed.", Fault: httpd.Degraded, Fails: s.leads.TokenFails},
		httpd.Check{Name: "catalogue", Detail: "The last refresh of the catalogue failed.", Fault: httpd.Degraded, Fails: s.leads.CatalogueFails},
		httpd.Check{Name: "redis", Detail: "The state shared by replicas (Redis or Valkey) cannot be reached.", Fault: httpd.Degraded, Fails: s.leads.SharedIsLost},
		httpd.Check{Name: "redis", Detail: "The state shared by replicas (Redis or Valkey) refuses some or all commands.", Fault: httpd.Degraded, Fails: s.leads.SharedRefuses},
	)
}

// documents reads the trusted documents that requests may name instead of sending the
// text.
func (p Program) documents(settings config.Documents) (known persisted.Documents, err error) {
	known.TrustedOnly = settings.TrustedOnly
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
func (s *server) openBackend(platform upstream.Options) (*backend.Platform, error) {
	caches, access := s.cfg.Serve.Caches, s.cfg.Serve.Access
	options := backend.Options{
		Upstream: platform, Caches: caches,
		CursorKey: access.CursorKey.Key(), CursorKeyPrevious: access.CursorKeyPrevious.Key(),
		SecretPrevious: string(access.ClientSecretPrevious),
		MaxCallers:     access.PassthroughCallers, MaxLeads: access.PassthroughLeads, Telemetry: s.seen, Logger: s.log,
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
