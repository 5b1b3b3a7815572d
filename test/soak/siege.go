package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"leadgraph/test/soak/child"
	"leadgraph/test/soak/client"
	"leadgraph/test/soak/hostile"
	"leadgraph/test/soak/load"
	"leadgraph/test/soak/operations"
	"leadgraph/test/soak/pace"
	"leadgraph/test/soak/platform"
	"leadgraph/test/soak/report"
)

// The addresses of the loopback from which others ask than the clients whose answers
// are judged.
const (
	near     = "127.0.0.1"
	deafOne  = "127.0.0.2"
	deafTwo  = "127.0.0.3"
	floodsOf = "127.0.0.4"
)

const (
	deafEach      = 12 // connections that never read, from each address
	strangers     = 16
	hangupPause   = 3 * time.Second
	reloadTime    = 20 * time.Second // requests of the same address may be refused meanwhile
	poisonPause   = 100 * time.Millisecond
	callerPause   = 400 * time.Millisecond
	strangersWait = 300 * time.Millisecond // of their platform: their calls are under way together
	healTime      = 20 * time.Second       // until what was poisoned works again
	longEnough    = 2 * time.Minute        // for a poisoned value to be read
	redisTimeout  = "500ms"                // the race detector makes everything slow
)

// siege is who wishes leadgraph ill while clients ask it. The server under load has a
// replica if they can share a Redis. A server of its own, with a platform without
// faults, gets tokens that nobody issued.
type siege struct {
	*soak
	hangups  *hostile.Hangups
	redis    *child.Redis // nil if none is installed
	poisoner *hostile.Poisoner
	replica  *child.Child
	clients  *client.Client // of the replica

	platform *platform.Platform // of the server that gets invented tokens
	server   *child.Child
	callers  []hostile.Caller
}

// besiege prepares what the flags of the server under load name.
func (k *soak) besiege(ctx context.Context) (*siege, error) {
	s := &siege{soak: k}
	dir := filepath.Join(k.dir, "siege")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	var err error
	if s.hangups, err = hostile.NewHangups(dir); err != nil || !child.RedisInstalled() {
		return s, err
	}
	if s.redis, err = child.StartRedis(ctx, k.dir, false); err != nil {
		return s, err
	}
	s.poisoner, err = hostile.NewPoisoner(s.redis.URL, rand.New(rand.NewPCG(k.seed, 1<<34)), k.tally.Attack)
	return s, err
}

// flags returns the flags of the server under load.
func (s *siege) flags() []string {
	return append(append(s.soak.flags(), s.hangups.Flags()...), s.sharing()...)
}

// sharing returns the flags by which servers share the Redis.
func (s *siege) sharing() []string {
	if s.redis == nil {
		return nil
	}
	key := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32)))
	return []string{"--redis-url", s.redis.URL, "--redis-key", key, "--redis-timeout", redisTimeout}
}

// up starts the further servers.
func (s *siege) up(ctx context.Context, binary string) (err error) {
	if s.redis != nil {
		if s.replica, err = child.Start(ctx, binary, s.log+"-replica", append(s.soak.flags(), s.sharing()...)); err != nil {
			return err
		}
		s.clients = client.New(s.replica.Endpoint, s.workers)
		// It learns how the platform numbers its pages while these are all right.
		if _, err := s.clients.Ask(ctx, readAll()); err != nil {
			return err
		}
	}
	if s.platform, err = platform.StartSlow(ctx, strangersWait); err != nil {
		return err
	}
	token, err := s.platform.Token(ctx)
	if err != nil {
		return err
	}
	flags := append(settingsOf(s.ages(), s.refreshTime()), s.platform.CallersFlags()...)
	if s.server, err = child.Start(ctx, binary, s.log+"-tokens", flags); err != nil {
		return err
	}
	for _, from := range []string{near, floodsOf} {
		s.callers = append(s.callers, hostile.Caller{
			Endpoint: s.server.Endpoint, From: from, Token: token, IDs: s.platform.IDs(), Pause: callerPause,
			Deadline: requestTimeout + s.margin, Count: s.tally.Attack, Wrong: s.wrong,
		})
	}
	return s.callers[0].Introduce(ctx)
}

func (s *siege) wrong(format string, args ...any) {
	s.tally.Violation(report.Besieged, format, args...)
}

// run makes trouble until ctx ends.
func (s *siege) run(ctx context.Context) error {
	var all sync.WaitGroup
	var deaf, hung, poisoned error
	all.Go(func() {
		d := hostile.Deaf{Endpoint: s.child.Endpoint, From: []string{deafOne, deafTwo}, Each: deafEach, Count: s.tally.Attack}
		deaf = d.Run(ctx)
	})
	all.Go(func() {
		h := hostile.Hangup{
			Endpoint: s.child.Endpoint, Signal: s.child.Hangup, Pause: hangupPause,
			Deadline: reloadTime, Count: s.tally.Attack, Wrong: s.wrong,
		}
		hung = s.hangups.Run(ctx, h)
	})
	for _, c := range s.callers {
		all.Go(func() { c.Run(ctx) })
	}
	all.Go(func() {
		hostile.Strangers{
			Endpoint: s.server.Endpoint, From: floodsOf, Number: strangers, Pause: 2 * strangers * time.Second / time.Duration(s.rate),
			Count: s.tally.Attack, Wrong: s.wrong,
		}.Run(ctx)
	})
	if s.redis != nil {
		all.Go(func() { poisoned = s.poisoner.Run(ctx, poisonPause) })
		all.Go(func() { s.askReplica(ctx) })
	}
	all.Wait()
	return errors.Join(deaf, hung, poisoned)
}

// askReplica makes a few clients ask the replica, so that it shares what it reads.
func (s *siege) askReplica(ctx context.Context) {
	l := &load.Load{
		Client: s.clients, History: s.history, Places: &operations.Places{}, Tally: s.tally,
		Ages: s.ages(), Deadline: requestTimeout + s.margin, Seed: s.seed + 1,
	}
	l.Run(ctx, max(1, s.workers/8), max(1, s.rate/8))
}

// healed checks that leadgraph is ready and shares leads again, now that nobody harms it.
func (s *siege) healed(ctx context.Context) error {
	if s.redis == nil {
		return nil
	}
	const metric = "leadgraph_shared_rejected_values_total"
	rejected, err := s.child.Metric(ctx, metric)
	more, failed := s.replica.Metric(ctx, metric)
	if err := errors.Join(err, failed); err != nil {
		return err
	}
	// In a short time, or with 40,000 leads, what is poisoned may never be asked for.
	if rejected+more == 0 && s.memory == 0 && s.duration >= longEnough {
		s.tally.Violation(report.TooLittle, "no poisoned value was read")
	}
	within, cancel := context.WithTimeout(ctx, healTime)
	defer cancel()
	for {
		_, unread := s.load.Client.Ask(ctx, readAll())
		_, body, err := s.load.Client.Get(ctx, "/readyz")
		shared, asked := s.poisoner.Shared()
		if err := errors.Join(unread, err, asked); err != nil {
			return err
		}
		if shared && strings.Contains(body, `"ready"`) {
			return nil
		}
		if !pace.Rest(within, time.Second/2) {
			s.wrong("%v after the last poisoned value, leadgraph says %s, and all leads are shared: %v", healTime, body, shared)
			return nil
		}
	}
}

// readAll asks for something that takes all leads, newly read.
func readAll() client.Request {
	return client.Request{Way: client.ByPost, Operations: []operations.Operation{{Document: "{ leadStats { total } }"}}, Freshness: "no-cache"}
}

// down ends everything but the server under load.
func (s *siege) down() (err error) {
	for name, server := range map[string]*child.Child{"the replica": s.replica, "the server with invented tokens": s.server} {
		if server == nil {
			continue
		}
		if _, ended := server.Stop(); ended != nil {
			s.tally.Violation(report.BadEnds, "%s after SIGTERM: %v", name, ended)
		}
		if _, logged := s.readLog(server); logged != nil {
			err = errors.Join(err, fmt.Errorf("log of %s: %w", name, logged))
		}
	}
	if s.platform != nil {
		err = errors.Join(err, s.platform.Down())
	}
	if s.poisoner != nil {
		s.poisoner.Close()
	}
	if s.redis != nil {
		err = errors.Join(err, s.redis.Stop())
	}
	return err
}
