package sandbox

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/brianvoe/gofakeit/v7"
)

const (
	jsonType    = "application/json; charset=utf-8"
	problemType = "application/problem+json; charset=utf-8"
	htmlType    = "text/html; charset=utf-8"
)

// answer is a response to which send may apply a fault.
type answer struct {
	status      int
	contentType string
	body        []byte
	rows        int // number of leads in the body
}

// jsonAnswer encodes a value made of maps, strings and numbers, which cannot
// fail.
func jsonAnswer(status int, contentType string, value any) answer {
	body, err := json.Marshal(value)
	if err != nil {
		return answer{status: http.StatusInternalServerError}
	}
	return answer{status: status, contentType: contentType, body: body}
}

// invalidField returns the refusal of a parameter as [CCL] shows it: problem
// details with a map of fields.
func invalidField(name, text string) answer {
	return jsonAnswer(http.StatusBadRequest, problemType, map[string]any{
		"errors":  map[string][]string{name: {text}},
		"type":    "https://tools.ietf.org/html/rfc7231#section-6.5.1",
		"title":   "One or more validation errors occurred.",
		"status":  http.StatusBadRequest,
		"traceId": "00-" + gofakeit.HexUint(128)[2:] + "-" + gofakeit.HexUint(64)[2:] + "-00",
	})
}

// liveProblem returns a failure as [RCH] shows it: Live's own problem details.
func liveProblem(status int, detail string) answer {
	return jsonAnswer(status, problemType, map[string]any{
		"type":        "about:blank",
		"title":       http.StatusText(status),
		"status":      status,
		"detail":      detail,
		"instance":    leadPath,
		"errorTicket": gofakeit.Numerify("2025####-####"),
		"errorCode":   gofakeit.Numerify("OVOC-##"),
		"traceId":     gofakeit.UUID(),
	})
}

// wait waits for the delay and reports whether it passed before ctx ended.
func wait(ctx context.Context, delay time.Duration) bool {
	if delay <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// send applies the fault to the answer and writes it. It counts the call before
// it writes the first byte, so that a client with an answer also sees the call
// in the counts.
func (s *Server) send(w http.ResponseWriter, r *http.Request, a answer, f Fault) {
	if f.Reset {
		s.tally.answered(answer{})
		reset(w)
	}
	if f.BadJSON && len(a.body) > 0 {
		a.body = a.body[:len(a.body)-1]
	}
	s.tally.answered(a)
	if f.Gzip {
		a.body, f.PadBody = compressed(a.body, f.PadBody), 0
		w.Header().Set("Content-Encoding", "gzip")
	}
	sendHeader(w, a, f)
	if !pad(w, f.PadBody) {
		return
	}
	control := http.NewResponseController(w)
	switch {
	case f.CutBody > 0:
		_, _ = w.Write(a.body[:max(0, min(f.CutBody, len(a.body)-1))]) // the connection is closed either way
		_ = control.Flush()
		panic(http.ErrAbortHandler)
	case f.Stall > 0:
		half := len(a.body) / 2
		_, _ = w.Write(a.body[:half]) // if the client has left, the wait below ends
		_ = control.Flush()
		if wait(r.Context(), f.Stall) {
			_, _ = w.Write(a.body[half:])
		}
	default:
		_, _ = w.Write(a.body) // fails only if the client has left
	}
}

func sendHeader(w http.ResponseWriter, a answer, f Fault) {
	header := w.Header()
	if a.contentType != "" {
		header.Set("Content-Type", a.contentType)
	}
	if f.RetryAfter != "" {
		header.Set("Retry-After", f.RetryAfter)
	}
	for name, value := range f.Header {
		header.Set(name, value)
	}
	if !f.Chunked {
		header.Set("Content-Length", strconv.FormatInt(max(f.PadBody, 0)+int64(len(a.body)), 10))
	}
	w.WriteHeader(a.status)
	if f.Chunked { // otherwise net/http sets Content-Length for a short body
		_ = http.NewResponseController(w).Flush()
	}
}

// compressed returns the padded body compressed with gzip. Full blocks of
// padding are compressed once and repeated: gzip members may be concatenated.
func compressed(body []byte, padding int64) []byte {
	const block = 1 << 20
	blocks := int(max(padding, 0) / block)
	return append(bytes.Repeat(member(block, nil), blocks), member(padding%block, body)...)
}

func member(padding int64, body []byte) []byte {
	var buffer bytes.Buffer
	w := gzip.NewWriter(&buffer)
	pad(w, padding)
	_, _ = w.Write(body) // writing to a buffer cannot fail
	_ = w.Close()
	return buffer.Bytes()
}

// pad writes n spaces and reports whether that succeeded. JSON allows spaces
// before a value.
func pad(w io.Writer, n int64) bool {
	if n <= 0 {
		return true
	}
	block := bytes.Repeat([]byte{' '}, int(min(n, 64<<10)))
	for ; n > 0; n -= int64(len(block)) {
		if _, err := w.Write(block[:min(n, int64(len(block)))]); err != nil {
			return false
		}
	}
	return true
}

// reset aborts the answer and never returns. A TCP connection is closed with a
// reset.
func reset(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // otherwise Close ends the connection in an orderly way
		}
		_ = conn.Close()
	}
	panic(http.ErrAbortHandler)
}
