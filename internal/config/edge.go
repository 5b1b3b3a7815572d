package config

import (
	"errors"
	"fmt"
	"time"

	"leadgraph/internal/httpd"
)

// Edge bounds what operations and clients hold at a time, and configures shutdown
// and the operators' listener.
type Edge struct {
	MaxInFlight  int           `help:"Maximum number of operations that run or wait for the platform. One that reads many leads counts several times: once more for each ${rows_per_weight} leads and each ${calls_per_weight} calls that it may need. One caller gets at most three quarters. 0 means no limit, and that nothing is refused." default:"1024" group:"Limits"`
	MaxQueued    int           `help:"Maximum number of operations that wait to run. Fewer may wait if the server cannot answer them within --queue-timeout." default:"4096" group:"Limits"`
	QueueTimeout time.Duration `help:"How long an operation waits to run before it is refused; must be positive." default:"1s" group:"Limits"`
	MaxUnsent    int64         `help:"Maximum size of the answers that wait for their clients to take them, in bytes; one caller gets at most a quarter. Beyond it, the clients that have taken nothing for the longest time are cut off. 0 means no limit." default:"67108864" group:"Limits"`
	MaxSockets   int           `help:"Maximum number of WebSockets and of other subscriptions of one caller; at least 1." default:"256" group:"Limits"`
	DrainDelay   time.Duration `help:"How long to keep serving after SIGTERM, already reporting not ready, so that load balancers notice." default:"1s" group:"Limits"`
	AdminListen  string        `help:"Address to serve health, metrics and profiles on, such as 127.0.0.1:9090; let only operators reach it. Empty: no such listener." group:"Server"`

	TrustedProxies []string `help:"Network of proxies, such as 10.0.0.0/8, whose Forwarded or X-Forwarded-For is believed. Repeat the flag for several. Without it, all clients of a proxy are one address." group:"Server"`
}

func (e *Edge) check() error {
	var errs []error
	if e.QueueTimeout <= 0 {
		errs = append(errs, errors.New("--queue-timeout must be positive"))
	}
	if e.MaxInFlight < 0 || e.MaxQueued < 0 || e.DrainDelay < 0 {
		errs = append(errs, errors.New("--max-in-flight, --max-queued and --drain-delay must not be negative"))
	}
	if e.MaxUnsent < 0 || e.MaxSockets < 1 {
		errs = append(errs, errors.New("--max-unsent must not be negative, and --max-sockets must be positive"))
	}
	if _, err := httpd.ParseProxies(e.TrustedProxies); err != nil {
		errs = append(errs, fmt.Errorf("--trusted-proxies: %w", err))
	}
	return errors.Join(errs...)
}
