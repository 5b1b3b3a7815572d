package app

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"leadgraph/graph"
	"leadgraph/graph/federation"
	bounds "leadgraph/graph/limits"
	"leadgraph/graph/pagination"
	"leadgraph/graph/transport"
	"leadgraph/internal/admission"
	"leadgraph/internal/auth"
	"leadgraph/internal/config"
	"leadgraph/internal/errcode"
	"leadgraph/internal/httpd"
	"leadgraph/internal/telemetry"
)

// endpoint returns the GraphQL handler with its protection: from the outside in,
// the gate of an overloaded server, trace context, refusals, browser rules and authentication.
func (s *server) endpoint() (http.Handler, error) {
	handler, err := graph.NewHandler(s.graphOptions())
	if err != nil {
		return nil, err
	}
	s.seen.Watch(telemetry.Sources{
		Projection: func() telemetry.Projection { return telemetry.Projection(handler.ProjectionStats()) },
		Queue: func() telemetry.Queue {
			held, unsent := s.door.State(), s.unsent.State()
			return telemetry.Queue{
				Limit: s.cfg.Serve.Edge.MaxInFlight, Inside: held.Inside, Running: held.Running, Waiting: held.Waiting,
				Unsent: unsent.Bytes, CutOffs: unsent.CutOffs,
			}
		},
	})
	exports := handler.Export()
	paths := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == httpd.ExportPath {
			exports.ServeHTTP(w, r)
			return
		}
		handler.ServeHTTP(w, r)
	})
	access := s.cfg.Serve.Access
	api, err := httpd.Protect(httpd.BrowserOptions{
		Origins:      access.CORSOrigin,
		Headers:      access.CORSHeader,
		Credentials:  access.CORSCredentials,
		LoopbackOnly: auth.Mode(access.Auth) == auth.None && !access.AllowAnonymous,
		MaxBody:      s.cfg.Serve.Limits.MaxBody,
		Logger:       s.log,
	}, s.callers.Protect(paths, httpd.Refuse))
	if err != nil {
		return nil, fmt.Errorf("--cors-origin, --cors-header or --cors-credentials: %w", err)
	}
	refused := admission.NewTally(s.log, "overloaded: requests refused on arrival")
	gate := httpd.Gate{Door: s.door, ByAddress: auth.Mode(access.Auth) == auth.None, Refused: func() {
		refused.Add()
		s.seen.Refused(errcode.Overloaded)
	}}
	return gate.Wrap(s.seen.Extract(httpd.WithRefusals(s.log, s.seen.Refused, api))), nil
}

// nameOf returns the name under which the caller of a context gets its share of the
// server. In passthrough mode a caller can make up any subject, so the partition comes
// first, but also any token, so one that the platform has not accepted counts for its
// address.
func (s *server) nameOf(ctx context.Context) (name string, stranger bool) {
	caller := auth.For(ctx)
	if caller.Partition != "" && !s.leads.Accepted(caller.Partition) {
		return httpd.RemoteIP(ctx), true
	}
	return cmp.Or(caller.Partition, caller.Subject, httpd.RemoteIP(ctx)), false
}

// admit is graph.Options.Admit.
func (s *server) admit(ctx context.Context) (*admission.Slot, time.Duration) {
	name, stranger := s.nameOf(ctx)
	var leave func()
	if stranger && s.cfg.Serve.Edge.MaxInFlight > 0 {
		if leave = s.strangers.Enter(ctx, name, auth.For(ctx).Partition); leave == nil {
			httpd.MarkRefused(ctx)
			return nil, admission.Later()
		}
	}
	slot, retryAfter := s.door.Enter(ctx, name)
	switch {
	case slot == nil:
		httpd.MarkRefused(ctx)
		if leave != nil {
			leave()
		}
	case leave != nil:
		slot.OnRelease(leave)
	}
	return slot, retryAfter
}

// sending is graph.Options.Sending.
func (s *server) sending(ctx context.Context, size int) (end func()) {
	name, _ := s.nameOf(ctx)
	return s.unsent.Begin(ctx, name, size)
}

// graphOptions joins the GraphQL handler to the other parts of the server.
func (s *server) graphOptions() graph.Options {
	access := s.cfg.Serve.Access
	options := limitOptions(s.cfg.Serve.Limits, s.log)
	options.Admit = s.admit
	options.Sending = s.sending
	sockets := admission.NewFew(s.cfg.Serve.Edge.MaxSockets)
	options.Connect = func(ctx context.Context) func() {
		name, _ := s.nameOf(ctx)
		return sockets.Take(name)
	}
	options.Leads, options.Lookups, options.Catalogue, options.Changes = s.leads, s.leads, s.leads, s.leads
	options.Recent = s.leads.Recent
	options.Version = version()
	options.MaxPageSize = s.leads.MaxPageSize
	options.CatalogueOnly = s.cfg.Serve.Caches.PagesFromCatalogue
	options.Caller = func(ctx context.Context) string { return auth.For(ctx).Name() }
	options.CallersToken = auth.Mode(access.Auth) == auth.Passthrough
	options.Expires = func(ctx context.Context) time.Time { return auth.For(ctx).Expires }
	options.SeesPII = func(ctx context.Context) bool { return auth.For(ctx).CanPII }
	options.Online = graph.Online{
		Allowed: access.AllowCheckOnline, May: func(ctx context.Context) bool { return auth.For(ctx).CanSync },
		PerOperation: access.CheckOnlineMax, PerSecond: access.CheckOnlineRate,
	}
	options.MaskPII = access.PII == "mask"
	if s.cfg.Serve.Limits.Federation {
		options.Federation = &federation.Scopes{}
		if auth.Mode(access.Auth) == auth.JWT {
			options.Federation = &federation.Scopes{Read: access.ReadScope, Personal: access.PIIScope}
		}
	}
	options.Cursors = s.leads.Cursors()
	options.Documents = s.documents
	options.Begin, options.Field = s.seen.Begin, s.seen.Field()
	options.Done = func(ctx context.Context, op transport.Operation) { s.seen.Done(ctx, telemetry.Operation(op)) }
	options.InitConnection, options.Closing = s.callers.InitConnection, s.health.Closing()
	options.CheckOrigin = func(*http.Request) bool { return true } // httpd.Protect has already refused foreign pages
	return options
}

// limitOptions returns the options that are settings only.
func limitOptions(limits config.Limits, log *slog.Logger) graph.Options {
	document := bounds.Document{Tokens: limits.MaxTokens, Depth: limits.MaxDepth, Aliases: limits.MaxAliases}
	if limits.Federation {
		document.Values = bounds.SubgraphValues
	}
	return graph.Options{
		Pages:    pagination.Sizes{Default: limits.DefaultFirst, Max: limits.MaxFirst},
		MaxBody:  limits.MaxBody,
		MaxBatch: limits.MaxBatch,
		Limits:   document,
		Budget: bounds.Budget{
			UpstreamCalls: limits.BudgetCalls,
			// The budget must cover a page of the largest size with 30 fields a lead.
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
