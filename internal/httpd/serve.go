package httpd

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/semaphore"
)

// Bounds on a connection. They keep a slow or silent client from holding one;
// the time for an operation is the GraphQL handler's affair, and so are streams
// and WebSockets, which have no end that could be known here.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 8 * time.Second // of header and body together
	writeTimeout  = time.Minute     // a large answer over a slow line
	idleTimeout   = 30 * time.Second
	maxHeader     = 16 << 10
)

// cutTime is for handlers to end once their context has.
const cutTime = time.Second

// Server says how requests are answered and how that ends.
type Server struct {
	Handler http.Handler
	// Health hears of the end first. None if it is nil.
	Health *Health
	// DrainDelay is how long the server goes on after it has said that it ends.
	// Load balancers need some time to notice; clients are told with each answer
	// to connect anew.
	DrainDelay time.Duration
	// DrainTimeout is the time for what runs after that to finish.
	DrainTimeout time.Duration
	// Log takes faults of connections.
	Log *slog.Logger
}

// Serve answers requests on listener until ctx ends. Then it says that it is not
// ready, goes on for DrainDelay, takes no more connections, tells streams and
// WebSockets to end and waits for DrainTimeout at most until all requests are
// answered. What is still running is cut, which is an error. It closes the
// listener, and no handler runs any more when it returns.
func (s Server) Serve(ctx context.Context, listener net.Listener) error {
	alive, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	running := semaphore.NewWeighted(math.MaxInt64)
	server := &http.Server{
		BaseContext:       func(net.Listener) context.Context { return alive },
		Handler:           s.counted(ctx, running),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.Log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	s.Health.drain()
	<-time.After(s.DrainDelay)
	s.Health.close()
	limit, cancel := context.WithTimeout(alive, s.DrainTimeout)
	defer cancel()
	err := server.Shutdown(limit)
	if err == nil {
		err = running.Acquire(limit, math.MaxInt64) // Shutdown does not wait for WebSockets
	}
	if err != nil {
		cut()
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), cutTime)
		defer cancel()
		err = errors.Join(errors.New("some requests did not finish in time"), server.Close(), running.Acquire(last, math.MaxInt64))
	}
	if closed := <-failed; !errors.Is(closed, http.ErrServerClosed) {
		err = errors.Join(err, closed)
	}
	return err
}

// counted counts what runs and, once ending has ended, has clients connect anew:
// a connection that is closed after an answer that says so loses no request,
// while one that is closed when it is idle may cross the next.
func (s Server) counted(ending context.Context, running *semaphore.Weighted) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if running.Acquire(r.Context(), 1) != nil {
			return // it came when all was over
		}
		defer running.Release(1)
		if ending.Err() != nil {
			w.Header().Set("Connection", "close")
		}
		s.Handler.ServeHTTP(w, r)
	})
}

// Start serves on a TCP address, until stop is called, what the program has
// beside its own server. Its clients have left by then, so that nothing is waited
// for long.
func Start(ctx context.Context, address string, handler http.Handler, log *slog.Logger) (bound net.Addr, stop func(), err error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- Server{Handler: handler, DrainTimeout: time.Second, Log: log}.Serve(ctx, listener) }()
	return listener.Addr(), func() {
		cancel()
		if err := <-ended; err != nil {
			log.WarnContext(ctx, "a server beside the main one ended", "error", err)
		}
	}, nil
}
