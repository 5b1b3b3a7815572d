package share

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/redis/rueidis"

	"leadgraph/lead/catalogue"
	"leadgraph/lead/flight"
)

const (
	// chunkBytes is the maximum size of a value. The server is blocked while it copies
	// a value, and the loss of the server is noticed after at most one value.
	chunkBytes = 256 << 10
	// grace is how much longer chunks live than their manifest, so that replicas that
	// are loading them can finish.
	grace = time.Minute
	// maxChunks bounds a generation: 512 MiB, which is enough for 500,000 leads.
	maxChunks = 2048
	// A generation may be unpackedSlack plus maxRatio times as large as what is
	// stored of it. The ids of leads alone hardly compress, so leads never reach the
	// ratio.
	unpackedSlack = 1 << 20
	maxRatio      = 64
	// maxWindow bounds the memory of the decompression. The encoder uses half of it.
	maxWindow = 8 << 20
)

var (
	errChunks   = errors.New("chunks of the shared leads are missing or damaged")
	errManifest = errors.New("the manifest of the shared leads is damaged or forged")
)

// manifest describes the chunks of a generation of leads. It is stored as text that
// starts with the fields that the scripts need and ends with the vault's signature.
type manifest struct {
	begun      int64 // when reading began, in µs since 1970 by the server's clock
	generation string
	chunks     int    // at least 1
	sum        string // SHA-256 of the chunks
}

func (m manifest) String() string {
	return fmt.Sprintf("%d %s %d %s", m.begun, m.generation, m.chunks, m.sum)
}

// manifestText returns the text of a manifest as it is stored.
func (s *Store) manifestText(m manifest) string {
	return m.String() + " " + s.vault().sign(m.String(), s.manifestKey())
}

// parseManifest parses a stored manifest.
func (s *Store) parseManifest(stored string) (manifest, error) {
	fields := strings.Split(stored, " ")
	if len(fields) != 5 {
		return manifest{}, errManifest
	}
	text, signature := strings.Join(fields[:4], " "), fields[4]
	if !s.vault().verify(text, s.manifestKey(), signature) {
		return manifest{}, errSealed
	}
	begun, errBegun := strconv.ParseInt(fields[0], 10, 64)
	chunks, errChunks := strconv.Atoi(fields[2])
	m := manifest{begun, fields[1], chunks, fields[3]}
	// Only texts that String returns are manifests, so there is one for each.
	if errBegun != nil || errChunks != nil || begun < 0 || chunks < 1 || chunks > maxChunks || m.String() != text || !isGeneration(m.generation) {
		return manifest{}, errManifest
	}
	return m, nil
}

// isGeneration reports whether the text is one that rand.Text returns, so that it
// leads to no other keys than those of chunks.
func isGeneration(text string) bool {
	return len(text) >= 26 && len(text) <= 32 && strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
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
		if err := cmp.Or(ctx.Err(), s.life.Err()); err != nil {
			return none, err
		}
		chunk, err := s.text("chunk", s.chunkKey(m, i), chunkBytes)
		switch {
		case err != nil:
			return none, err
		case chunk == "" || len(chunk) < chunkBytes && i < m.chunks-1:
			return none, errChunks
		}
		sealed = append(sealed, chunk...)
	}
	if sumOf(sealed) != m.sum {
		return none, errChunks
	}
	packed, err := s.vault().open(sealed, s.place(m))
	if err != nil {
		return none, err
	}
	return unpack(packed, s.bounds(), flight.NewPace(ctx))
}

// bounds returns the bounds of all leads. Those of the bytes depend on the packed size.
func (s *Store) bounds() bounds { return bounds{leads: s.opts.MaxLeads, accept: sound} }

// publish stores leads whose reading began at the given time. Other replicas find
// them unless newer leads are stored already.
func (s *Store) publish(reading catalogue.Reading, begun int64, keep time.Duration) error {
	packed, err := pack(reading, new(flight.Pace))
	if err != nil {
		return err
	}
	m := manifest{begun: begun, generation: rand.Text()}
	sealed := s.vault().seal(packed, s.place(m))
	if len(sealed) > maxChunks*chunkBytes || len(reading.Leads) > s.opts.MaxLeads {
		return errTooLarge
	}
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
		if old, err := s.parseManifest(replaced); err == nil {
			s.retire(old)
		}
	}
	s.opts.Logger.Debug("leads shared", slog.Int("leads", len(reading.Leads)), slog.Int("bytes", len(sealed)))
	return nil
}

func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func (s *Store) set(key string, value []byte, ttl time.Duration) error {
	_, err := attemptAs(s, "set", func(ctx context.Context, client rueidis.Client) (struct{}, error) {
		set := client.B().Set().Key(key).Value(rueidis.BinaryString(value)).Px(ttl).Build()
		return struct{}{}, client.Do(ctx, set).Error()
	})
	return err
}

// text returns the text of a key. It is empty if there is none, or if the value is
// longer than most bytes or of another type; no more than that is transferred.
func (s *Store) text(step, key string, most int) (string, error) {
	return attemptAs(s, step, func(ctx context.Context, client rueidis.Client) (string, error) {
		return textOf(ctx, client, key, most)
	})
}

func textOf(ctx context.Context, client rueidis.Client, key string, most int) (string, error) {
	text, err := client.Do(ctx, client.B().Getrange().Key(key).Start(0).End(int64(most)).Build()).ToString()
	switch {
	case codeOf(err) == wrongType:
		return "", nil
	case err != nil:
		return "", err
	case len(text) > most:
		return "", nil
	}
	return text, nil
}

// retire shortens the life of the chunks of a generation that can no longer be
// found. If that fails, the chunks expire at their original time. It stops at the
// first chunk that does not exist.
func (s *Store) retire(m manifest) {
	for i := range m.chunks {
		if s.life.Err() != nil {
			return
		}
		exists, err := attemptAs(s, "expire", func(ctx context.Context, client rueidis.Client) (bool, error) {
			expire := client.B().Pexpire().Key(s.chunkKey(m, i)).Milliseconds(grace.Milliseconds()).Build()
			return client.Do(ctx, expire).AsBool()
		})
		if err != nil || !exists {
			return
		}
	}
}

// pack writes the number of unreadable rows and the leads of a complete reading.
func pack(reading catalogue.Reading, pace *flight.Pace) ([]byte, error) {
	var packed bytes.Buffer
	// By measurement the next level takes 1.5 times as long and saves nothing.
	z, err := zstd.NewWriter(&packed, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(maxWindow/2))
	if err != nil {
		return nil, err
	}
	counted := &counter{to: z}
	_, err = counted.Write(binary.AppendUvarint(nil, uint64(reading.Unreadable)))
	if err == nil {
		err = encode(counted, reading.Leads, pace)
	}
	err = errors.Join(err, z.Close())
	if err == nil && counted.bytes > maxUnpacked(packed.Len()) {
		err = errTooLarge // unpack would refuse it
	}
	return packed.Bytes(), err
}

// counter counts the bytes that are written.
type counter struct {
	to    io.Writer
	bytes int64
}

// Write implements io.Writer.
func (c *counter) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.bytes += int64(n)
	return n, err
}

// maxUnpacked returns the maximum size of leads that take the given number of bytes
// when packed.
func maxUnpacked(packed int) int64 { return unpackedSlack + maxRatio*int64(packed) }

// unpack reads what pack wrote, within the bounds.
func unpack(packed []byte, most bounds, pace *flight.Pace) (catalogue.Reading, error) {
	z, err := zstd.NewReader(bytes.NewReader(packed), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return catalogue.Reading{}, err
	}
	defer z.Close()
	most.bytes = maxUnpacked(len(packed))
	buffered := bufio.NewReader(io.LimitReader(z, most.bytes))
	unreadable, err := binary.ReadUvarint(buffered)
	if err != nil || unreadable > math.MaxInt32 {
		return catalogue.Reading{}, errFormat
	}
	leads, err := decode(buffered, most, pace)
	return catalogue.Reading{Leads: leads, Unreadable: int(unreadable), Complete: true}, err
}
