package proxy

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
)

// maxHead limits the head of a request or an answer, in bytes.
const maxHead = 16 << 10

// splicer forwards GET requests over HTTP/1.1. It does no more than it must: it looks
// for the end of each head, adds the token to the request, and reads the length of the
// answer. It accepts only what the load and the sandbox send: requests without a body
// that are not pipelined, and answers with a length.
type splicer struct{ address, token string }

// serveSplicer accepts connections until ctx ends.
func serveSplicer(ctx context.Context, listener net.Listener, s *splicer) error {
	defer context.AfterFunc(ctx, func() { _ = listener.Close() })() // ends Accept
	var clients sync.WaitGroup
	defer clients.Wait()
	for {
		conn, err := listener.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		clients.Go(func() {
			_ = s.serve(ctx, conn) // the client notices that its connection ends
			_ = conn.Close()
		})
	}
}

// serve forwards the requests of one connection until either side ends it.
func (s *splicer) serve(ctx context.Context, client net.Conn) error {
	platform, err := new(net.Dialer).DialContext(ctx, "tcp", s.address)
	if err != nil {
		return err
	}
	end := func() { // ends all reads
		_ = client.Close()
		_ = platform.Close()
	}
	defer end()
	defer context.AfterFunc(ctx, end)()
	requests, answers := bufio.NewReaderSize(client, maxHead), bufio.NewReaderSize(platform, maxHead)
	added := []byte("Authorization: Bearer " + s.token + "\r\n\r\n")
	var buffer []byte
	for {
		head, err := readHead(requests)
		if err != nil {
			return err
		}
		buffer = append(append(buffer[:0], head[:len(head)-len("\r\n")]...), added...)
		_, _ = requests.Discard(len(head)) // is in the buffer
		if _, err := platform.Write(buffer); err != nil {
			return err
		}
		if err := forward(client, platform, answers); err != nil {
			return err
		}
	}
}

// forward copies one answer. The part that is not in the buffer goes from one connection
// to the other without passing through this process, where the system can do that.
func forward(client io.Writer, platform io.Reader, answers *bufio.Reader) error {
	head, err := readHead(answers)
	if err != nil {
		return err
	}
	length, err := contentLength(head)
	if err != nil {
		return err
	}
	whole := int64(len(head)) + length
	start, _ := answers.Peek(int(min(whole, int64(max(len(head), answers.Buffered()))))) // is in the buffer
	if _, err := client.Write(start); err != nil {
		return err
	}
	_, _ = answers.Discard(len(start)) // is in the buffer
	if rest := whole - int64(len(start)); rest > 0 {
		_, err = io.CopyN(client, platform, rest)
	}
	return err
}

// readHead returns a head with its empty line, which stays in the reader.
func readHead(r *bufio.Reader) ([]byte, error) {
	for size := 1; ; size = r.Buffered() + 1 {
		seen, err := r.Peek(size)
		if err == nil {
			seen, err = r.Peek(r.Buffered())
		}
		if end := bytes.Index(seen, []byte("\r\n\r\n")); end >= 0 {
			return seen[:end+len("\r\n\r\n")], nil
		}
		if err != nil {
			return nil, fmt.Errorf("read a head: %w", err)
		}
	}
}

var errNoLength = errors.New("an answer has no length")

// contentLength returns the length of the body of an answer.
func contentLength(head []byte) (int64, error) {
	const name = "\r\nContent-Length: "
	at := bytes.Index(head, []byte(name))
	if at < 0 {
		return 0, errNoLength
	}
	value := head[at+len(name):]
	return strconv.ParseInt(string(value[:bytes.IndexByte(value, '\r')]), 10, 64)
}
