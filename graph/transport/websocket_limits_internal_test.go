package transport

import (
	"testing"

	"pgregory.net/rapid"
)

// Every frame is found once, however the bytes arrive.
func TestFramesAreFound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var sent []byte
		want := rapid.IntRange(0, 20).Draw(t, "frames")
		for range want {
			size := rapid.SampledFrom([]int{0, 1, 125, 126, 127, 300, 65535, 65536, 70000}).Draw(t, "size")
			first, mask := rapid.Byte().Draw(t, "first"), rapid.SampledFrom([]byte{0, 0x80}).Draw(t, "masked")
			switch sent = append(sent, first); {
			case size < lengthOf2Bytes:
				sent = append(sent, mask|byte(size))
			case size <= 0xffff:
				sent = append(sent, mask|lengthOf2Bytes, byte(size>>8), byte(size))
			default:
				sent = append(sent, mask|lengthOf8Bytes, 0, 0, 0, 0, byte(size>>24), byte(size>>16), byte(size>>8), byte(size))
			}
			if mask != 0 {
				sent = append(sent, 0xff, 0xff, 0xff, 0xff)
			}
			payload := make([]byte, size)
			for i := range payload {
				payload[i] = 0xff
			}
			sent = append(sent, payload...)
		}
		var reader frameReader
		found := 0
		for rest := sent; len(rest) > 0; {
			n := rapid.IntRange(1, min(len(rest), 5000)).Draw(t, "read")
			found += reader.read(rest[:n])
			rest = rest[n:]
		}
		if found != want {
			t.Fatalf("%d frames, want %d", found, want)
		}
	})
}
