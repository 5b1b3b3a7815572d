package config

import (
	"errors"
	"time"
)

// Edge says how much is taken on at a time, how the server ends and where its
// operators look.
type Edge struct {
	MaxInFlight  int           `help:"Most operations that run at a time; one caller gets three quarters. 0: no bound." default:"64" group:"Limits"`
	MaxQueued    int           `help:"Most operations that wait for that; others are refused at once." default:"128" group:"Limits"`
	QueueTimeout time.Duration `help:"How long one waits before it is refused." default:"1s" group:"Limits"`
	DrainDelay   time.Duration `help:"How long the server goes on after it was told to end and has said that it is not ready, for load balancers to notice." default:"1s" group:"Limits"`
	AdminListen  string        `help:"Address to serve health, metrics and profiles on, for operators alone, such as 127.0.0.1:9090. Empty: nowhere." group:"Server"`
}

func (e *Edge) check() error {
	var errs []error
	if e.QueueTimeout <= 0 {
		errs = append(errs, errors.New("--queue-timeout must be positive"))
	}
	if e.MaxInFlight < 0 || e.MaxQueued < 0 || e.DrainDelay < 0 {
		errs = append(errs, errors.New("--max-in-flight, --max-queued and --drain-delay must not be negative"))
	}
	return errors.Join(errs...)
}
