// Package webhook sends the changes of leads to receivers: as CloudEvents 1.0 in structured
// JSON, signed as Standard Webhooks.
//
// There is one sender for each receiver. It reads the log of changes from its position,
// sends each change until the receiver accepts it, and then stores the position. So changes
// are delivered at least once, and those of one lead in order. A change that is sent again
// has the same id.
package webhook

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/changes"
)

// Defaults of Options.
const (
	DefaultTimeout = 10 * time.Second
	// DefaultSource is enough for receivers of one leadgraph.
	DefaultSource = "leadgraph"
)

// Leads is where changes come from.
type Leads interface {
	Snapshot(ctx context.Context, want lead.Freshness) (*catalogue.Snapshot, catalogue.State, error)
	// Listen returns the log, and keeps it up to date until leave is called.
	Listen(ctx context.Context) (log *changes.Log, leave func(), err error)
}

// Positions lets one of several processes at a time send to a receiver, and remembers how far
// it got. Errors mean that nothing is known.
type Positions interface {
	// Hold takes the lease of a receiver for Options.Lease, or renews it, unless another
	// holder has it. In either case it returns the position that was saved last: empty if
	// there is none, and any text if it cannot be used.
	Hold(receiver, holder string) (position string, held bool, err error)
	// Save does nothing if the holder does not have the lease, and renews it otherwise.
	Save(receiver, holder, position string) (held bool, err error)
	Release(receiver, holder string)
}

// Options configure the senders. URLs, Secret and Leads are required.
type Options struct {
	// URLs are those of the receivers. They are not logged, except for their hosts.
	URLs []string
	// Secret signs; see ParseSecret.
	Secret []byte
	// Source identifies the server in events; empty means DefaultSource.
	Source string
	// PII includes personal data in events.
	PII bool
	// Timeout bounds one request; 0 means DefaultTimeout.
	Timeout time.Duration
	// Drain is how long requests in progress may still take after the end.
	Drain time.Duration
	Leads Leads
	// Positions are shared by the processes that would send the same. If it is nil, the
	// positions are in memory, and this is the only process.
	Positions Positions
	// Lease is how long a Hold lasts.
	Lease time.Duration
	// Logger receives changes of a receiver's state. Nil means no log.
	Logger *slog.Logger
	// Transport sends requests instead of HTTP. It is for tests.
	Transport http.RoundTripper
}

// State is the state of one sender.
type State struct {
	// Sent counts the events that were accepted, and Failed the requests that were not.
	Sent, Failed uint64
	// Lag is the age of the oldest change that was read and not accepted yet.
	Lag time.Duration
	// Gone says that the receiver wants no more events.
	Gone bool
}

// ParseSecret decodes a secret: 24 to 64 bytes in base64, perhaps after whsec_. The error
// does not repeat it.
func ParseSecret(text string) ([]byte, error) {
	secret, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, "whsec_"))
	if err != nil || len(secret) < 24 || len(secret) > 64 {
		return nil, errors.New("must be 24 to 64 bytes, encoded in base64, perhaps after whsec_")
	}
	return secret, nil
}

// Senders send changes until they are closed. They are safe for concurrent use.
type Senders struct {
	options Options
	client  *http.Client
	signer  atomic.Pointer[standardwebhooks.Webhook]
	senders []*sender
	life    context.Context // of requests
	stop    context.CancelFunc
	work    sync.WaitGroup
}

// Start sends changes until ctx ends or Close is called. Each URL gets the changes from its
// stored position on, or from now on if there is none.
func Start(ctx context.Context, o Options) *Senders {
	if o.Source == "" {
		o.Source = DefaultSource
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Transport == nil {
		o.Transport = newTransport()
	}
	s := &Senders{options: o, client: &http.Client{
		Transport:     o.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	s.Resign(o.Secret)
	ctx, s.stop = context.WithCancel(ctx)
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	s.life = life
	context.AfterFunc(ctx, func() { time.AfterFunc(o.Drain, end) })
	var sending sync.WaitGroup
	holder := rand.Text()
	for _, url := range o.URLs {
		one := newSender(s, url, holder)
		s.senders = append(s.senders, one)
		sending.Go(func() { one.run(ctx) })
	}
	s.work.Go(func() {
		sending.Wait()
		end()
		s.client.CloseIdleConnections()
	})
	return s
}

// Close ends the senders and returns when they have ended. Requests in progress may take
// Options.Drain longer. After a restart they go on with the first change that was not
// accepted, if Positions outlive the process.
func (s *Senders) Close() {
	s.stop()
	s.work.Wait()
}

// Resign replaces the secret. The next request is signed with it.
func (s *Senders) Resign(secret []byte) {
	signer, _ := standardwebhooks.NewWebhookRaw(secret) // never fails
	s.signer.Store(signer)
}

// State returns the states of the senders, in the order of Options.URLs.
func (s *Senders) State() []State {
	states := make([]State, len(s.senders))
	for i, one := range s.senders {
		states[i] = one.state()
	}
	return states
}
