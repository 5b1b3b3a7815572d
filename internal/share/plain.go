package share

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"leadgraph/lead/catalogue"
)

// scripted runs a step as attemptAs does, with a script or, while the server forbids
// scripts, with plain commands. These are not atomic: two replicas may take the lease,
// and an older copy may replace a newer one for as long as it lives. So there are no
// revisions then.
func scripted[T any](s *Store, step string, script func(context.Context, rueidis.Client) (T, error), plain func(commands) (T, error)) (T, error) {
	return attemptAs(s, step, func(ctx context.Context, client rueidis.Client) (T, error) {
		if !s.scriptless.Load() {
			value, err := script(ctx, client)
			if !forbidden(err) {
				return value, err
			}
			if !s.scriptless.Swap(true) {
				s.opts.Logger.Warn("shared state forbids scripts; leads are shared with plain commands: "+
					"two replicas may read all leads at a time, and older leads may replace newer ones", slog.Any("error", err))
			}
		}
		return plain(commands{s, ctx, client})
	})
}

// forbidden reports whether the server does not run scripts at all: the message names
// the command that the client sent.
func forbidden(err error) bool {
	if codeOf(err) == "" {
		return false
	}
	message := strings.ToLower(err.Error())
	return strings.Contains(message, "'eval") && (strings.Contains(message, "noperm") || strings.Contains(message, "unknown command"))
}

// commands does what the scripts do.
type commands struct {
	*Store
	ctx    context.Context
	client rueidis.Client
}

func (c commands) clock() (int64, error) {
	return timeOf(c.client.Do(c.ctx, c.client.B().Time().Build()))
}

// timeOf returns the answer of TIME in µs since 1970.
func timeOf(answer rueidis.RedisResult) (int64, error) {
	parts, err := answer.AsStrSlice()
	if err != nil {
		return 0, err
	}
	if len(parts) != 2 {
		return 0, errFormat
	}
	seconds, errSeconds := strconv.ParseInt(parts[0], 10, 40)
	micros, errMicros := strconv.ParseInt(parts[1], 10, 40)
	if errSeconds != nil || errMicros != nil {
		return 0, errFormat
	}
	return seconds*1e6 + micros, nil
}

// momentOf returns the time at the start of a text; ok is false if there is none or it
// is in the future.
func momentOf(text string, now int64) (at int64, ok bool) {
	stamp, _, _ := strings.Cut(text, " ")
	at, err := strconv.ParseInt(stamp, 10, 64)
	return at, err == nil && at >= 0 && at <= now
}

func (c commands) look(greatestAge time.Duration, useless, failed, name string) (turn, error) {
	now, err := c.clock()
	if err != nil {
		return turn{}, err
	}
	earliest := now - greatestAge.Microseconds()
	text, err := textOf(c.ctx, c.client, c.headKey(), maxHead)
	if err != nil {
		return turn{}, err
	}
	usable := func(head string) bool {
		stamp, _, _ := strings.Cut(head, " ")
		begun, ok := momentOf(head, now)
		return ok && begun >= earliest && stamp != useless && head != failed
	}
	if usable(text) {
		return turn{does: found, now: now, head: text}, nil
	}
	lease := strconv.FormatInt(now, 10) + " " + name
	set := c.client.B().Set().Key(c.leaseKey()).Value(lease).Nx().Px(c.opts.LeaseTTL).Build()
	if err = c.client.Do(c.ctx, set).Error(); err == nil {
		return c.took(turn{does: leased, now: now, lease: lease}, usable)
	} else if !rueidis.IsRedisNil(err) {
		return turn{}, err
	}
	held, err := textOf(c.ctx, c.client, c.leaseKey(), 100)
	if err != nil {
		return turn{}, err
	}
	left, err := c.client.Do(c.ctx, c.client.B().Pttl().Key(c.leaseKey()).Build()).AsInt64()
	if err != nil {
		return turn{}, err
	}
	begun, ok := momentOf(held, now)
	switch {
	case !ok || left <= 0 || left > c.opts.LeaseTTL.Milliseconds(): // no replica wrote it, or it was released just now
		set := c.client.B().Set().Key(c.leaseKey()).Value(lease).Px(c.opts.LeaseTTL).Build()
		if err := c.client.Do(c.ctx, set).Error(); err != nil {
			return turn{}, err
		}
		return c.took(turn{does: leased, now: now, lease: lease}, usable)
	case begun >= earliest:
		return turn{does: wait, now: now, head: text}, nil
	}
	return turn{does: apart, now: now, head: text}, nil
}

// took returns the turn of a replica that has just taken the lease. Its last holder may have
// shared leads and released it since they were looked for.
func (c commands) took(t turn, usable func(head string) bool) (turn, error) {
	var err error
	if t.head, err = textOf(c.ctx, c.client, c.headKey(), maxHead); err == nil && usable(t.head) {
		return turn{does: found, now: t.now, head: t.head}, c.release(c.leaseKey(), t.lease)
	}
	return t, err
}

// advance replaces a head by one without a revision.
func (c commands) advance(m move, text string) ([]string, error) {
	now, err := c.clock()
	if err != nil {
		return nil, err
	}
	old, err := textOf(c.ctx, c.client, c.headKey(), maxHead)
	if err != nil {
		return nil, err
	}
	if at, ok := momentOf(old, now); m.next.name != (catalogue.Revision{}) || ok && at >= m.next.begun {
		return []string{lost, old, ""}, nil
	}
	set := c.client.B().Set().Key(c.headKey()).Value(text).Px(m.keep).Build()
	return []string{done, old, ""}, c.client.Do(c.ctx, set).Error()
}

func (c commands) renew(lease string) error {
	if held, err := textOf(c.ctx, c.client, c.leaseKey(), 100); err != nil || held != lease {
		return err
	}
	expire := c.client.B().Pexpire().Key(c.leaseKey()).Milliseconds(c.opts.LeaseTTL.Milliseconds()).Build()
	return c.client.Do(c.ctx, expire).Error()
}

func (c commands) release(key, lease string) error {
	if held, err := textOf(c.ctx, c.client, key, 100); err != nil || held != lease {
		return err
	}
	return c.client.Do(c.ctx, c.client.B().Del().Key(key).Build()).Error()
}

func (c commands) recall(keys []string) ([]string, error) {
	now, err := c.clock()
	if err != nil {
		return nil, err
	}
	answer := append(make([]string, 0, len(keys)+1), strconv.FormatInt(now, 10))
	for some := range slices.Chunk(keys, maxRecall/maxLookup) {
		var reads rueidis.Commands
		for _, key := range some {
			reads = append(reads, c.client.B().Getrange().Key(key).Start(0).End(maxLookup).Build())
		}
		for _, result := range c.client.DoMulti(c.ctx, reads...) {
			text, err := result.ToString()
			if err != nil && codeOf(err) != wrongType {
				return nil, err
			}
			answer = append(answer, text) // too long a text is refused later
		}
	}
	return answer, nil
}

func (c commands) remember(keys, values []string, ttl time.Duration) error {
	now, err := c.clock()
	if err != nil {
		return err
	}
	for i, key := range keys {
		begun, ok := momentOf(values[i], now)
		left := ttl - time.Duration(now-begun)*time.Microsecond
		if !ok || left < time.Millisecond {
			continue
		}
		old, err := c.client.Do(c.ctx, c.client.B().Getrange().Key(key).Start(0).End(20).Build()).ToString()
		if err != nil && codeOf(err) != wrongType {
			return err
		}
		if at, ok := momentOf(old, now); ok && at >= begun {
			continue
		}
		set := c.client.B().Set().Key(key).Value(values[i]).Px(left).Build()
		if err := c.client.Do(c.ctx, set).Error(); err != nil {
			return err
		}
	}
	return nil
}
