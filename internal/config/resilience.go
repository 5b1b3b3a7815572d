package config

import (
	"errors"
	"time"
)

// Resilience bounds what leadgraph asks of a platform that is slow or fails, and
// how much it accepts from one whose answers do not end.
type Resilience struct {
	OnlineTimeout     time.Duration `name:"upstream-online-timeout" help:"Time for a lookup with checkOnline; must be positive. Such a lookup is not retried, except with a new token after a 401." default:"${upstream_online_timeout}" group:"Live Platform"`
	OnlineConcurrency int           `name:"upstream-online-concurrency" help:"Maximum number of lookups with checkOnline at a time; at least 1. They do not count towards --upstream-concurrency." default:"${upstream_online_concurrency}" group:"Live Platform"`
	MaxBody           int64         `name:"upstream-max-body" help:"Maximum size of one answer of the platform after decompression, in bytes; must be positive." default:"${upstream_max_body}" group:"Live Platform"`
	MaxLeads          int           `name:"upstream-max-leads" help:"Maximum number of leads to keep when all leads are read; at least 1. A longer list counts as incomplete." default:"${upstream_max_leads}" group:"Live Platform"`
	Adaptive          bool          `name:"upstream-adaptive" help:"Adapt the number of requests at a time to the platform's speed. It starts at a quarter of --upstream-concurrency and moves between a sixteenth and all of it." group:"Live Platform"`
}

func (r *Resilience) check() error {
	if r.OnlineTimeout <= 0 || r.OnlineConcurrency <= 0 || r.MaxBody <= 0 || r.MaxLeads <= 0 {
		return errors.New("--upstream-online-timeout, --upstream-online-concurrency, --upstream-max-body and --upstream-max-leads must be positive")
	}
	return nil
}
