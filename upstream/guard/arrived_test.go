package guard

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"
)

// TestPermitEndsWithTheAnswer lets one attempt be under way at a time. While somebody still
// decodes an answer that has arrived, the next one is sent; while an answer arrives, none is.
func TestPermitEndsWithTheAnswer(t *testing.T) {
	t.Parallel()
	more := make(chan struct{})
	platform := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, "[")
		if r.URL.Path == "/slow" {
			_ = http.NewResponseController(w).Flush()
			<-more
		}
		_, _ = fmt.Fprint(w, "]")
	}))
	t.Cleanup(platform.Close)
	o := testOptions()
	o.MaxConcurrent = 1
	g := New(NewWire(WireOptions{Transport: &http.Transport{DisableKeepAlives: true}, MaxBody: 1 << 20, Logger: o.Logger}), o)
	send := func(path string, consume func(io.Reader) error) error {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, platform.URL+path, nil)
		if err != nil {
			return err
		}
		_, err = g.Send(request, &Call{Kind: KindLeads, AttemptTimeout: time.Minute, Consume: consume})
		return err
	}
	readAll := func(body io.Reader) error {
		_, err := io.Copy(io.Discard, body)
		return err
	}
	if err := send("/", func(body io.Reader) error {
		if err := readAll(body); err != nil {
			return err
		}
		return send("/", readAll) // it would wait for itself
	}); err != nil {
		t.Error(err)
	}
	ended := make(chan error, 1)
	if err := send("/slow", func(body io.Reader) error {
		if _, err := body.Read(make([]byte, 1)); err != nil {
			return err
		}
		go func() { ended <- send("/", readAll) }()
		for g.State().Queued == 0 {
			runtime.Gosched()
		}
		close(more)
		return readAll(body)
	}); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
