package app

import (
	"context"

	"leadgraph/internal/telemetry"
	"leadgraph/internal/webhook"
)

// openWebhooks sends changes of leads to the receivers that are set, until ctx ends.
func (s *server) openWebhooks(ctx context.Context) {
	settings := s.cfg.Serve.Webhooks
	if len(settings.URL) == 0 {
		return
	}
	options := webhook.Options{
		URLs: settings.URLs(), Secret: settings.Key(), Source: settings.Source, PII: settings.PII,
		Timeout: settings.Timeout, Drain: s.cfg.Serve.Limits.DrainTimeout, Leads: s.leads, Logger: s.log,
	}
	if positions, lease := s.leads.Outlets(); positions != nil {
		options.Positions, options.Lease = positions, lease
	} else {
		s.log.WarnContext(ctx, "without --redis-url, changes while the server is stopped are not sent to the receivers of webhooks, and each replica sends every change")
	}
	s.webhooks = webhook.Start(ctx, options)
	s.closers = append(s.closers, s.webhooks.Close)
	s.seen.Watch(telemetry.Sources{Webhooks: func() (states []telemetry.Webhook) {
		for _, state := range s.webhooks.State() {
			states = append(states, telemetry.Webhook(state))
		}
		return states
	}})
}
