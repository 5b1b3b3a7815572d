package process

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"
)

// FreePort returns a port of the loopback that nobody serves on. Another program may
// take it before the caller does.
func FreePort(ctx context.Context) (int, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	port := listener.Addr().(*net.TCPAddr).Port
	return port, listener.Close()
}

// accepted sends the URL once its server accepts connections. It gives up when ctx
// ends.
func accepted(ctx context.Context, url string) chan string {
	const look = 5 * time.Millisecond
	serves := make(chan string, 1)
	go func() {
		ticker := time.NewTicker(look)
		defer ticker.Stop()
		for {
			conn, err := new(net.Dialer).DialContext(ctx, "tcp", strings.TrimPrefix(url, "http://"))
			if err == nil {
				_ = conn.Close() // nothing was sent
				serves <- url
				return
			}
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	return serves
}

// Address returns the URL of a port of the loopback.
func Address(port int) string { return fmt.Sprintf("http://127.0.0.1:%d", port) }
