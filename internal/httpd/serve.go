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

// Bounds on a connection. They prevent a slow or silent client from holding a
// connection; see also writePatience. The GraphQL handler bounds the time of an operation, and handles
// streams and WebSockets, whose duration is unknown here.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 8 * time.Second // for header and body together
	idleTimeout   = 30 * time.Second
	maxHeader     = 16 << 10
)

// cutTime is how long handlers may take to return after their context is canceled.
const cutTime = time.Second

// Server configures how requests are served and how the server shuts down.
type Server struct {
	Handler http.Handler
	// Health is told first when the server shuts down. It may be nil.
	Health *Health
	// DrainDelay is how long the server keeps serving after it has reported that it
	// is draining, so that load balancers notice. Each answer in this time tells the
	// client to open a new connection.
	DrainDelay time.Duration
	// DrainTimeout is how long running requests may take to finish after DrainDelay.
	DrainTimeout time.Duration
	// Logger receives connection errors. It is required.
	Logger *slog.Logger
}

// Serve answers requests on the listener until ctx ends. It then reports that it is
// not ready and keeps serving for DrainDelay. After that it accepts no more
// connections, tells streams and WebSockets to end, and waits up to DrainTimeout
// for all requests to finish. Requests that still run are aborted, which is an
// error. Serve closes the listener, and no handler runs after it returns.
func (s Server) Serve(ctx context.Context, accepted net.Listener) error {
	alive, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	running := semaphore.NewWeighted(math.MaxInt64)
	server := &http.Server{
		BaseContext:       func(net.Listener) context.Context { return alive },
		Handler:           s.counted(ctx, running),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		ConnContext:       withConn,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.Logger.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener{accepted}) }()
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

// counted counts the running requests. Once ending is done it tells clients to
// open a new connection. If a connection closes after an answer that announces it,
// no request is lost. If an idle connection closes, a request may be on its way.
func (s Server) counted(ending context.Context, running *semaphore.Weighted) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if running.Acquire(r.Context(), 1) != nil {
			return // the server has already shut down
		}
		defer running.Release(1)
		if ending.Err() != nil {
			w.Header().Set("Connection", "close")
		}
		s.Handler.ServeHTTP(w, r)
	})
}

// Start serves handler on a TCP address until stop is called. It is for the
// program's secondary servers. Their clients have usually left by then, so stop
// waits only briefly.
func Start(ctx context.Context, address string, handler http.Handler, log *slog.Logger) (bound net.Addr, stop func(), err error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- Server{Handler: handler, DrainTimeout: time.Second, Logger: log}.Serve(ctx, listener) }()
	return listener.Addr(), func() {
		cancel()
		if err := <-ended; err != nil {
			log.WarnContext(ctx, "a secondary server ended with an error", "error", err)
		}
	}, nil
}
