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

// answer is an answer before a fault has bent it.
type answer struct {
	status      int
	contentType string
	body        []byte
	rows        int // leads in the body
}

// jsonAnswer encodes a value made of maps, texts and numbers, which cannot fail.
func jsonAnswer(status int, contentType string, value any) answer {
	body, err := json.Marshal(value)
	if err != nil {
		return answer{status: http.StatusInternalServerError}
	}
	return answer{status: status, contentType: contentType, body: body}
}

// invalidField is the refusal of a parameter in the form of [CCL]: problem
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

// liveProblem is a failure in the form of [RCH]: Live's own problem details.
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

// wait reports whether the delay passed before ctx ended.
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

// send writes the answer as the fault bends it. The call is counted before the
// first byte leaves, so that whoever has the answer also sees it counted.
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
		_, _ = w.Write(a.body[:max(0, min(f.CutBody, len(a.body)-1))]) // the connection ends either way
		_ = control.Flush()
		panic(http.ErrAbortHandler)
	case f.Stall > 0:
		half := len(a.body) / 2
		_, _ = w.Write(a.body[:half]) // a client that left ends the wait
		_ = control.Flush()
		if wait(r.Context(), f.Stall) {
			_, _ = w.Write(a.body[half:])
		}
	default:
		_, _ = w.Write(a.body) // nothing is left to tell a client that left
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
	if f.Chunked { // net/http would announce the length of a short body by itself
		_ = http.NewResponseController(w).Flush()
	}
}

// compressed returns the body with its padding as gzip. Padding is compressed
// once a block: members of a gzip file may follow each other.
func compressed(body []byte, padding int64) []byte {
	const block = 1 << 20
	blocks := int(max(padding, 0) / block)
	return append(bytes.Repeat(member(block, nil), blocks), member(padding%block, body)...)
}

func member(padding int64, body []byte) []byte {
	var buffer bytes.Buffer
	w := gzip.NewWriter(&buffer)
	pad(w, padding)
	_, _ = w.Write(body) // a buffer takes everything
	_ = w.Close()
	return buffer.Bytes()
}

// pad writes n spaces, which JSON allows before a value, and reports whether
// w took them.
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

// reset closes the connection with a TCP reset where there is one, and never
// returns.
func reset(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // without it the close below is merely an orderly one
		}
		_ = conn.Close()
	}
	panic(http.ErrAbortHandler)
}
