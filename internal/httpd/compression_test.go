package httpd_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"leadgraph/internal/httpd"
)

// zip compresses text with gzip.
func zip(t *testing.T, text string) string {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestAnswersAreCompressed(t *testing.T) {
	t.Parallel()
	server := protect(t, httpd.BrowserOptions{})
	large := `"` + strings.Repeat("lead ", 500) + `"`
	tests := []struct {
		name, body string
		headers    []string
		compressed bool
	}{
		{"large", large, []string{"Accept-Encoding", "gzip, deflate, br, zstd"}, true},
		{"small", `"lead"`, []string{"Accept-Encoding", "gzip"}, false},
		{"not accepted", large, nil, false},
		{"refused", large, []string{"Accept-Encoding", "gzip;q=0"}, false},
		{"another coding", large, []string{"Accept-Encoding", "zstd"}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := send(t, server, http.MethodPost, test.body, test.headers...)
			if compressed := got.header.Get("Content-Encoding") == "gzip"; compressed != test.compressed {
				t.Fatalf("compressed is %v", compressed)
			}
			if test.compressed {
				r, err := gzip.NewReader(strings.NewReader(got.body))
				if err != nil {
					t.Fatal(err)
				}
				plain, err := io.ReadAll(r)
				if err != nil {
					t.Fatal(err)
				}
				got.body = string(plain)
			}
			if got.body != test.body || got.header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("%v: %.40s", got.header, got.body)
			}
		})
	}
}

func TestRequestBodies(t *testing.T) {
	t.Parallel()
	noise := make([]byte, maxBody)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise) // never fails
	full := strings.Repeat("x", maxBody)
	tests := []struct {
		name, body, coding string
		status             int
		want               string
	}{
		{"plain", "plain", "", http.StatusOK, "plain"},
		{"plain, said so", "plain", "identity", http.StatusOK, "plain"},
		{"gzip", zip(t, "packed"), "gzip", http.StatusOK, "packed"},
		{"gzip in capitals", zip(t, "packed"), "GZIP", http.StatusOK, "packed"},
		{"gzip by its old name", zip(t, "packed"), "x-gzip", http.StatusOK, "packed"},
		{"gzip in two members", zip(t, "pack") + zip(t, "ed"), "gzip", http.StatusOK, "packed"},
		{"up to the bound", full, "", http.StatusOK, full},
		{"up to the bound, gzip", zip(t, full), "gzip", http.StatusOK, full},
		{"over the bound", full + "x", "", http.StatusRequestEntityTooLarge, ""},
		{"over the bound, gzip", zip(t, full+"x"), "gzip", http.StatusRequestEntityTooLarge, ""},
		{"bomb", zip(t, strings.Repeat("x", 1<<20)), "gzip", http.StatusRequestEntityTooLarge, ""},
		{"bomb that holds nothing", strings.Repeat(zip(t, ""), maxBody/16), "gzip", http.StatusRequestEntityTooLarge, ""},
		{"larger compressed than plain", zip(t, string(noise)), "gzip", http.StatusRequestEntityTooLarge, ""},
		{"bomb in a bomb", zip(t, zip(t, strings.Repeat("x", 10<<20))), "gzip, gzip", http.StatusUnsupportedMediaType, ""},
		{"no gzip", "plain", "gzip", http.StatusBadRequest, ""},
		{"cut off", zip(t, "packed")[:12], "gzip", http.StatusBadRequest, ""},
		{"deflate", "x", "deflate", http.StatusUnsupportedMediaType, ""},
		{"br", "x", "br", http.StatusUnsupportedMediaType, ""},
		{"zstd", "x", "zstd", http.StatusUnsupportedMediaType, ""},
	}
	server := protect(t, httpd.BrowserOptions{})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			headers := []string{"Content-Type", "application/json"}
			if test.coding != "" {
				headers = append(headers, "Content-Encoding", test.coding)
			}
			got := send(t, server, http.MethodPost, test.body, headers...)
			if got.status != test.status {
				t.Fatalf("%d %.80s", got.status, got.body)
			}
			switch test.status {
			case http.StatusOK:
				if got.body != test.want {
					t.Errorf("read %.40q", got.body)
				}
			case http.StatusUnsupportedMediaType:
				mustRefuse(t, got, test.status, "BAD_USER_INPUT")
				if got.header.Get("Accept-Encoding") != "gzip" {
					t.Errorf("%v", got.header)
				}
			}
		})
	}
}

// TestBombIsReadNoFurtherThanTheBound checks how much of a decompression bomb the
// handler gets.
func TestBombIsReadNoFurtherThanTheBound(t *testing.T) {
	t.Parallel()
	read := make(chan int, 1)
	server := protectHandler(t, httpd.BrowserOptions{}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		content, err := io.ReadAll(r.Body)
		if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); !ok || tooLarge.Limit != maxBody {
			t.Errorf("error %v", err)
		}
		if r.ContentLength != -1 || r.Header.Get("Content-Encoding") != "" {
			t.Errorf("length %d, coding %q", r.ContentLength, r.Header.Get("Content-Encoding"))
		}
		read <- len(content)
	}))
	send(t, server, http.MethodPost, zip(t, strings.Repeat("x", 1<<20)), "Content-Encoding", "gzip")
	if got := <-read; got != maxBody {
		t.Errorf("read %d bytes", got)
	}
}

func TestUpgradesAndStreamsPassCompression(t *testing.T) {
	t.Parallel()
	flushed := make(chan struct{})
	server := protectHandler(t, httpd.BrowserOptions{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		if r.Header.Get("Upgrade") == "" {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "event: next\n\n")
			if err := control.Flush(); err != nil {
				t.Error(err)
			}
			<-flushed
			return
		}
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "websocket")
		w.WriteHeader(http.StatusSwitchingProtocols)
		connection, _, err := control.Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(connection, "upgraded")
		_ = connection.Close()
	}))
	open := func(headers ...string) io.Reader {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/graphql", nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		r.Header.Set("Accept-Encoding", "gzip")
		answer, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = answer.Body.Close() })
		return answer.Body
	}
	upgraded := open("Connection", "Upgrade", "Upgrade", "websocket", "Sec-Fetch-Site", "same-origin")
	if text, err := io.ReadAll(upgraded); err != nil || string(text) != "upgraded" {
		t.Errorf("%q %v", text, err)
	}
	stream := open("Accept", "text/event-stream")
	line, err := bufio.NewReader(stream).ReadString('\n') // before the handler returns
	if err != nil || line != "event: next\n" {
		t.Errorf("%q %v", line, err)
	}
	close(flushed)
}
