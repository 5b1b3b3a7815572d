package share

import (
	"cmp"
	"context"
	"fmt"
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

// lookScript returns the head, and whether it names leads that are fresh enough and that the
// caller can load. If it does not, it takes the lease. If the lease is taken, it returns
// whether the leads that the holder is reading will be fresh enough. Keys: head, lease.
// Arguments: maximum age in µs, the time of a reading that does not count, a name for the
// lease, the lease's time to live in ms, the log of which the caller knows a revision, and a
// head that does not count.
const lookScript = clock + `
local earliest = now - ARGV[1]
local stamp = string.format('%.0f', now)
local head = get(KEYS[1], 400) or ''
local begun = moment(head)
local log, chunks = string.match(head, '^%d+ (%x+) %d+ %x+ %d+ %x+ [^ ]+ (%d+) [^ ]+ %d+ %d+ [^ ]+$')
if begun and log and begun >= earliest and string.match(head, '^%d+') ~= ARGV[2] and head ~= ARGV[6] and (chunks ~= '0' or log == ARGV[5]) then
  return {'found', stamp, '', head}
end
local lease = stamp .. ' ' .. ARGV[3]
local held = moment(get(KEYS[2], 100))
local left = held and redis.call('PTTL', KEYS[2]) or 0
if left <= 0 or left > tonumber(ARGV[4]) then -- there is none, or no replica wrote it
  redis.call('SET', KEYS[2], lease, 'PX', ARGV[4])
  return {'leased', stamp, lease, head}
end
if held >= earliest then
  return {'wait', stamp, '', head}
end
return {'apart', stamp, '', head}
`

// advanceScript replaces the head, and adds an entry to the stream if there is one. It does
// nothing if another replica has the lease, or if the head is not what the caller has seen:
// a holder that is late cannot overwrite what came meanwhile. It removes entries that are
// too old or too much. It returns what it did, the head, and whether there was no entry
// before. Keys: lease, head, stream.
// Arguments: the lease or *, the head before, the new head, its time to live in ms, the number
// of the revision, the entry or an empty text, the most bytes of all entries, and a text that
// is not empty if the lease is to be released.
const advanceScript = clock + `
local held = get(KEYS[1], 100)
local head = get(KEYS[2], 400) or ''
if held and held ~= ARGV[1] and ARGV[1] ~= '*' then
  return {'lost', head, ''}
end
if head ~= ARGV[2] then
  return {'behind', head, ''}
end
local began = ''
if ARGV[6] ~= '' then
  local log, most = KEYS[3], tonumber(ARGV[7])
  local function size(entry) -- of all entries up to it
    local total = tonumber(entry and entry[2][4])
    return total and total >= 0 and total < 2^53 and total or 0
  end
  local last = redis.pcall('XREVRANGE', log, '+', '-', 'COUNT', 1)
  began = last[1] and '' or 'began'
  local total = string.format('%.0f', size(last[1]) + #ARGV[6])
  local added = redis.pcall('XADD', log, ARGV[5] .. '-0', 'd', ARGV[6], 't', total)
  if type(added) == 'table' and added.err then
    if string.find(added.err, 'OOM') then
      return redis.error_reply(added.err)
    end
    redis.call('DEL', log) -- it is no stream, or of revisions that the server has lost
    redis.call('XADD', log, ARGV[5] .. '-0', 'd', ARGV[6], 't', #ARGV[6])
    total = #ARGV[6]
  end
  for _ = 1, 100 do
    local first = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
    local begun = moment(first[2][2])
    if first[1] == ARGV[5] .. '-0' or begun and begun > now - ARGV[4] * 1000 and total - size(first) + #first[2][2] <= most then
      break
    end
    redis.call('XDEL', log, first[1])
  end
  redis.call('PEXPIRE', log, ARGV[4])
end
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[4])
if held and ARGV[8] ~= '' then
  redis.call('DEL', KEYS[1])
end
return {'done', ARGV[3], began}
`

// entriesScript returns entries with their ids, up to a size. Of an entry that is too large
// it returns only the id. Key: stream. Arguments: the first and the last id, and the most
// bytes.
const entriesScript = clock + `
local answer, from, left = {}, ARGV[1], tonumber(ARGV[3])
for _ = 1, 100 do
  local entries = redis.pcall('XRANGE', KEYS[1], from, ARGV[2], 'COUNT', 1)
  local entry = not entries.err and entries[1]
  if not entry then
    break
  end
  local value = entry[2][2]
  if #value > left then
    if #answer == 0 then
      answer = {entry[1], ''}
    end
    break
  end
  answer[#answer + 1] = entry[1]
  answer[#answer + 1] = value
  left = left - #value
  from = string.format('%.0f', string.match(entry[1], '^%d+') + 1)
end
return answer
`

// unsettleScript adds ids of leads to those that the next revision tells, and takeScript
// returns and removes them. Key: the ids. Arguments: ids that end with line breaks, and
// their time to live in ms.
const (
	unsettleScript = clock + `
local ids = (get(KEYS[1], 65536) or '') .. ARGV[1]
if #ids <= 65536 then
  redis.call('SET', KEYS[1], ids, 'PX', ARGV[2])
end
return 1
`
	takeScript = clock + `
local ids = get(KEYS[1], 65536) or ''
redis.call('DEL', KEYS[1])
return ids
`
)

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
	look, advance, entries, unsettle, take, renew, release, clock, recall, remember *rueidis.Lua
}

func newScripts() scripts {
	return scripts{
		look:     rueidis.NewLuaScript(lookScript),
		advance:  rueidis.NewLuaScript(advanceScript),
		entries:  rueidis.NewLuaScript(entriesScript),
		unsettle: rueidis.NewLuaScript(unsettleScript),
		take:     rueidis.NewLuaScript(takeScript),
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
	does  string    // one of the constants below; empty means to read and share nothing
	now   int64     // µs since 1970 by the server's clock
	asked time.Time // the same by this process's clock, or a little before
	lease string
	head  string // the text of the head
}

// moment converts a time of the server.
func (t turn) moment(at int64) time.Time {
	return t.asked.Add(-time.Duration(t.now-at) * time.Microsecond)
}

const (
	found  = "found"  // load the leads of the head
	leased = "leased" // read for all replicas, with the lease
	wait   = "wait"   // wait for the leads that another replica is reading
	apart  = "apart"  // read without the lease, because its holder began too early
)

// look asks what to do for leads of some age. useless is the time of a reading that does not
// count, failed a head that does not, and log one of which a revision is known.
func (s *Store) look(greatestAge time.Duration, useless, failed, name string, log uint64) (turn, error) {
	keys := []string{s.headKey(), s.leaseKey()}
	args := []string{
		strconv.FormatInt(greatestAge.Microseconds(), 10), useless, name,
		millis(s.opts.LeaseTTL), fmt.Sprintf("%016x", log), failed,
	}
	return scripted(s, "look", func(ctx context.Context, client rueidis.Client) (turn, error) {
		answer, err := s.scripts.look.Exec(ctx, client, keys, args).AsStrSlice()
		if err != nil || len(answer) != 4 {
			return turn{}, cmp.Or(err, errFormat)
		}
		now, err := strconv.ParseInt(answer[1], 10, 64)
		return turn{does: answer[0], now: now, lease: answer[2], head: answer[3]}, err
	}, func(c commands) (turn, error) { return c.look(greatestAge, useless, failed, name) })
}

// What advance did.
const (
	done   = "done"
	behind = "behind" // the head is another one
	lost   = "lost"   // another replica has the lease
)

// anyLease is the lease of a move that whoever knows the head may make.
const anyLease = "*"

// move is a step from one head to the next.
type move struct {
	lease, before string
	next          head
	entry         string // for the revision of next; may be empty
	keep          time.Duration
	bytes         int64 // of all entries, at most
	release       bool  // the lease
}

// advance replaces the head. It returns what happened and the text of the head. began says
// that the stream has begun with the entry.
func (s *Store) advance(m move) (did, text string, began bool, err error) {
	next := s.headText(m.next)
	args := []string{
		m.lease, m.before, next, millis(m.keep),
		strconv.FormatUint(m.next.name.Number, 10), m.entry, strconv.FormatInt(m.bytes, 10), "",
	}
	if m.release {
		args[7] = "1"
	}
	answer, err := scripted(s, "advance", func(ctx context.Context, client rueidis.Client) ([]string, error) {
		return s.scripts.advance.Exec(ctx, client, []string{s.leaseKey(), s.headKey(), s.logKey()}, args).AsStrSlice()
	}, func(c commands) ([]string, error) { return c.advance(m, next) })
	if err != nil || len(answer) != 3 {
		return "", "", false, cmp.Or(err, errFormat)
	}
	return answer[0], answer[1], answer[2] != "", nil
}

// renew and release ignore errors: a lease expires by itself, and two replicas may
// read at the same time.
func (s *Store) renew(lease string) {
	_, _ = scripted(s, "renew", func(ctx context.Context, client rueidis.Client) (struct{}, error) {
		args := []string{lease, millis(s.opts.LeaseTTL)}
		return struct{}{}, s.scripts.renew.Exec(ctx, client, []string{s.leaseKey()}, args).Error()
	}, func(c commands) (struct{}, error) { return struct{}{}, c.renew(lease) })
}

func (s *Store) release(key, lease string) {
	_, _ = scripted(s, "release", func(ctx context.Context, client rueidis.Client) (struct{}, error) {
		return struct{}{}, s.scripts.release.Exec(ctx, client, []string{key}, []string{lease}).Error()
	}, func(c commands) (struct{}, error) { return struct{}{}, c.release(key, lease) })
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
	args := append([]string{millis(ttl)}, values...)
	_, _ = scripted(s, "remember", func(ctx context.Context, client rueidis.Client) (struct{}, error) {
		return struct{}{}, s.scripts.remember.Exec(ctx, client, keys, args).Error()
	}, func(c commands) (struct{}, error) { return struct{}{}, c.remember(keys, values, ttl) })
}
