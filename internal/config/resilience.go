package config

import (
	"errors"
	"time"
)

// Resilience bounds what is asked of a platform that is slow, fails, or answers
// without end, and what is taken from it.
type Resilience struct {
	OnlineTimeout     time.Duration `name:"upstream-online-timeout" help:"Time for a lookup with checkOnline, which is never tried again." default:"10s" group:"Live Platform"`
	OnlineConcurrency int           `name:"upstream-online-concurrency" help:"Most lookups with checkOnline under way at a time; they do not count for --upstream-concurrency." default:"4" group:"Live Platform"`
	Adaptive          bool          `name:"upstream-adaptive" help:"Let --upstream-concurrency follow the platform's speed, from a quarter up to the whole." group:"Live Platform"`
	MaxBody           int64         `name:"upstream-max-body" help:"Most bytes of an answer, after decompression." default:"67108864" group:"Live Platform"`
	MaxLeads          int           `name:"upstream-max-leads" help:"Most leads of a walk over all leads: with more it has not read all." default:"500000" group:"Live Platform"`
}

func (r *Resilience) check() error {
	if r.OnlineTimeout <= 0 || r.OnlineConcurrency <= 0 || r.MaxBody <= 0 || r.MaxLeads <= 0 {
		return errors.New("--upstream-online-timeout, --upstream-online-concurrency, --upstream-max-body and --upstream-max-leads must be positive")
	}
	return nil
}
