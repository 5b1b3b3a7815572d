package share

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

// capKept is how long the cap of pages is kept on the server.
const capKept = 24 * time.Hour

func (s *Store) capKey() string { return s.prefix + "page-cap" }

// maxCap bounds the cap of pages, in leads. No page of the platform is larger.
const maxCap = 20_000

// PageCap returns the number of leads at which another replica has seen the platform cut
// pages. It returns 0 if there is none, or no such number. It takes one command.
func (s *Store) PageCap() int {
	leads, _ := fact(s, "cap", s.capKey(), parseCap)
	return leads
}

// fact reads a stored fact, and reports whether there is one. It takes one command.
func fact[T any](s *Store, step, key string, parse func(string) (T, error)) (value T, known bool) {
	sealed, err := s.text(step, key, 128)
	if err != nil || sealed == "" {
		return value, false
	}
	if value, err = unsealed(s, sealed, key, parse); err != nil {
		s.complain(err)
	}
	return value, err == nil
}

func unsealed[T any](s *Store, sealed, key string, parse func(string) (T, error)) (value T, err error) {
	text, err := s.vault().open([]byte(sealed), key)
	if err != nil {
		return value, err
	}
	return parse(string(text))
}

// parseCap parses a cap as SetPageCap writes it.
func parseCap(text string) (int, error) {
	leads, err := strconv.Atoi(text)
	if err != nil || leads < 0 || leads > maxCap || strconv.Itoa(leads) != text {
		return 0, errFormat
	}
	return leads, nil
}

// SetPageCap stores the number of leads at which the platform cuts pages; 0 if it cuts
// none. It takes one command.
func (s *Store) SetPageCap(leads int) error {
	return s.set(s.capKey(), s.vault().seal([]byte(strconv.Itoa(leads)), s.capKey()), capKept)
}

// Paging is what reading all leads has shown about the platform's pages.
type Paging struct {
	// FirstPage is the number of the first page, 0 or 1.
	FirstPage int
	// Filled is the largest number of leads that a page had.
	Filled int
	// End is how a page past the end is answered: a word or a status; "" if unknown.
	End string
}

// pagingKept is how long a Paging is kept on the server. The platform may change.
const pagingKept = time.Minute

func (s *Store) pagingKey() string { return s.prefix + "paging" }

// Paging returns what another replica has learnt in the last minute, and whether there
// is such a thing. It decides what answers mean, so it is believed, and stored, only if
// the store has a key. It takes one command.
func (s *Store) Paging() (p Paging, known bool) {
	if s.vault().aead == nil {
		return p, false
	}
	return fact(s, "paging", s.pagingKey(), parsePaging)
}

// parsePaging parses what Paging.text returns, and nothing else.
func parsePaging(text string) (p Paging, err error) {
	_, err = fmt.Sscanf(text, "%d %d %q", &p.FirstPage, &p.Filled, &p.End)
	if err != nil || p.FirstPage < 0 || p.FirstPage > 1 || p.Filled < 1 || p.Filled > maxCap || p.text() != text {
		return Paging{}, errFormat
	}
	return p, nil
}

func (p Paging) text() string { return fmt.Sprintf("%d %d %q", p.FirstPage, p.Filled, p.End) }

// SetPaging stores what was learnt for a minute. It takes one command.
func (s *Store) SetPaging(p Paging) error {
	if s.vault().aead == nil {
		return nil
	}
	return s.set(s.pagingKey(), s.vault().seal([]byte(p.text()), s.pagingKey()), pagingKept)
}

// maxGate bounds a gate: no client of the platform waits for longer.
const maxGate = time.Hour

// maxGateBytes bounds the value of a gate, in bytes. A sealed one has sealBytes more than the
// kind and the number.
const maxGateBytes = 128

func (s *Store) gateKey(kind string) string { return s.prefix + "gate:" + kind }

// CloseGate tells the other replicas that the platform wants no call of this kind for this
// time. It does not wait for the server. It takes one command, and the key expires with
// the time.
func (s *Store) CloseGate(kind string, wait time.Duration) {
	wait = min(wait, maxGate).Truncate(time.Millisecond)
	if wait <= 0 {
		return
	}
	key := s.gateKey(kind)
	value := s.vault().seal([]byte(kind+" "+millis(wait)), key)
	s.background(func() { s.complain(s.set(key, value, wait)) })
}

// GateClosed returns how long the platform wants no call of this kind, 0 if it may get
// them. It takes two commands in one round trip, by which the server measures the time.
// A value that CloseGate does not write counts as none, and no value counts for longer
// than CloseGate may have asked for.
func (s *Store) GateClosed(kind string) time.Duration {
	type closed struct {
		value []byte
		left  int64 // in ms
	}
	key := s.gateKey(kind)
	got, err := attemptAs(s, "gate", func(ctx context.Context, client rueidis.Client) (closed, error) {
		answers := client.DoMulti(ctx, client.B().Getrange().Key(key).Start(0).End(maxGateBytes).Build(), client.B().Pttl().Key(key).Build())
		value, err := answers[0].AsBytes()
		if err != nil {
			return closed{}, err
		}
		left, err := answers[1].AsInt64()
		return closed{value, left}, err
	})
	if err != nil || got.left <= 0 || len(got.value) > maxGateBytes {
		return 0
	}
	wait, err := s.readGate(kind, got.value)
	if err != nil {
		s.complain(err)
		return 0
	}
	return min(wait, time.Duration(min(got.left, maxGate.Milliseconds()))*time.Millisecond)
}

// readGate parses the stored value of a gate: for how long it was closed.
func (s *Store) readGate(kind string, value []byte) (time.Duration, error) {
	text, err := s.vault().open(value, s.gateKey(kind))
	if err != nil {
		return 0, err
	}
	number, ok := strings.CutPrefix(string(text), kind+" ")
	wait, err := strconv.ParseUint(number, 10, 32)
	if !ok || err != nil || int64(wait) > maxGate.Milliseconds() || strconv.FormatUint(wait, 10) != number {
		return 0, errFormat
	}
	return time.Duration(wait) * time.Millisecond, nil
}

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
	args := []string{value, millis(DocumentTTL), name, strconv.Itoa(maxDocuments), d.bytes}
	_, _ = scripted(s, "keep", func(ctx context.Context, client rueidis.Client) (struct{}, error) {
		return struct{}{}, d.keep.Exec(ctx, client, []string{s.documentsKey(), key}, args).Error()
	}, func(c commands) (struct{}, error) {
		set := c.client.B().Set().Key(key).Value(value).Px(DocumentTTL).Build()
		return struct{}{}, c.client.Do(c.ctx, set).Error()
	})
}
