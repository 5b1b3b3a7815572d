// Command leadgraph serves a GraphQL API over the Operator Connect leads of the
// AudioCodes Live Platform. Started without settings it brings its own
// stand-in platform, so that `go run .` needs neither credentials nor network.
package main

import (
	"cmp"
	"context"

	"leadgraph/graph/transport"

	_ "embed"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"leadgraph/graph"

	bounds "leadgraph/graph/limits"
	"leadgraph/graph/pagination"
	"leadgraph/graph/persisted"
	"leadgraph/internal/auth"
	"leadgraph/internal/backend"
	"leadgraph/internal/config"
	"leadgraph/internal/doctor"
	"leadgraph/internal/httpd"
	"leadgraph/internal/telemetry"
	"leadgraph/upstream"
	"leadgraph/upstream/sandbox"
	"leadgraph/web"
)

//go:embed schema.graphqls
var schema string

// gcPercent trades memory for time: with the usual 100 the collector takes a
// fifth of the time of small answers, with 400 a page of 100 leads takes 180 MB.
// README.md has the figures. GOGC and GOMEMLIMIT are heard as always.
const gcPercent = 200

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if err := runUntilSignal(os.Args[1:]); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "leadgraph:", err) // nowhere left to report to
		os.Exit(1)
	}
}

// runUntilSignal runs the program: a signal ends it in order, a second at once.
func runUntilSignal(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // from then on signals do what they do without us
	return run(ctx, args, os.Getenv, os.Stdout, os.Stderr)
}

// run is the whole program; it ends in order when ctx does.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	cfg, command, err := config.Load(args, getenv, stdout)
	if err != nil || command == "" {
		return err
	}
	log := newLog(cfg.Log, stderr)
	switch command {
	case config.Serve:
		return serve(ctx, cfg, stdout, log)
	case config.Sandbox:
		return serveSandbox(ctx, cfg, stdout, log)
	case config.Check:
		return checkFront(cfg, stdout)
	case config.Examine:
		return examine(ctx, cfg.Doctor, stdout, log)
	case config.Health:
		return httpd.Probe(ctx, cfg.Healthcheck.URL)
	case config.Schema:
		_, err = io.WriteString(stdout, schema)
	case config.Version:
		_, err = fmt.Fprintln(stdout, "leadgraph", version())
	}
	return err
}

func newLog(cfg config.Log, w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: cfg.Level}
	var lines slog.Handler = slog.NewJSONHandler(w, options)
	if cfg.Format == "text" {
		lines = slog.NewTextHandler(w, options)
	}
	return slog.New(telemetry.LogHandler(lines, httpd.RequestID))
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return info.Main.Version + " " + info.GoVersion
}

// serve runs the GraphQL server, on the sandbox if no platform is set.
func serve(ctx context.Context, cfg *config.Config, stdout io.Writer, log *slog.Logger) error {
	settings := cfg.Serve
	if err := auth.CheckExposure(auth.Mode(settings.Access.Auth), settings.Listen, settings.Access.AllowAnonymous); err != nil {
		return fmt.Errorf("%w: set --auth jwt, or --allow-anonymous", err)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", settings.Listen)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }() // closed already unless the start fails
	platform, closeSandbox, err := openPlatform(ctx, settings.Upstream, settings.Data, log)
	if err != nil {
		return err
	}
	defer closeSandbox()
	if settings.Upstream.URL == "" {
		say(stdout, "sandbox:    no --upstream-url is set; serving %d invented leads from %s\n", settings.Data.Leads, platform.BaseURL)
	}
	known, err := documents(settings.Documents)
	if err != nil {
		return err
	}
	seen, err := telemetry.New(ctx, telemetry.Options{
		Version:    version(),
		Operations: known.Trusted.Operations(),
		Tracing:    settings.Tracing.On,
		RequestID:  httpd.RequestID,
		Attempt:    upstream.AttemptOf,
		Logger:     log,
	})
	if err != nil {
		return err
	}
	defer seen.Close()
	leads, err := openBackend(settings.Caches, settings.Access, platform, seen, log)
	if err != nil {
		return err
	}
	defer leads.Close()
	var playground http.Handler
	if settings.Limits.Playground {
		playground = web.Playground()
		say(stdout, "playground: http://%s/\n", listener.Addr())
	}
	if settings.Caches.CatalogueWarm {
		go leads.Warm(ctx)
	}
	callers, err := newCallers(settings.Access, log)
	if err != nil {
		return err
	}
	defer callers.Close()
	health := healthOf(leads, callers)
	edge := settings.Edge
	limiter := httpd.NewLimiter(httpd.LimiterOptions{InFlight: edge.MaxInFlight, Queue: edge.MaxQueued, Wait: edge.QueueTimeout})
	go limiter.Follow(ctx)
	house := house{cfg, known, leads, callers, health, limiter, seen, log}
	api, err := house.api()
	if err != nil {
		return err
	}
	if edge.AdminListen != "" {
		admin, stop, err := httpd.Start(ctx, edge.AdminListen, httpd.Admin(health, seen.Handler()), log)
		if err != nil {
			return err
		}
		defer stop()
		say(stdout, "admin:      http://%s/\n", admin)
	}
	say(stdout, "endpoint:   http://%s/graphql\n", listener.Addr())
	return httpd.Server{
		Handler: httpd.Routes(api, playground, health), Health: health, DrainDelay: edge.DrainDelay, DrainTimeout: settings.Limits.DrainTimeout, Log: log,
	}.Serve(ctx, listener)
}

// house is what requests are answered with.
type house struct {
	cfg       *config.Config
	documents persisted.Documents
	leads     *backend.Backend
	callers   *auth.Authenticator
	health    *httpd.Health
	limiter   *httpd.Limiter
	seen      *telemetry.Telemetry
	log       *slog.Logger
}

// api is the GraphQL endpoint with all that stands in front of it.
func (h house) api() (http.Handler, error) {
	access := h.cfg.Serve.Access
	options := graphOptions(h.cfg.Serve.Limits, h.log)
	options.Admit = func(ctx context.Context) (func(), time.Duration) {
		return h.limiter.Acquire(ctx, cmp.Or(auth.For(ctx).Partition, auth.For(ctx).Subject, httpd.RemoteIP(ctx))) // a subject alone can be invented
	}
	options.Leads, options.Lookups, options.Catalogue = h.leads, h.leads, h.leads
	options.CatalogueOnly = h.cfg.Serve.Caches.PagesFromCatalogue
	options.Caller = func(ctx context.Context) string { return auth.For(ctx).Name() }
	options.CallersToken = auth.Mode(access.Auth) == auth.Passthrough
	options.Expires = func(ctx context.Context) time.Time { return auth.For(ctx).Expires }
	options.SeesPII = func(ctx context.Context) bool { return auth.For(ctx).CanPII }
	options.MaskPII = access.PII == "mask"
	options.Cursors = pagination.NewSeal(access.SealKey(h.log))
	options.Documents = h.documents
	options.Begin, options.Field = h.seen.Begin, h.seen.Field()
	options.Done = func(ctx context.Context, op transport.Operation) { h.seen.Done(ctx, telemetry.Operation(op)) }
	options.InitConnection, options.Closing = h.callers.InitConnection, h.health.Closing()
	options.CheckOrigin = func(*http.Request) bool { return true } // httpd.Protect has refused foreign pages
	handler, err := graph.NewHandler(options)
	if err != nil {
		return nil, err
	}
	h.seen.Watch(telemetry.Sources{
		Projection: func() telemetry.Projection { return telemetry.Projection(handler.ProjectionStats()) },
		Queue: func() telemetry.Queue {
			held := h.limiter.State()
			return telemetry.Queue{Limit: h.limiter.Slots(), Running: held.InFlight, Waiting: held.Queued}
		},
	})
	api, err := httpd.Protect(httpd.BrowserOptions{
		Origins:      access.CORSOrigin,
		Credentials:  access.CORSCredentials,
		LoopbackOnly: auth.Mode(access.Auth) == auth.None && !access.AllowAnonymous,
		MaxBody:      h.cfg.Serve.Limits.MaxBody,
	}, h.callers.Protect(handler, httpd.Refuse))
	if err != nil {
		return nil, err
	}
	return h.seen.Extract(httpd.WithRefusals(h.log, h.seen.Refused, api)), nil
}

// openPlatform says how to reach the platform. If none is set that is a sandbox on
// a free loopback port, until it is closed: after the last request that may need it.
func openPlatform(ctx context.Context, settings config.Upstream, data config.Data, log *slog.Logger) (platform upstream.Options, closeSandbox func(), err error) {
	platform, err = backend.Platform(settings, log)
	if err != nil || platform.BaseURL != "" {
		return platform, func() {}, err
	}
	stand, err := sandbox.New(sandbox.Options{Leads: data.Leads})
	if err != nil {
		return platform, nil, err
	}
	address, closeSandbox, err := httpd.Start(ctx, "127.0.0.1:0", stand, log)
	if err == nil {
		platform.BaseURL, platform.Credentials = sandboxAccess(address)
	}
	return platform, closeSandbox, err
}

func newCallers(access config.Access, log *slog.Logger) (*auth.Authenticator, error) {
	return auth.New(auth.Options{
		Mode:      auth.Mode(access.Auth),
		Issuers:   access.JWTIssuer,
		Audiences: access.JWTAudience,
		KeysURL:   access.JWKSURL,
		ReadScope: access.ReadScope,
		PIIScope:  access.PIIScope,
		Log:       log,
	})
}

// healthOf names what the server needs; without keys it can answer nobody.
func healthOf(leads *backend.Backend, callers *auth.Authenticator) *httpd.Health {
	return httpd.NewHealth(
		httpd.Check{Name: "keys", Detail: "The keys of access tokens have not been read yet.", Fault: httpd.NotReady, Fails: func() bool { return !callers.Ready() }},
		httpd.Check{Name: "platform", Detail: "The platform fails and is left alone for some seconds.", Fault: httpd.Degraded, Fails: leads.PlatformFails},
		httpd.Check{Name: "catalogue", Detail: "The last attempt to read all leads failed.", Fault: httpd.Degraded, Fails: leads.CatalogueFails},
		httpd.Check{Name: "redis", Detail: "What replicas share cannot be reached.", Fault: httpd.Degraded, Fails: leads.SharedIsLost},
	)
}

// examine probes the platform. Its error says that it cannot be used.
func examine(ctx context.Context, settings config.Doctor, stdout io.Writer, log *slog.Logger) error {
	platform, closeSandbox, err := openPlatform(ctx, settings.Upstream, settings.Data, log)
	if err != nil {
		return err
	}
	defer closeSandbox()
	return doctor.Run(ctx, doctor.Options{
		Platform: platform,
		Given:    settings.Upstream.Given(),
		Rate:     settings.Upstream.Rate,
		Timeout:  settings.Timeout,
	}, settings.JSON, stdout)
}

// checkFront prices the documents of a front-end, for its CI.
func checkFront(cfg *config.Config, stdout io.Writer) error {
	settings := cfg.Check
	parsed, err := parsedSchema()
	if err != nil {
		return err
	}
	front := bounds.Front{
		Schema:     parsed,
		Rates:      bounds.Rates{MaxPage: settings.MaxFirst},
		Budget:     bounds.Budget{UpstreamCalls: settings.MaxCalls, Rows: settings.MaxRows},
		ListLength: settings.MaxList,
	}
	return front.Check(stdout, settings.Files)
}

func parsedSchema() (*ast.Schema, error) {
	return gqlparser.LoadSchema(&ast.Source{Name: "schema.graphqls", Input: schema})
}

// documents reads what requests may name in the place of a document.
func documents(settings config.Documents) (known persisted.Documents, err error) {
	known.TrustedOnly = settings.TrustedOnly
	if settings.APQ {
		known.Automatic = persisted.NewMemory(settings.APQBytes)
	}
	if len(settings.TrustedDocuments) > 0 {
		var parsed *ast.Schema
		if parsed, err = parsedSchema(); err == nil {
			known.Trusted, err = persisted.Load(settings.TrustedDocuments, parsed)
		}
	}
	return known, err
}

// openBackend reads with the platform's credentials, or with the token of each
// caller.
func openBackend(caches config.Caches, access config.Access, platform upstream.Options, seen *telemetry.Telemetry, log *slog.Logger) (*backend.Backend, error) {
	options := backend.Options{
		Platform: platform, Caches: caches, MaxCallers: access.PassthroughCallers, MaxLeads: access.PassthroughLeads, Seen: seen, Log: log,
	}
	if auth.Mode(access.Auth) == auth.Passthrough {
		options.Platform.Credentials = upstream.ClientCredentials{} // of the built-in sandbox
		options.Caller = func(ctx context.Context) (partition, token string) {
			caller := auth.For(ctx)
			return caller.Partition, caller.Bearer.Reveal()
		}
	}
	return backend.Open(options)
}

func graphOptions(limits config.Limits, log *slog.Logger) graph.Options {
	return graph.Options{
		Pages:       pagination.Sizes{Default: limits.DefaultFirst, Max: limits.MaxFirst},
		MaxPageSize: upstream.MaxPageSize,
		MaxBody:     limits.MaxBody,
		MaxBatch:    limits.MaxBatch,
		Limits:      bounds.Document{Tokens: limits.MaxTokens, Depth: limits.MaxDepth, Aliases: limits.MaxAliases},
		Budget: bounds.Budget{
			UpstreamCalls: limits.BudgetCalls,
			// A page of the largest size must be affordable, with some fields.
			Rows:   max(bounds.DefaultBudgetRows, 3*limits.MaxFirst),
			Fields: max(bounds.DefaultBudgetFields, 30*limits.MaxFirst),
		},
		Timeout:       limits.RequestTimeout,
		Introspection: limits.Introspection,
		ExposeCost:    limits.ExposeCost,
		Textbook:      !limits.Projection,
		Logger:        log,
		RequestID:     httpd.RequestID,
	}
}

func sandboxAccess(address net.Addr) (baseURL string, access upstream.ClientCredentials) {
	origin := "http://" + address.String()
	return origin + sandbox.BasePath, upstream.ClientCredentials{
		TokenURL:     origin + sandbox.TokenPath,
		ClientID:     sandbox.DefaultClientID,
		ClientSecret: sandbox.DefaultClientSecret,
		Scope:        sandbox.DefaultScope,
	}
}

// serveSandbox runs the stand-in platform alone and says how to connect to it.
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
	return httpd.Server{Handler: platform, DrainTimeout: time.Second, Log: log}.Serve(ctx, listener)
}

// say writes to the user's terminal; that it cannot be written to is no reason
// to stop serving.
func say(stdout io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(stdout, format, args...) }
