package hostile

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"leadgraph/test/soak/pace"
)

// Poisoner overwrites what leadgraph keeps in its Redis. It is for one goroutine.
type Poisoner struct {
	redis  rueidis.Client
	random *rand.Rand
	count  func(what string)

	keys map[string][]string // those seen last, by kind
	old  map[string]string   // an earlier value of a key
}

// NewPoisoner returns a poisoner of the Redis at a URL. Count notes what was written.
func NewPoisoner(url string, random *rand.Rand, count func(what string)) (*Poisoner, error) {
	options, err := rueidis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	options.DisableCache, options.DisableRetry = true, true
	client, err := rueidis.NewClient(options)
	if err != nil {
		return nil, err
	}
	return &Poisoner{redis: client, random: random, count: count, keys: map[string][]string{}, old: map[string]string{}}, nil
}

// Close closes the connection.
func (p *Poisoner) Close() { p.redis.Close() }

// replyTime is how long a command may take.
const replyTime = 5 * time.Second

// do sends a command and returns the texts of its reply: one, none for nil, or all of a
// list.
func (p *Poisoner) do(command ...string) ([]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), replyTime)
	defer cancel()
	reply, err := p.redis.Do(ctx, p.redis.B().Arbitrary(command...).Build()).ToMessage()
	switch {
	case rueidis.IsRedisNil(err):
		return nil, nil
	case err != nil:
		return nil, err
	case reply.IsArray():
		return reply.AsStrSlice()
	case reply.IsInt64():
		n, err := reply.ToInt64()
		return []string{strconv.FormatInt(n, 10)}, err
	}
	text, err := reply.ToString()
	return []string{text}, err
}

// poison is one way to spoil the value of a key.
type poison struct {
	name  string
	write func(p *Poisoner, key, value string) error
}

func poisons() []poison {
	return []poison{
		{"garbage", func(p *Poisoner, key, _ string) error { return p.set(key, p.garbage(1+p.random.IntN(300))) }},
		{"text of a list", func(p *Poisoner, key, _ string) error {
			return p.set(key, fmt.Sprintf("%d %s", time.Now().UnixMicro(), p.garbage(100)))
		}},
		{"another type", func(p *Poisoner, key, _ string) error {
			_, err := p.do("DEL", key)
			if err == nil {
				_, err = p.do("LPUSH", key, "poison")
			}
			return err
		}},
		{"cut", func(p *Poisoner, key, value string) error { return p.set(key, value[:len(value)/2]) }},
		{"a byte flipped", func(p *Poisoner, key, value string) error {
			changed := []byte(value)
			if len(changed) > 0 {
				changed[p.random.IntN(len(changed))] ^= 1
			}
			return p.set(key, string(changed))
		}},
		{"huge", func(p *Poisoner, key, _ string) error {
			_, err := p.do("SETRANGE", key, fmt.Sprint(16<<20), "x")
			return err
		}},
		{"value of another key", func(p *Poisoner, key, _ string) error { return p.replace(key) }},
		{"earlier value", func(p *Poisoner, key, _ string) error { return p.set(key, p.old[key]) }},
		{"from the future", func(p *Poisoner, key, _ string) error {
			return p.set(key, "9007199254740991 "+strings.Repeat("A", 26)+" 1000000000 x -")
		}},
		{"removed", func(p *Poisoner, key, _ string) error { _, err := p.do("DEL", key); return err }},
	}
}

// set writes a value that stays, as an attacker's would, for as long as the server lives
// or, more often, for a second.
func (p *Poisoner) set(key, value string) error {
	command := []string{"SET", key, value}
	if p.random.IntN(4) > 0 {
		command = append(command, "PX", "1000")
	}
	_, err := p.do(command...)
	return err
}

func (p *Poisoner) garbage(size int) string {
	text := make([]byte, size)
	for i := range text {
		text[i] = byte(p.random.Uint32())
	}
	return string(text)
}

// replace copies the value of another key of the same kind.
func (p *Poisoner) replace(key string) error {
	same := p.keys[kindOf(key)]
	other := same[p.random.IntN(len(same))]
	value, err := p.do("GETRANGE", other, "0", longest)
	if err != nil {
		return err
	}
	return p.set(key, value[0])
}

// longest is the last position of a value that is read. No sound value is longer.
const longest = "307200"

// kindOf returns what a key holds: the word after its prefix.
func kindOf(key string) string {
	_, rest, _ := strings.Cut(key, "}:")
	kind, chunk, found := strings.Cut(rest, ":")
	if found && kind == "leads" && chunk != "" {
		return "chunk"
	}
	return kind
}

// learn notes the keys that there are.
func (p *Poisoner) learn() error {
	found, err := p.do("KEYS", "*")
	for _, key := range found {
		kind := kindOf(key)
		if slices.Contains(p.keys[kind], key) {
			continue
		}
		p.keys[kind] = append(p.keys[kind], key)
		if len(p.keys[kind]) > mostKeys {
			delete(p.old, p.keys[kind][0])
			p.keys[kind] = p.keys[kind][1:]
		}
	}
	return err
}

// mostKeys is how many keys of a kind are remembered. Older chunks and lookups have
// expired.
const mostKeys = 50

// Run poisons a value after each pause until ctx ends.
func (p *Poisoner) Run(ctx context.Context, pause time.Duration) error {
	all := poisons()
	for turn := 0; pace.Rest(ctx, pause); turn++ {
		if turn%10 == 0 {
			if err := p.learn(); err != nil {
				return err
			}
		}
		if len(p.keys) == 0 {
			continue
		}
		kinds := p.kinds()
		kind := kinds[p.random.IntN(len(kinds))]
		keys := p.keys[kind]
		if err := p.spoil(keys[p.random.IntN(len(keys))], all[turn%len(all)]); err != nil && !wrongType(err) {
			return err
		}
		p.count("poison in Redis: " + kind)
	}
	return nil
}

// wrongType reports whether an error says that leadgraph, or an expiry, changed the type
// of a key between two commands.
func wrongType(err error) bool { return strings.HasPrefix(err.Error(), "WRONGTYPE") }

func (p *Poisoner) kinds() []string {
	var kinds []string
	for kind := range p.keys {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	return kinds
}

// spoil poisons a key in a way.
func (p *Poisoner) spoil(key string, by poison) error {
	kind, err := p.do("TYPE", key)
	if err != nil {
		return err
	}
	value := ""
	if kind[0] == "string" {
		read, err := p.do("GETRANGE", key, "0", longest)
		if err != nil {
			return err
		}
		value = read[0]
		if _, known := p.old[key]; !known {
			p.old[key] = value
		}
	} else if by.name == "huge" {
		return nil // only a string can be extended
	}
	return by.write(p, key, value)
}

// longestHead is more than a text has that names all leads, in bytes.
const longestHead = 400

// Shared reports whether all leads are in Redis: a text names a chunk that is there.
func (p *Poisoner) Shared() (bool, error) {
	if err := p.learn(); err != nil {
		return false, err
	}
	for _, key := range p.keys["leads"] {
		kind, err := p.do("TYPE", key)
		if err != nil || kind[0] != "string" {
			return false, err
		}
		text, err := p.do("GETRANGE", key, "0", longest)
		if err != nil && wrongType(err) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if fields := strings.Fields(text[0]); len(fields) == 12 && len(text[0]) <= longestHead {
			found, err := p.do("EXISTS", key+":"+fields[6]+":0")
			return err == nil && found[0] == "1", err
		}
	}
	return false, nil
}
