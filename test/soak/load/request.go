package load

import (
	"context"
	"io"
	"strconv"
	"time"

	"leadgraph/test/soak/client"
	"leadgraph/test/soak/operations"
	"leadgraph/test/soak/oracle"
	"leadgraph/test/soak/pace"
	"leadgraph/test/soak/report"
)

// maxAges are the ages in seconds that clients allow; -1 sets no limit.
var maxAges = []int{-1, -1, -1, -1, -1, -1, 0, 1, 3}

const noCache = "no-cache"

// cacheControl returns the header that limits the age, in seconds. It is empty
// for a negative age.
func cacheControl(seconds int) string {
	switch {
	case seconds < 0:
		return ""
	case seconds == 0:
		return noCache
	}
	return "max-age=" + strconv.Itoa(seconds)
}

// request returns a random request.
func (w *worker) request() client.Request {
	r := client.Request{
		Way: client.ByPost, Operations: []operations.Operation{w.maker.Operation()},
		Freshness: cacheControl(maxAges[w.random.IntN(len(maxAges))]), Alone: w.random.IntN(20) == 0,
	}
	switch n := w.random.IntN(100); {
	case r.Operations[0].Deferred && n < 75:
		r.Way = client.ByParts
	case n < 8:
		r.Way = client.ByEvents
	case n < 12:
		r.Way, r.Freshness = client.BySocket, ""
	case n < 18:
		r.Way = client.ByArray
		for range 1 + w.random.IntN(3) {
			r.Operations = append(r.Operations, w.maker.Operation())
		}
	case n < 28 && len(r.Operations[0].Document) < 3000 && r.Operations[0].Kind != operations.ManyTenants:
		r.Way = client.ByGet
	}
	return r
}

// leave makes a request and leaves before it has the whole answer.
func (w *worker) leave(ctx context.Context) {
	defer w.Tally.Begin()()
	o := w.maker.Operation()
	ctx, cancel := context.WithTimeout(ctx, pace.UpTo(w.random, 300*time.Millisecond))
	defer cancel()
	ways := []client.Way{client.ByPost, client.ByParts, client.ByEvents}
	r := client.Request{Way: ways[w.random.IntN(len(ways))], Operations: []operations.Operation{o}, Freshness: noCache}
	response, err := w.Client.Send(ctx, r)
	if err == nil {
		_, _ = io.CopyN(io.Discard, response.Body, int64(w.random.IntN(2000))) // may end earlier
		_ = response.Body.Close()
	}
	w.Tally.Left("clients that leave")
}

// readSlowly reads a large answer slowly. Only its header must arrive in time.
func (w *worker) readSlowly(ctx context.Context) {
	defer w.Tally.Begin()()
	o := w.maker.Large()
	ctx, cancel := context.WithTimeout(ctx, w.Deadline+patience)
	defer cancel()
	sent := time.Now()
	response, err := w.Client.Send(ctx, client.Request{Way: client.ByPost, Operations: []operations.Operation{o}, Alone: true})
	if err != nil {
		w.Tally.Violation(report.Broken, "a slow reader got no answer: %v", err)
		return
	}
	defer func() { _ = response.Body.Close() }() // read to its end
	answered := time.Now()
	body, err := io.ReadAll(slowReader{ctx, response.Body, 50 * time.Millisecond})
	if err != nil {
		w.Tally.Violation(report.Broken, "a slow reader's answer ended after %d bytes: %v", len(body), err)
		return
	}
	answers, err := client.Read(client.ByPost, response.Header.Get("Content-Type"), body)
	if err != nil {
		w.Tally.Violation(report.Broken, "a slow reader's answer: %v", err)
		return
	}
	if answered.Sub(sent) > w.Deadline {
		w.Tally.Violation(report.Late, "the header took %v\n%s", answered.Sub(sent), o)
	}
	w.judge(client.Request{Way: client.ByPost}, o, oracle.Asked{Sent: sent, Answered: answered}, answers[0])
}

// slowReader pauses before it reads up to 16 KiB.
type slowReader struct {
	ctx   context.Context
	from  io.Reader
	pause time.Duration
}

// Read implements io.Reader.
func (s slowReader) Read(p []byte) (int, error) {
	pace.Rest(s.ctx, s.pause)
	return s.from.Read(p[:min(len(p), 16<<10)])
}
