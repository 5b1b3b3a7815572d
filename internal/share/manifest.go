package share

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/redis/rueidis"

	"leadgraph/lead/catalogue"
)

const (
	// chunkBytes is the maximum size of a value. The server is blocked while it copies
	// a value, and the loss of the server is noticed after at most one value.
	chunkBytes = 256 << 10
	// grace is how much longer chunks live than their manifest, so that replicas that
	// are loading them can finish.
	grace = time.Minute
)

var errChunks = errors.New("chunks of the shared leads are missing or damaged")

// manifest describes the chunks of a generation of leads. It is stored as text that
// starts with the fields that the scripts need.
type manifest struct {
	begun      int64 // when reading began, in µs since 1970 by the server's clock
	generation string
	chunks     int
	sum        string // SHA-256 of the chunks
}

func (m manifest) String() string {
	return fmt.Sprintf("%d %s %d %s", m.begun, m.generation, m.chunks, m.sum)
}

// parseManifest parses the text that String returned. Damaged text results in a
// generation without chunks, whose sum never matches.
func parseManifest(text string) (m manifest) {
	fields := strings.Split(text, " ")
	if len(fields) != 4 {
		return m
	}
	m.generation, m.sum = fields[1], fields[3]
	m.begun, _ = strconv.ParseInt(fields[0], 10, 64)
	m.chunks, _ = strconv.Atoi(fields[2])
	return m
}

func (s *Store) manifestKey() string { return s.prefix + "leads" }

func (s *Store) chunkKey(m manifest, chunk int) string {
	return s.prefix + "leads:" + m.generation + ":" + strconv.Itoa(chunk)
}

// place returns the place that binds sealed leads to their manifest.
func (s *Store) place(m manifest) string {
	return fmt.Sprintf("%sleads %d %s", s.prefix, m.begun, m.generation)
}

// load fetches the leads of a manifest. Its reading has no date.
func (s *Store) load(ctx context.Context, m manifest) (catalogue.Reading, error) {
	var none catalogue.Reading
	var sealed []byte
	for i := range m.chunks {
		if err := ctx.Err(); err != nil {
			return none, err
		}
		chunk, err := attempt(s, func(ctx context.Context, client rueidis.Client) ([]byte, error) {
			return client.Do(ctx, client.B().Get().Key(s.chunkKey(m, i)).Build()).AsBytes()
		})
		if rueidis.IsRedisNil(err) {
			return none, errChunks
		}
		if err != nil {
			return none, err
		}
		sealed = append(sealed, chunk...)
	}
	if sumOf(sealed) != m.sum {
		return none, errChunks
	}
	packed, err := s.vault.open(sealed, s.place(m))
	if err != nil {
		return none, err
	}
	return unpack(packed)
}

// publish stores leads whose reading began at the given time. Other replicas find
// them unless newer leads are stored already.
func (s *Store) publish(reading catalogue.Reading, begun int64, keep time.Duration) error {
	packed, err := pack(reading)
	if err != nil {
		return err
	}
	m := manifest{begun: begun, generation: rand.Text()}
	sealed := s.vault.seal(packed, s.place(m))
	m.sum = sumOf(sealed)
	for ; m.chunks*chunkBytes < len(sealed); m.chunks++ {
		if err := s.life.Err(); err != nil {
			return err
		}
		chunk := sealed[m.chunks*chunkBytes : min((m.chunks+1)*chunkBytes, len(sealed))]
		if err := s.set(s.chunkKey(m, m.chunks), chunk, keep+grace); err != nil {
			return err
		}
	}
	replaced, err := s.announce(m, keep)
	switch {
	case rueidis.IsRedisNil(err):
		s.retire(m)
	case err != nil:
		return err
	default:
		s.retire(parseManifest(replaced))
	}
	s.opts.Logger.Debug("leads shared", slog.Int("leads", len(reading.Leads)), slog.Int("bytes", len(sealed)))
	return nil
}

func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func (s *Store) set(key string, value []byte, ttl time.Duration) error {
	_, err := attempt(s, func(ctx context.Context, client rueidis.Client) (struct{}, error) {
		set := client.B().Set().Key(key).Value(rueidis.BinaryString(value)).Px(ttl).Build()
		return struct{}{}, client.Do(ctx, set).Error()
	})
	return err
}

// retire shortens the life of the chunks of a generation that can no longer be
// found. If that fails, the chunks expire at their original time.
func (s *Store) retire(m manifest) {
	for i := range m.chunks {
		_, err := attempt(s, func(ctx context.Context, client rueidis.Client) (struct{}, error) {
			expire := client.B().Pexpire().Key(s.chunkKey(m, i)).Milliseconds(grace.Milliseconds()).Build()
			return struct{}{}, client.Do(ctx, expire).Error()
		})
		if err != nil {
			return
		}
	}
}

// pack writes the number of unreadable rows and the leads of a complete reading.
func pack(reading catalogue.Reading) ([]byte, error) {
	var packed bytes.Buffer
	// By measurement the next level takes 1.5 times as long and saves nothing.
	z, err := zstd.NewWriter(&packed, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	_, err = z.Write(binary.AppendUvarint(nil, uint64(reading.Unreadable)))
	if err == nil {
		err = encode(z, reading.Leads)
	}
	err = errors.Join(err, z.Close())
	return packed.Bytes(), err
}

// unpack reads what pack wrote.
func unpack(packed []byte) (catalogue.Reading, error) {
	z, err := zstd.NewReader(bytes.NewReader(packed))
	if err != nil {
		return catalogue.Reading{}, err
	}
	defer z.Close()
	buffered := bufio.NewReader(z)
	unreadable, err := binary.ReadUvarint(buffered)
	if err != nil || unreadable > math.MaxInt32 {
		return catalogue.Reading{}, errFormat
	}
	leads, err := decode(buffered)
	return catalogue.Reading{Leads: leads, Unreadable: int(unreadable), Complete: true}, err
}
