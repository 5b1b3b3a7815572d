package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"leadgraph/upstream/sandbox"
)

// platform is a sandbox that can go away and come back at the same address.
type platform struct {
	*sandbox.Server
	address string
	server  *http.Server
	ended   chan error
}

const (
	// leads are in the sandbox at the start: some more than one page of 1,000.
	leads = 2000
	// tokenLife has a token renewed often.
	tokenLife = 20 * time.Second
	// onlineLatency is how long Microsoft takes to answer the platform.
	onlineLatency = 300 * time.Millisecond
)

func sandboxOptions() sandbox.Options {
	return sandbox.Options{Leads: leads, TokenLifetime: tokenLife, OnlineLatency: onlineLatency}
}

func newPlatform(ctx context.Context) (*platform, error) {
	stand, err := sandbox.New(sandboxOptions())
	if err != nil {
		return nil, err
	}
	p := &platform{Server: stand, address: "127.0.0.1:0"}
	return p, p.up(ctx)
}

// up begins to serve.
func (p *platform) up(ctx context.Context) error {
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

// down ends all connections; new ones are refused.
func (p *platform) down() error {
	err := p.server.Close()
	if ended := <-p.ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

// flags tell leadgraph where the platform is.
func (p *platform) flags() []string {
	origin := "http://" + p.address
	return []string{
		"--upstream-url", origin + sandbox.BasePath, "--token-url", origin + sandbox.TokenPath, "--client-id", sandbox.DefaultClientID,
		"--client-secret", sandbox.DefaultClientSecret, "--scope", sandbox.DefaultScope,
	}
}

// rowsOf reads rows as the platform has them.
func rowsOf(stand *sandbox.Server, ids []string) ([]*row, error) {
	rows := make([]*row, len(ids))
	for i, id := range ids {
		var err error
		if rows[i], err = newRow(stand.Row(id)); err != nil {
			return nil, fmt.Errorf("lead %s: %w", id, err)
		}
	}
	return rows, nil
}

// onlineRows are the leads that the platform learns by checkOnline, by tenant. A
// sandbox of its own tells them: this one must not learn them yet.
func onlineRows() (map[string]*row, error) {
	options := sandboxOptions()
	options.NoAuth, options.OnlineLatency = true, 0
	twin, err := sandbox.New(options)
	if err != nil {
		return nil, err
	}
	found := map[string]*row{}
	for _, tenant := range twin.OnlineTenants() {
		before := len(twin.IDs())
		learn(twin, tenant)
		rows, err := rowsOf(twin, twin.IDs()[before:])
		if err != nil {
			return nil, err
		}
		found[rows[0].tenant] = rows[0]
	}
	return found, nil
}
