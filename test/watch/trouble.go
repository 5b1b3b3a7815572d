package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"leadgraph/test/soak/pace"
	"leadgraph/test/watch/follower"
)

// disturb changes leads, restarts servers, and kills servers and Redis, until the time is over.
func (s *stage) disturb(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.duration)
	defer cancel()
	var work sync.WaitGroup
	problems := make([]error, 4)
	work.Go(func() { s.change(ctx) })
	work.Go(func() { problems[0] = s.often(ctx, s.restarts, s.roll) })
	work.Go(func() { problems[1] = s.often(ctx, s.outages, s.loseRedis) })
	work.Go(func() { problems[2] = s.often(ctx, s.kills, s.killReader) })
	work.Wait()
	return errors.Join(problems...)
}

// change changes leads at the rate.
func (s *stage) change(ctx context.Context) {
	gap := time.Second / time.Duration(s.rate)
	for next := time.Now(); pace.Rest(ctx, time.Until(next)); next = next.Add(gap) {
		s.world.Change()
		s.tally.Count("changes of the platform")
	}
}

// often does something so many times, spread over the time that is left.
func (s *stage) often(ctx context.Context, times int, do func(context.Context) error) error {
	for i := range times {
		if !pace.Rest(ctx, s.duration/time.Duration(times+1)*9/10) {
			return nil
		}
		if err := do(context.WithoutCancel(ctx)); err != nil {
			return err
		}
		s.say("%d of %d", i+1, times)
	}
	return nil
}

// roll restarts all servers, one after the other.
func (s *stage) roll(ctx context.Context) error {
	for number := range s.servers {
		if err := s.restart(ctx, number); err != nil {
			return err
		}
		s.tally.Count("servers restarted")
	}
	return nil
}

func (s *stage) restart(ctx context.Context, number int) error {
	s.restless.Lock()
	defer s.restless.Unlock()
	if _, err := s.take(number).Stop(); err != nil {
		s.tally.Add(follower.BadEnds, "after SIGTERM: %v", err)
	}
	return s.up(ctx, number)
}

// loseRedis kills Redis. It comes back after some seconds.
func (s *stage) loseRedis(ctx context.Context) error {
	err := s.redis.Stop()
	s.tally.Count("Redis killed")
	pace.Rest(ctx, 3*time.Second)
	return errors.Join(err, s.redis.Again(ctx))
}

// killReader kills the server that reads the platform at this moment, which holds the lease.
func (s *stage) killReader(ctx context.Context) error {
	s.restless.Lock()
	defer s.restless.Unlock()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); pace.Rest(ctx, time.Millisecond) {
		address := s.world.Reader(5 * time.Millisecond)
		if address == "" {
			continue
		}
		for number, server := range s.servers {
			if server == nil || !server.Holds(address) {
				continue
			}
			s.take(number)
			s.tally.Count("readers killed")
			return errors.Join(server.Kill(), s.up(ctx, number))
		}
	}
	return errors.New("nobody reads the platform")
}
