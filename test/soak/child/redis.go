package child

import (
	"context"
	"errors"
	"net"
	"os/exec"
	"time"
)

// Redis is a running redis-server.
type Redis struct {
	URL   string
	cmd   *exec.Cmd
	ended chan error
}

// StartRedis starts the installed redis-server on the loopback and returns when it
// accepts connections. It returns nil if none is installed.
func StartRedis(ctx context.Context, dir string) (*Redis, error) {
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, nil //nolint:nilnil // a soak does without it
	}
	free, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := free.Addr().String()
	_, port, err := net.SplitHostPort(address)
	if err := errors.Join(err, free.Close()); err != nil {
		return nil, err
	}
	r := &Redis{
		URL:   "redis://" + address,
		cmd:   exec.CommandContext(context.WithoutCancel(ctx), binary, "--bind", "127.0.0.1", "--port", port, "--dir", dir, "--save", "", "--appendonly", "no"),
		ended: make(chan error, 1),
	}
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { r.ended <- r.cmd.Wait() }()
	for limit := time.Now().Add(startTime); ; time.Sleep(10 * time.Millisecond) {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			return r, conn.Close()
		}
		if time.Now().After(limit) || ctx.Err() != nil {
			return nil, errors.Join(err, r.Stop())
		}
	}
}

// Stop kills redis-server: it has nothing to keep.
func (r *Redis) Stop() error {
	err := r.cmd.Process.Kill()
	<-r.ended // says that it was killed
	return err
}
