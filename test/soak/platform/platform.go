// Package platform is the platform of a soak: a sandbox on which things go wrong
// and leads come and go.
package platform

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"leadgraph/test/soak/oracle"
	"leadgraph/upstream/sandbox"
)

// Platform is a sandbox that can go away and come back at the same address.
type Platform struct {
	*sandbox.Server
	options sandbox.Options
	address string
	server  *http.Server
	ended   chan error
}

const (
	// tokenLife is short, so that leadgraph often renews its token.
	tokenLife = 20 * time.Second
	// onlineLatency is how long Microsoft takes to answer the platform.
	onlineLatency = 300 * time.Millisecond
)

func options(leads int) sandbox.Options {
	return sandbox.Options{Leads: leads, TokenLifetime: tokenLife, OnlineLatency: onlineLatency}
}

// Start returns a platform with a number of leads that serves on the loopback.
func Start(ctx context.Context, leads int) (*Platform, error) { return start(ctx, options(leads)) }

func start(ctx context.Context, o sandbox.Options) (*Platform, error) {
	stand, err := sandbox.New(o)
	if err != nil {
		return nil, err
	}
	p := &Platform{Server: stand, options: o, address: "127.0.0.1:0"}
	return p, p.Up(ctx)
}

// Up starts serving.
func (p *Platform) Up(ctx context.Context) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", p.address)
	if err != nil {
		return err
	}
	p.address = listener.Addr().String()
	p.server = &http.Server{Handler: p.Server, ReadHeaderTimeout: 5 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	p.ended = make(chan error, 1)
	go func() { p.ended <- p.server.Serve(listener) }()
	return nil
}

// Down closes all connections. The system refuses new ones until Up.
func (p *Platform) Down() error {
	err := p.server.Close()
	if ended := <-p.ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

// Flags returns the flags that make leadgraph use the platform.
func (p *Platform) Flags() []string {
	origin := "http://" + p.address
	return []string{
		"--upstream-url", origin + sandbox.BasePath, "--token-url", origin + sandbox.TokenPath, "--client-id", sandbox.DefaultClientID,
		"--client-secret", sandbox.DefaultClientSecret, "--scope", sandbox.DefaultScope,
	}
}

// Rows returns all leads in the platform's order.
func (p *Platform) Rows() ([]*oracle.Row, error) { return rowsOf(p.Server, p.IDs()) }

// rowsOf returns the leads with the given ids.
func rowsOf(stand *sandbox.Server, ids []string) ([]*oracle.Row, error) {
	rows := make([]*oracle.Row, len(ids))
	for i, id := range ids {
		var err error
		if rows[i], err = oracle.NewRow(stand.Row(id)); err != nil {
			return nil, fmt.Errorf("lead %s: %w", id, err)
		}
	}
	return rows, nil
}
