package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"leadgraph/test/soak/child"
	"leadgraph/test/soak/pace"
	"leadgraph/test/watch/follower"
	"leadgraph/test/watch/world"
)

const (
	interval = time.Second // between readings
	// settleTime is how long clients have to be in step after everything is quiet. A Redis
	// that was lost is tried again after up to half a minute.
	settleTime = 75 * time.Second
)

// stage is everything that runs.
type stage struct {
	settings
	dir, binary string
	world       *world.World
	tally       *follower.Tally
	random      *rand.Rand
	progress    io.Writer
	redis       *child.Redis

	mu       sync.Mutex
	servers  []*child.Child // nil while one restarts
	starts   int
	restless sync.Mutex // held by who ends a server: one at a time
}

func (s *stage) say(format string, args ...any) {
	_, _ = fmt.Fprintf(s.progress, time.Now().Format("15:04:05 ")+format+"\n", args...) // only progress
}

// play starts everything, lets it run, and judges.
func (s *stage) play(ctx context.Context) (err error) {
	if s.redis, err = child.StartRedis(ctx, s.dir, !s.forgets); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.redis.Stop()) }()
	s.servers = make([]*child.Child, s.replicas)
	defer s.stopAll()
	for i := range s.servers {
		if err := s.up(ctx, i); err != nil {
			return err
		}
	}
	watching, leave := context.WithCancel(ctx)
	defer leave()
	followers, running := s.follow(watching)
	if err := s.disturb(ctx); err != nil {
		return err
	}
	s.say("quiet; waiting until all are in step")
	s.settle(ctx, followers)
	leave()
	running.Wait()
	for _, f := range followers {
		if err := f.InStep(); err != nil {
			s.tally.Add(follower.Lost, "%v", err)
		}
	}
	return nil
}

// up starts a server.
func (s *stage) up(ctx context.Context, number int) error {
	s.mu.Lock()
	s.starts++
	logs := s.logs
	if logs == "" {
		logs = s.dir
	}
	file := filepath.Join(logs, fmt.Sprintf("log-%d-%d", number, s.starts))
	s.mu.Unlock()
	key := base64.StdEncoding.EncodeToString(make([]byte, 32))
	flags := append(s.world.Flags(), "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--no-playground", "--drain-delay", "100ms",
		"--redis-url", s.redis.URL, "--redis-key", key, "--redis-timeout", "500ms", "--max-sockets", "1000",
		"--changes-interval", interval.String(), "--catalogue-ttl", "1s", "--catalogue-page-size", "100")
	started, err := child.Start(ctx, s.binary, file, flags)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.servers[number] = started
	return nil
}

// take returns the server of a number and marks it as ended.
func (s *stage) take(number int) *child.Child {
	s.mu.Lock()
	defer s.mu.Unlock()
	server := s.servers[number]
	s.servers[number] = nil
	return server
}

func (s *stage) stopAll() {
	for i := range s.servers {
		if server := s.take(i); server != nil {
			if _, err := server.Stop(); err != nil {
				s.tally.Add(follower.BadEnds, "%v", err)
			}
		}
	}
}

// endpoint returns the endpoint of a server that runs, as a balancer does.
func (s *stage) endpoint(random *rand.Rand) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	up := slices.DeleteFunc(slices.Clone(s.servers), func(c *child.Child) bool { return c == nil })
	if len(up) == 0 {
		return "http://127.0.0.1:1/" // nobody
	}
	return up[random.IntN(len(up))].Endpoint
}

// follow starts the followers.
func (s *stage) follow(ctx context.Context) ([]*follower.Follower, *sync.WaitGroup) {
	running := new(sync.WaitGroup)
	all := make([]*follower.Follower, s.followers)
	filters := [][]string{nil, {"ACTIVE"}, {"SUSPENDED", "REMOVED"}}
	for i := range all {
		random := rand.New(rand.NewPCG(s.seed, uint64(100+i)))
		f := &follower.Follower{
			Transport: follower.Transports[i%len(follower.Transports)], Statuses: filters[i/len(follower.Transports)%len(filters)],
			Reset: i%8 < 4, Careless: i%5 == 0, Forgives: s.forgets, World: s.world, Tally: s.tally, Random: random,
			Server: func() string { return s.endpoint(random) },
		}
		if i%10 == 9 {
			f.Slow = 300 * time.Millisecond
		}
		all[i] = f
		running.Go(func() { f.Run(ctx) })
	}
	return all, running
}

// settle waits until all followers are in step.
func (s *stage) settle(ctx context.Context, followers []*follower.Follower) {
	for end := time.Now().Add(settleTime); time.Now().Before(end) && pace.Rest(ctx, time.Second); {
		behind := 0
		for _, f := range followers {
			if f.InStep() != nil {
				behind++
			}
		}
		if behind == 0 {
			return
		}
	}
}
