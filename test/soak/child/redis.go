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
	URL     string
	address string
	options []string
	cmd     *exec.Cmd
	ended   chan struct{}
}

const redisServer = "redis-server"

// RedisInstalled tells whether StartRedis finds a redis-server.
func RedisInstalled() bool {
	_, err := exec.LookPath(redisServer)
	return err == nil
}

// StartRedis starts the installed redis-server on the loopback and returns when it
// accepts connections.
//
// If it keeps its data it has them after Again.
func StartRedis(ctx context.Context, dir string, keeps bool) (*Redis, error) {
	free, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &Redis{address: free.Addr().String(), options: []string{"--dir", dir, "--save", "", "--appendonly", "no"}}
	if keeps {
		r.options = []string{"--dir", dir, "--save", "", "--appendonly", "yes", "--appendfsync", "always"}
	}
	r.URL = "redis://" + r.address
	if err := free.Close(); err != nil {
		return nil, err
	}
	return r, r.Again(ctx)
}

// Again starts redis-server after Stop, at the same address.
func (r *Redis) Again(ctx context.Context) error {
	_, port, err := net.SplitHostPort(r.address)
	if err != nil {
		return err
	}
	r.cmd = exec.CommandContext(context.WithoutCancel(ctx), redisServer, append([]string{"--bind", "127.0.0.1", "--port", port}, r.options...)...)
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

// Stop kills redis-server.
func (r *Redis) Stop() error {
	err := r.cmd.Process.Kill()
	<-r.ended
	return err
}
