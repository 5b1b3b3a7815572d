package config

import (
	"errors"
	"time"
)

// Edge bounds the number of operations at a time, and configures shutdown and
// the operators' listener.
type Edge struct {
	MaxInFlight  int           `help:"Maximum number of operations that run at a time; one caller gets at most three quarters of them. 0 means no limit." default:"64" group:"Limits"`
	MaxQueued    int           `help:"Maximum number of operations that wait to run; one caller gets at most half of the places. Further operations are refused at once." default:"128" group:"Limits"`
	QueueTimeout time.Duration `help:"How long an operation waits to run before it is refused; must be positive." default:"1s" group:"Limits"`
	DrainDelay   time.Duration `help:"How long to keep serving after SIGTERM, already reporting not ready, so that load balancers notice." default:"1s" group:"Limits"`
	AdminListen  string        `help:"Address to serve health, metrics and profiles on, such as 127.0.0.1:9090; let only operators reach it. Empty: no such listener." group:"Server"`
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
