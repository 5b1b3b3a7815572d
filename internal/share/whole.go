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
	"io"
	"log/slog"
	"math"
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
	// grace is how much longer chunks live than they are needed, so that replicas that
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

var errChunks = errors.New("chunks of the shared leads are missing or damaged")

// load fetches all leads of a revision. The reading has no date.
func (s *Store) load(ctx context.Context, log uint64, w whole) (catalogue.Reading, error) {
	var none catalogue.Reading
	var sealed []byte
	for i := range w.chunks {
		if err := cmp.Or(ctx.Err(), s.life.Err()); err != nil {
			return none, err
		}
		chunk, err := s.text("chunk", s.chunkKey(w, i), chunkBytes)
		switch {
		case err != nil:
			return none, err
		case chunk == "" || len(chunk) < chunkBytes && i < w.chunks-1:
			return none, errChunks
		}
		sealed = append(sealed, chunk...)
	}
	if w.chunks == 0 || sumOf(sealed) != w.sum {
		return none, errChunks
	}
	packed, err := s.vault().open(sealed, s.place(log, w))
	if err != nil {
		return none, err
	}
	return unpack(packed, s.bounds(), flight.NewPace(ctx))
}

// bounds returns the bounds of all leads. Those of the bytes depend on the packed size.
func (s *Store) bounds() bounds { return bounds{leads: s.opts.MaxLeads, accept: sound} }

// store stores all leads of a revision, without saying so in the head. The description
// that is given has the revision.
func (s *Store) store(reading catalogue.Reading, log uint64, w whole, keep time.Duration) (whole, error) {
	packed, err := pack(reading, new(flight.Pace))
	if err != nil {
		return w, err
	}
	w.generation = rand.Text()
	sealed := s.vault().seal(packed, s.place(log, w))
	if len(sealed) > maxChunks*chunkBytes || len(reading.Leads) > s.opts.MaxLeads {
		return w, errTooLarge
	}
	w.sum = sumOf(sealed)
	for ; w.chunks*chunkBytes < len(sealed); w.chunks++ {
		if err := s.life.Err(); err != nil {
			return w, err
		}
		chunk := sealed[w.chunks*chunkBytes : min((w.chunks+1)*chunkBytes, len(sealed))]
		if err := s.set(s.chunkKey(w, w.chunks), chunk, keep+grace); err != nil {
			return w, err
		}
	}
	s.opts.Logger.Debug("leads shared", slog.Int("leads", len(reading.Leads)), slog.Int("bytes", len(sealed)))
	return w, nil
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

// complete reports whether the chunks that a head names exist, and a stream if there are
// revisions since. The server may have evicted some.
func (s *Store) complete(h head) bool {
	var keys []string
	for i := range h.whole.chunks {
		keys = append(keys, s.chunkKey(h.whole, i))
	}
	if h.name.Number != h.whole.number {
		keys = append(keys, s.logKey())
	}
	found, err := attemptAs(s, "exists", func(ctx context.Context, client rueidis.Client) (int64, error) {
		return client.Do(ctx, client.B().Exists().Key(keys...).Build()).AsInt64()
	})
	return err != nil || found == int64(len(keys)) // if it cannot be known, the next reading asks
}

// retire shortens the life of the chunks of a generation that can no longer be
// found. If that fails, the chunks expire at their original time. It stops at the
// first chunk that does not exist.
func (s *Store) retire(w whole) {
	for i := range w.chunks {
		if s.life.Err() != nil {
			return
		}
		exists, err := attemptAs(s, "expire", func(ctx context.Context, client rueidis.Client) (bool, error) {
			expire := client.B().Pexpire().Key(s.chunkKey(w, i)).Milliseconds(grace.Milliseconds()).Build()
			return client.Do(ctx, expire).AsBool()
		})
		if err != nil || !exists {
			return
		}
	}
}

// pack writes the number of unreadable rows and the leads of a complete reading.
func pack(reading catalogue.Reading, pace *flight.Pace) ([]byte, error) {
	return zip(func(w io.Writer) error {
		if _, err := w.Write(binary.AppendUvarint(nil, uint64(reading.Unreadable))); err != nil {
			return err
		}
		return encode(w, reading.Leads, pace)
	})
}

// zip compresses what write writes.
func zip(write func(io.Writer) error) ([]byte, error) {
	var packed bytes.Buffer
	// By measurement the next level takes 1.5 times as long and saves nothing.
	z, err := zstd.NewWriter(&packed, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(maxWindow/2))
	if err != nil {
		return nil, err
	}
	counted := &counter{to: z}
	err = write(counted)
	err = errors.Join(err, z.Close())
	if err == nil && counted.bytes > maxUnpacked(packed.Len()) {
		err = errTooLarge // unzip would refuse it
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
func unpack(packed []byte, most bounds, pace *flight.Pace) (reading catalogue.Reading, err error) {
	err = unzip(packed, &most, func(r *bufio.Reader) (err error) {
		if reading.Unreadable, err = readCount(r, math.MaxInt32); err == nil {
			reading.Leads, err = decode(r, most, pace)
		}
		return err
	})
	reading.Complete = true
	return reading, err
}

// unzip decompresses what zip wrote, and bounds it.
func unzip(packed []byte, most *bounds, read func(*bufio.Reader) error) error {
	z, err := zstd.NewReader(bytes.NewReader(packed), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return err
	}
	defer z.Close()
	most.bytes = maxUnpacked(len(packed))
	return read(bufio.NewReader(io.LimitReader(z, most.bytes)))
}

// readCount reads a number that is at most so large.
func readCount(r *bufio.Reader, most int) (int, error) {
	n, err := binary.ReadUvarint(r)
	if err != nil || n > uint64(most) {
		return 0, errFormat
	}
	return int(n), nil
}
