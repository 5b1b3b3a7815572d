package share

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

const (
	// DocumentTTL is how long a document is kept after the last Put of it.
	DocumentTTL = 24 * time.Hour
	// maxDocuments bounds the number of documents. Each Put reads the index of all.
	maxDocuments = 2000
	// maxDocument bounds one document in bytes, sealed, like a chunk of all leads.
	maxDocument = chunkBytes
	// maxPuts is how many documents are stored at a time. A replica that misses one that was
	// dropped gets it from its client again.
	maxPuts = 8
)

var errDocument = errors.New("a shared document has another hash")

// keepScript stores a document and forgets the oldest ones that are too many. Only the names
// in the index lead to keys, and these have hexadecimal digits, so a forged index leads to
// no other keys than those of documents. Keys: index, document. Arguments: the value, its
// time to live in ms, its name, and the maximum number and bytes of all documents.
const keepScript = clock + `
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
local card = redis.pcall('ZCARD', KEYS[1])
if type(card) ~= 'number' or card > 2 * tonumber(ARGV[4]) then -- no replica wrote it
  redis.call('DEL', KEYS[1])
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - ARGV[2] * 1000))
local size = string.len(ARGV[1])
redis.call('ZADD', KEYS[1], string.format('%.0f', now), size .. ' ' .. ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
local known = redis.call('ZRANGE', KEYS[1], 0, -1)
local left, bytes = #known, 0
for _, member in ipairs(known) do
  bytes = bytes + (tonumber(string.match(member, '^%d+')) or 0)
end
for _, member in ipairs(known) do -- the oldest first
  if left <= tonumber(ARGV[4]) and bytes <= tonumber(ARGV[5]) then
    break
  end
  left = left - 1
  bytes = bytes - (tonumber(string.match(member, '^%d+')) or 0)
  redis.call('ZREM', KEYS[1], member)
  local name = string.match(member, '^%d+ (%x+)$')
  if name then
    redis.call('DEL', KEYS[1] .. ':' .. name)
  end
end
return 1
`

// Documents lets replicas know the documents that clients have registered at one of them by
// their hashes. It implements persisted.Store.
type Documents struct {
	store   *Store
	longest int    // bytes of a document
	bytes   string // of all documents, sealed
	keep    *rueidis.Lua
	puts    chan struct{} // has a value for each Put in progress
}

// Documents returns shared documents of up to longest bytes, and bytes in all. Longer ones
// are not shared.
func (s *Store) Documents(longest int, bytes uint64) *Documents {
	return &Documents{
		store: s, longest: min(longest, maxDocument-sealBytes), bytes: strconv.FormatUint(bytes, 10),
		keep: rueidis.NewLuaScript(keepScript), puts: make(chan struct{}, maxPuts),
	}
}

func (s *Store) documentsKey() string { return s.prefix + "documents" }

// Get implements persisted.Store. It takes one command. A stored text with another hash counts
// as none.
func (d *Documents) Get(ctx context.Context, hash string) (document string, ok bool) {
	if ctx.Err() != nil {
		return "", false
	}
	key := d.store.documentsKey() + ":" + d.store.vault().name(hash)
	sealed, err := d.store.text("document", key, d.longest+sealBytes)
	if err != nil || sealed == "" {
		return "", false
	}
	text, err := d.store.vault().open([]byte(sealed), key)
	if err == nil && (len(text) > d.longest || sumOf(text) != hash) {
		err = errDocument
	}
	if err != nil {
		d.store.complain(err)
		return "", false
	}
	return string(text), true
}

// Put implements persisted.Store. It does not wait for the server, and drops the document if
// too many are being stored. It takes one command.
func (d *Documents) Put(_ context.Context, hash, document string) {
	if len(document) > d.longest {
		return
	}
	select {
	case d.puts <- struct{}{}:
	default:
		return
	}
	d.store.background(func() {
		defer func() { <-d.puts }()
		d.put(hash, document)
	})
}

// put ignores errors: the document is then registered at each replica.
func (d *Documents) put(hash, document string) {
	s := d.store
	name := s.vault().name(hash)
	key := s.documentsKey() + ":" + name
	value := rueidis.BinaryString(s.vault().seal([]byte(document), key))
	args := []string{value, strconv.FormatInt(DocumentTTL.Milliseconds(), 10), name, strconv.Itoa(maxDocuments), d.bytes}
	_, _ = scripted(s, "keep", func(ctx context.Context, client rueidis.Client) (struct{}, error) {
		return struct{}{}, d.keep.Exec(ctx, client, []string{s.documentsKey(), key}, args).Error()
	}, func(c commands) (struct{}, error) {
		set := c.client.B().Set().Key(key).Value(value).Px(DocumentTTL).Build()
		return struct{}{}, c.client.Do(c.ctx, set).Error()
	})
}
