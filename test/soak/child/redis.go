package child

import (
	"context"
	"errors"
	"net"
	"os/exec"
	"time"

	"leadgraph/test/soak/pace"
)

// Redis is a running redis-server.
type Redis struct {
	URL          string
	address, dir string
	cmd          *exec.Cmd
	ended        chan struct{}
}

const redisServer = "redis-server"

// RedisInstalled tells whether StartRedis finds a redis-server.
func RedisInstalled() bool {
	_, err := exec.LookPath(redisServer)
	return err == nil
}

// StartRedis starts the installed redis-server on the loopback and returns when it
// accepts connections.
func StartRedis(ctx context.Context, dir string) (*Redis, error) {
	free, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &Redis{address: free.Addr().String(), dir: dir}
	r.URL = "redis://" + r.address
	if err := free.Close(); err != nil {
		return nil, err
	}
	return r, r.Again(ctx)
}

// Again starts redis-server after Stop, at the same address and without data.
func (r *Redis) Again(ctx context.Context) error {
	_, port, err := net.SplitHostPort(r.address)
	if err != nil {
		return err
	}
	r.cmd = exec.CommandContext(context.WithoutCancel(ctx), redisServer, "--bind", "127.0.0.1", "--port", port, "--dir", r.dir, "--save", "", "--appendonly", "no")
	r.ended = make(chan struct{})
	if err := r.cmd.Start(); err != nil {
		return err
	}
	go func() {
		_ = r.cmd.Wait() // says that it was killed
		close(r.ended)
	}()
	limited, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		conn, err := new(net.Dialer).DialContext(limited, "tcp", r.address)
		if err == nil {
			return conn.Close()
		}
		if !pace.Rest(limited, 10*time.Millisecond) {
			return errors.Join(err, r.Stop())
		}
	}
}

// Stop kills redis-server: it has nothing to keep.
func (r *Redis) Stop() error {
	err := r.cmd.Process.Kill()
	<-r.ended
	return err
}
