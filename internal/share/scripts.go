package share

import (
	"context"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

// clock is the start of every script that measures time. Ages are measured by the
// server's clock, so the clocks of replicas may differ. Every stored time comes from
// a script.
const clock = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function moment(text) -- the time at the start of a stored text; nil if it is in the future
  local at = tonumber(text and string.match(text, '^%d+'))
  return at and at <= now and at or nil
end
`

// lookScript returns the manifest of leads that are fresh enough. If there are none
// it takes the lease. If the lease is taken, it returns whether the leads that the
// holder is reading will be fresh enough. Keys: manifest, lease. Arguments: maximum
// age in µs, a generation that must not be returned, a name for the lease, and the
// lease's time to live in ms.
const lookScript = clock + `
local earliest = now - ARGV[1]
local stamp = string.format('%.0f', now)
local manifest = redis.call('GET', KEYS[1])
local begun = moment(manifest)
local generation = begun and string.match(manifest, '^%d+ ([^ ]+) [^ ]+ [^ ]+$')
if generation and begun >= earliest and generation ~= ARGV[2] then
  return {'found', stamp, manifest}
end
local lease = stamp .. ' ' .. ARGV[3]
if redis.call('SET', KEYS[2], lease, 'NX', 'PX', ARGV[4]) then
  return {'leased', stamp, lease}
end
begun = moment(redis.call('GET', KEYS[2]))
if begun and begun >= earliest then
  return {'wait', stamp, ''}
end
return {'apart', stamp, ''}
`

// announceScript replaces an older manifest and returns it. It returns nil if the
// stored manifest is not older. Key: manifest. Arguments: the new manifest, and its
// time to live in ms.
const announceScript = clock + `
local old = redis.call('GET', KEYS[1])
local begun = moment(old)
if begun and begun >= moment(ARGV[1]) then
  return false
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return old or ''
`

// A replica holds the lease if it knows the lease's text. Key: lease. Arguments:
// the text and, to renew, the new time to live in ms.
const (
	renewScript = `
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0
`
	releaseScript = `
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
`
)

// clockScript returns the server's time. Key: any key, to select a cluster's node.
const clockScript = clock + `return string.format('%.0f', now)`

// recallScript returns the server's time and the value of each key.
const recallScript = clock + `
local answer = {string.format('%.0f', now)}
for i, key in ipairs(KEYS) do
  answer[i + 1] = redis.call('GET', key) or ''
end
return answer
`

// rememberScript stores values that start with a time, unless the stored value has
// the same time or a later one. Keys: one for each value. Arguments: the time to
// live in ms, counted from the value's time, and the values.
const rememberScript = clock + `
for i, key in ipairs(KEYS) do
  local value = ARGV[i + 1]
  local begun = moment(value)
  local old = moment(redis.call('GET', key))
  local left = begun and math.floor(ARGV[1] - (now - begun) / 1000) or 0
  if left > 0 and not (old and old >= begun) then
    redis.call('SET', key, value, 'PX', left)
  end
end
return 1
`

// scripts holds the scripts of a store with their hashes.
type scripts struct {
	look, announce, renew, release, clock, recall, remember *rueidis.Lua
}

func newScripts() scripts {
	return scripts{
		look:     rueidis.NewLuaScript(lookScript),
		announce: rueidis.NewLuaScript(announceScript),
		renew:    rueidis.NewLuaScript(renewScript),
		release:  rueidis.NewLuaScript(releaseScript),
		clock:    rueidis.NewLuaScript(clockScript),
		recall:   rueidis.NewLuaScript(recallScript),
		remember: rueidis.NewLuaScript(rememberScript),
	}
}

func (s *Store) leaseKey() string { return s.prefix + "lease" }

// turn tells a replica that needs leads what to do.
type turn struct {
	does string // one of the constants below; empty means to read and share nothing
	now  int64  // µs since 1970 by the server's clock
	text string // the manifest or the lease
}

const (
	found  = "found"  // load the leads of the manifest
	leased = "leased" // read for all replicas, with the lease
	wait   = "wait"   // wait for the leads that another replica is reading
	apart  = "apart"  // read without the lease, because its holder began too early
)

func (s *Store) look(greatestAge time.Duration, useless, name string) (turn, error) {
	keys := []string{s.manifestKey(), s.leaseKey()}
	args := []string{
		strconv.FormatInt(greatestAge.Microseconds(), 10), useless, name,
		strconv.FormatInt(s.opts.LeaseTTL.Milliseconds(), 10),
	}
	return attempt(s, func(ctx context.Context, client rueidis.Client) (turn, error) {
		answer, err := s.scripts.look.Exec(ctx, client, keys, args).AsStrSlice()
		if err != nil {
			return turn{}, err
		}
		now, err := strconv.ParseInt(answer[1], 10, 64)
		return turn{does: answer[0], now: now, text: answer[2]}, err
	})
}

func (s *Store) announce(m manifest, keep time.Duration) (replaced string, err error) {
	args := []string{m.String(), strconv.FormatInt(keep.Milliseconds(), 10)}
	return attempt(s, func(ctx context.Context, client rueidis.Client) (string, error) {
		return s.scripts.announce.Exec(ctx, client, []string{s.manifestKey()}, args).ToString()
	})
}

// renew and release ignore errors: a lease expires by itself, and two replicas may
// read at the same time.
func (s *Store) renew(lease string) {
	s.holder(s.scripts.renew, lease, strconv.FormatInt(s.opts.LeaseTTL.Milliseconds(), 10))
}

func (s *Store) release(lease string) { s.holder(s.scripts.release, lease) }

func (s *Store) holder(script *rueidis.Lua, args ...string) {
	_, _ = attempt(s, func(ctx context.Context, client rueidis.Client) (struct{}, error) {
		return struct{}{}, script.Exec(ctx, client, []string{s.leaseKey()}, args).Error()
	})
}
