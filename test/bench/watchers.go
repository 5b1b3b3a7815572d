package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"leadgraph/test/bench/process"
	"leadgraph/upstream/sandbox"
)

// watched is the body of the request of each watcher.
const watched = `{"query":"subscription { leadChanges { cursor changes { kind lead { id status contactDetails { companyName } } removedId } } }"}`

// told is in each batch with changes, and in no other.
var told = []byte(`"kind"`)

// audience is the watchers of a server.
type audience struct {
	server   *process.Process
	first    sync.WaitGroup // until each has its first batch
	complete sync.WaitGroup // until each has a batch with changes
	last     atomic.Int64   // when the last such batch arrived, in ns since 1970
	failed   atomic.Pointer[error]
}

// watchers measures what many clients that watch cost while nothing changes, and how long
// it takes until all of them have the changes of a revision.
func (b *bench) watchers(ctx context.Context) error {
	_, _ = fmt.Fprintf(b.results, "| leads | changes | watchers | transport | memory each, KiB | from the platform's answer to the last delivery, ms | CPU of the server for it, ms |\n|---|---|---|---|---|---|---|\n")
	for _, leads := range []int{20_000, 100_000} {
		if err := b.watch(ctx, leads, leads/100, 1, watchEvents); err != nil {
			return err
		}
	}
	for _, transport := range []string{watchEvents, watchSockets} {
		if err := b.watch(ctx, 2000, 20, b.audience, transport); err != nil {
			return err
		}
	}
	return nil
}

const (
	watchEvents  = "server-sent events"
	watchSockets = "WebSocket"
)

// watch measures one server.
func (b *bench) watch(ctx context.Context, leads, changes, watchers int, transport string) error {
	stand, err := sandbox.New(sandbox.Options{Leads: leads})
	if err != nil {
		return err
	}
	var answered atomic.Int64
	platform := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stand.ServeHTTP(w, r)
		answered.Store(time.Now().UnixNano())
	}))
	defer platform.Close()
	up := upstream{Process: &process.Process{URL: platform.URL}}
	if up.token, err = token(ctx, platform.URL); err != nil {
		return err
	}
	server, err := b.startLeadgraph(ctx, up, []string{"--log-level", "error", "--changes-interval", "4s", "--max-sockets", fmt.Sprint(watchers + 1)})
	if err != nil {
		return err
	}
	defer server.Stop()
	ctx, leave := context.WithCancel(ctx)
	a := &audience{server: server}
	var running sync.WaitGroup
	defer running.Wait()
	defer leave()
	if err := a.join(ctx, 1, transport, &running); err != nil { // the catalogue is read
		return err
	}
	before := process.Memory(server.PID)
	if err := a.join(ctx, watchers-1, transport, &running); err != nil {
		return err
	}
	if err := sleep(ctx, 2*time.Second); err != nil {
		return err
	}
	each := float64(process.Memory(server.PID)-before) / float64(max(1, watchers-1)) / 1024
	cpu := process.CPUTime(server.PID)
	stand.Remove(leads/2, changes/2)
	stand.Insert(leads/3, changes-changes/2)
	if err := a.wait(ctx, &a.complete); err != nil {
		return err
	}
	took := time.Duration(a.last.Load() - answered.Load())
	cpu = process.CPUTime(server.PID) - cpu
	_, _ = fmt.Fprintf(b.results, "| %d | %d | %d | %s | %.1f | %.0f | %.0f |\n", leads, changes, watchers, transport, each, took.Seconds()*1000, cpu.Seconds()*1000)
	return nil
}

// join adds watchers and returns when each has its first batch.
func (a *audience) join(ctx context.Context, more int, transport string, running *sync.WaitGroup) error {
	for n := range more {
		a.first.Add(1)
		a.complete.Add(1)
		first, complete := sync.OnceFunc(a.first.Done), sync.OnceFunc(a.complete.Done)
		got := func(batch []byte) {
			first()
			if bytes.Contains(batch, told) {
				a.last.Store(time.Now().UnixNano())
				complete()
			}
		}
		running.Go(func() {
			open := readEvents
			if transport == watchSockets {
				open = readSocket
			}
			if err := open(ctx, a.server.URL, got); err != nil && ctx.Err() == nil {
				a.failed.Store(&err)
			}
			first()
			complete()
		})
		if n%50 == 49 { // so that they do not all connect at the same time
			if err := a.wait(ctx, &a.first); err != nil {
				return err
			}
		}
	}
	return a.wait(ctx, &a.first)
}

// wait waits for all, and returns the error of one of them.
func (a *audience) wait(ctx context.Context, all *sync.WaitGroup) error {
	all.Wait()
	if failed := a.failed.Load(); failed != nil {
		return *failed
	}
	return ctx.Err()
}

// readEvents watches over server-sent events until ctx ends.
func readEvents(ctx context.Context, server string, got func(batch []byte)) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", server[len("http://"):])
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	_, err = fmt.Fprintf(conn, "POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAccept: text/event-stream\r\nContent-Length: %d\r\n\r\n%s", len(watched), watched)
	for lines := bufio.NewReaderSize(conn, 1<<10); err == nil; {
		var line []byte
		line, err = lines.ReadSlice('\n')
		for errors.Is(err, bufio.ErrBufferFull) { // the beginning of a line says enough
			if bytes.HasPrefix(line, []byte("data:")) {
				got(line)
				line = nil
			}
			_, err = lines.ReadSlice('\n')
		}
		if bytes.HasPrefix(line, []byte("data:")) {
			got(line)
		}
	}
	return err
}

// readSocket watches over a WebSocket until ctx ends.
func readSocket(ctx context.Context, server string, got func(batch []byte)) error {
	conn, response, err := websocket.Dial(ctx, server+"/graphql", &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	if response != nil && response.Body != nil {
		_ = response.Body.Close() // of a refusal
	}
	if err != nil {
		return err
	}
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(-1)
	err = errors.Join(
		conn.Write(ctx, websocket.MessageText, []byte(`{"type":"connection_init"}`)),
		conn.Write(ctx, websocket.MessageText, []byte(`{"id":"1","type":"subscribe","payload":`+watched+`}`)),
	)
	for err == nil {
		var reader io.Reader
		if _, reader, err = conn.Reader(ctx); err != nil {
			break
		}
		var message []byte
		if message, err = io.ReadAll(reader); bytes.Contains(message, []byte(`"next"`)) {
			got(message)
		}
	}
	return err
}
