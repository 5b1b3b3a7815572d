package transport

import (
	"encoding/binary"
	"math"
)

// frameReader finds the frames in what a client sends (RFC 6455 section 5.2). The library
// reports neither pongs nor the frames of a message that has not ended.
type frameReader struct {
	header  []byte // of the next frame, as far as it has arrived
	payload uint64 // of the present frame that has not arrived yet, in bytes
}

// read returns how many frames begin in the next bytes. A frame counts once its header is
// complete.
func (f *frameReader) read(p []byte) (frames int) {
	for len(p) > 0 {
		if f.payload > 0 {
			n := min(f.payload, uint64(len(p)))
			f.payload -= n
			p = p[n:]
			continue
		}
		f.header = append(f.header, p[0])
		p = p[1:]
		if len(f.header) >= 2 && len(f.header) == headerSize(f.header[1]) {
			f.payload = payloadSize(f.header)
			f.header = f.header[:0]
			frames++
		}
	}
	return frames
}

// The values of the length in the second byte of a header that announce a longer one.
const lengthOf2Bytes, lengthOf8Bytes = 126, 127

// headerSize returns the size of a header with this second byte.
func headerSize(second byte) int {
	size := 2
	switch second & 0x7f {
	case lengthOf2Bytes:
		size += 2
	case lengthOf8Bytes:
		size += 8
	}
	if second&0x80 != 0 { // masked
		size += 4
	}
	return size
}

// payloadSize returns the size of the payload that follows a complete header.
func payloadSize(header []byte) uint64 {
	switch short := header[1] & 0x7f; short {
	case lengthOf2Bytes:
		return uint64(binary.BigEndian.Uint16(header[2:]))
	case lengthOf8Bytes:
		return binary.BigEndian.Uint64(header[2:]) & math.MaxInt64
	default:
		return uint64(short)
	}
}
