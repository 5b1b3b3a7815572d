package share

import (
	"cmp"
	"context"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

const (
	// OutletLease is how long a receiver belongs to a replica after the last Hold or Save.
	OutletLease = 15 * time.Second
	// outletKept is how long a position is kept after the last Hold or Save.
	outletKept = 30 * 24 * time.Hour
	// maxPosition bounds a position in bytes, as it is stored.
	maxPosition = 300
	// damaged is what Hold returns for a position that no replica has stored.
	damaged = "damaged"
)

// holdScript takes or renews a lease unless another replica has it. It returns whether the
// caller has it, and the position. Keys: lease, position. Arguments: a name for the lease,
// its time to live and that of the position in ms, the maximum size of a position, and what
// to return for what is none.
const holdScript = clock + `
local held = get(KEYS[1], 100)
local left = held and redis.call('PTTL', KEYS[1]) or 0
local answer = 'held'
if held ~= ARGV[1] and left > 0 and left <= tonumber(ARGV[2]) then
  answer = ''
else
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
if redis.call('PEXPIRE', KEYS[2], ARGV[3]) == 0 then
  return {answer, ''}
end
return {answer, get(KEYS[2], tonumber(ARGV[4])) or ARGV[5]}
`

// saveScript stores a position if the caller has the lease. Keys: lease, position. Arguments:
// the name of the lease, its time to live and that of the position in ms, and the position.
const saveScript = clock + `
if get(KEYS[1], 100) ~= ARGV[1] then
  return 0
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('SET', KEYS[2], ARGV[4], 'PX', ARGV[3])
return 1
`

// Outlets lets one replica at a time send the changes of leads to a receiver, and the next
// one go on where it has ended. It implements webhook.Positions.
type Outlets struct {
	store      *Store
	hold, save *rueidis.Lua
}

// Outlets returns the positions of receivers. Names of receivers are known to whoever reads
// the server, unless the store has a key.
func (s *Store) Outlets() *Outlets {
	return &Outlets{s, rueidis.NewLuaScript(holdScript), rueidis.NewLuaScript(saveScript)}
}

// keys returns the keys of the lease and of the position.
func (o *Outlets) keys(receiver string) []string {
	position := o.store.prefix + "outlet:" + o.store.vault().name(receiver)
	return []string{position + ":lease", position}
}

// Hold takes the lease of a receiver for a while, or renews it. held is false if another
// replica has it. In either case Hold returns the position that was stored last. It is empty
// if there is none, and no position if what is stored cannot be used. It takes one command.
func (o *Outlets) Hold(receiver, holder string) (position string, held bool, err error) {
	keys := o.keys(receiver)
	args := []string{
		holder, millis(OutletLease), millis(outletKept), strconv.Itoa(maxPosition), damaged,
	}
	answer, err := scripted(o.store, "hold", func(ctx context.Context, client rueidis.Client) ([]string, error) {
		return o.hold.Exec(ctx, client, keys, args).AsStrSlice()
	}, func(c commands) ([]string, error) { return c.hold(keys, holder) })
	if err != nil || len(answer) != 2 {
		return "", false, cmp.Or(err, errFormat)
	}
	held = answer[0] != ""
	if answer[1] == "" {
		return "", held, nil
	}
	text, err := o.store.vault().open([]byte(answer[1]), keys[1])
	if err != nil {
		o.store.complain(err)
		text = []byte(damaged)
	}
	return string(text), held, nil
}

// Save stores a position. held is false, and nothing is stored, if the holder does not have
// the lease of the receiver. It takes one command.
func (o *Outlets) Save(receiver, holder, position string) (held bool, err error) {
	keys := o.keys(receiver)
	value := rueidis.BinaryString(o.store.vault().seal([]byte(position), keys[1]))
	args := []string{holder, millis(OutletLease), millis(outletKept), value}
	return scripted(o.store, "save", func(ctx context.Context, client rueidis.Client) (bool, error) {
		return o.save.Exec(ctx, client, keys, args).AsBool()
	}, func(c commands) (bool, error) { return c.save(keys, holder, value) })
}

// Release gives the lease up. It ignores errors: the lease expires.
func (o *Outlets) Release(receiver, holder string) {
	o.store.release(o.keys(receiver)[0], holder)
}

// hold does what holdScript does. Two replicas may take the lease at the same time.
func (c commands) hold(keys []string, holder string) ([]string, error) {
	held, err := textOf(c.ctx, c.client, keys[0], 100)
	if err != nil {
		return nil, err
	}
	left, err := c.client.Do(c.ctx, c.client.B().Pttl().Key(keys[0]).Build()).AsInt64()
	if err != nil {
		return nil, err
	}
	answer := "held"
	if held != holder && left > 0 && left <= OutletLease.Milliseconds() {
		answer = ""
	} else if err := c.client.Do(c.ctx, c.client.B().Set().Key(keys[0]).Value(holder).Px(OutletLease).Build()).Error(); err != nil {
		return nil, err
	}
	expire := c.client.B().Pexpire().Key(keys[1]).Milliseconds(outletKept.Milliseconds()).Build()
	if exists, err := c.client.Do(c.ctx, expire).AsBool(); err != nil || !exists {
		return []string{answer, ""}, err
	}
	stored, err := textOf(c.ctx, c.client, keys[1], maxPosition)
	return []string{answer, cmp.Or(stored, damaged)}, err
}

// save does what saveScript does.
func (c commands) save(keys []string, holder, value string) (held bool, err error) {
	if text, err := textOf(c.ctx, c.client, keys[0], 100); err != nil || text != holder {
		return false, err
	}
	err = c.client.Do(c.ctx, c.client.B().Set().Key(keys[1]).Value(value).Px(outletKept).Build()).Error()
	return err == nil, err
}
