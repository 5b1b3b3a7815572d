package share

import (
	"cmp"
	"context"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

// clock is the start of every script. No script reads more of a stored value than
// its writers store, because the server is blocked meanwhile. Ages are measured by the
// server's clock, so the clocks of replicas may differ. Every stored time is the
// server's.
const clock = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function moment(text) -- the time at the start of a stored text; nil if it is in the future
  local at = tonumber(text and string.match(text, '^%d+'))
  return at and at <= now and at or nil
end
local function get(key, most) -- a text; nil if there is none, or it is longer than most bytes or of another type
  local length = redis.pcall('STRLEN', key)
  if type(length) ~= 'number' or length == 0 or length > most then
    return nil
  end
  return redis.call('GET', key)
end
local function start(key) -- of a text of any length; nil if the key is of another type
  local text = redis.pcall('GETRANGE', key, 0, 20)
  return type(text) == 'string' and text or nil
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
local manifest = get(KEYS[1], 300)
local begun = moment(manifest)
local generation = begun and string.match(manifest, '^%d+ ([^ ]+) [^ ]+ [^ ]+ [^ ]+$')
if generation and begun >= earliest and generation ~= ARGV[2] then
  return {'found', stamp, manifest}
end
local lease = stamp .. ' ' .. ARGV[3]
local held = moment(get(KEYS[2], 100))
local left = held and redis.call('PTTL', KEYS[2]) or 0
if left <= 0 or left > tonumber(ARGV[4]) then -- there is none, or no replica wrote it
  redis.call('SET', KEYS[2], lease, 'PX', ARGV[4])
  return {'leased', stamp, lease}
end
if held >= earliest then
  return {'wait', stamp, ''}
end
return {'apart', stamp, ''}
`

// announceScript replaces an older manifest and returns it. It returns nil if the
// stored manifest is not older. Key: manifest. Arguments: the new manifest, and its
// time to live in ms.
const announceScript = clock + `
local old = get(KEYS[1], 300)
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
	renewScript = clock + `
if get(KEYS[1], 100) == ARGV[1] then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0
`
	releaseScript = clock + `
if get(KEYS[1], 100) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
`
)

// clockScript returns the server's time. Key: any key, to select a cluster's node.
const clockScript = clock + `return string.format('%.0f', now)`

// recallScript returns the server's time and the value of each key. Values that are
// too long, or too many, are empty. Arguments: the maximum size of a value and of all
// together, in bytes.
const recallScript = clock + `
local answer = {string.format('%.0f', now)}
local left = tonumber(ARGV[2])
for i, key in ipairs(KEYS) do
  answer[i + 1] = get(key, math.min(left, tonumber(ARGV[1]))) or ''
  left = left - #answer[i + 1]
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
  local old = moment(start(key))
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
	return scripted(s, "look", func(ctx context.Context, client rueidis.Client) (turn, error) {
		answer, err := s.scripts.look.Exec(ctx, client, keys, args).AsStrSlice()
		if err != nil || len(answer) != 3 {
			return turn{}, cmp.Or(err, errFormat)
		}
		now, err := strconv.ParseInt(answer[1], 10, 64)
		return turn{does: answer[0], now: now, text: answer[2]}, err
	}, func(c commands) (turn, error) { return c.look(greatestAge, useless, name) })
}

func (s *Store) announce(m manifest, keep time.Duration) (replaced string, err error) {
	text := s.manifestText(m)
	args := []string{text, strconv.FormatInt(keep.Milliseconds(), 10)}
	return scripted(s, "announce", func(ctx context.Context, client rueidis.Client) (string, error) {
		return s.scripts.announce.Exec(ctx, client, []string{s.manifestKey()}, args).ToString()
	}, func(c commands) (string, error) { return c.announce(m.begun, text, keep) })
}

// renew and release ignore errors: a lease expires by itself, and two replicas may
// read at the same time.
func (s *Store) renew(lease string) {
	_, _ = scripted(s, "renew", func(ctx context.Context, client rueidis.Client) (struct{}, error) {
		args := []string{lease, strconv.FormatInt(s.opts.LeaseTTL.Milliseconds(), 10)}
		return struct{}{}, s.scripts.renew.Exec(ctx, client, []string{s.leaseKey()}, args).Error()
	}, func(c commands) (struct{}, error) { return struct{}{}, c.renew(lease) })
}

func (s *Store) release(lease string) {
	_, _ = scripted(s, "release", func(ctx context.Context, client rueidis.Client) (struct{}, error) {
		return struct{}{}, s.scripts.release.Exec(ctx, client, []string{s.leaseKey()}, []string{lease}).Error()
	}, func(c commands) (struct{}, error) { return struct{}{}, c.release(lease) })
}

// clock returns the server's time in µs since 1970.
func (s *Store) clock() (int64, error) {
	return scripted(s, "clock", func(ctx context.Context, client rueidis.Client) (int64, error) {
		return s.scripts.clock.Exec(ctx, client, []string{s.leaseKey()}, nil).AsInt64()
	}, commands.clock)
}

// recall returns the server's time and the values of the keys.
func (s *Store) recall(keys []string) ([]string, error) {
	args := []string{strconv.Itoa(maxLookup), strconv.Itoa(maxRecall)}
	return scripted(s, "recall", func(ctx context.Context, client rueidis.Client) ([]string, error) {
		return s.scripts.recall.Exec(ctx, client, keys, args).AsStrSlice()
	}, func(c commands) ([]string, error) { return c.recall(keys) })
}

// remember stores values that start with their times. It ignores errors.
func (s *Store) remember(keys, values []string, ttl time.Duration) {
	args := append([]string{strconv.FormatInt(ttl.Milliseconds(), 10)}, values...)
	_, _ = scripted(s, "remember", func(ctx context.Context, client rueidis.Client) (struct{}, error) {
		return struct{}{}, s.scripts.remember.Exec(ctx, client, keys, args).Error()
	}, func(c commands) (struct{}, error) { return struct{}{}, c.remember(keys, values, ttl) })
}
