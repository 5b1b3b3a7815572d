package transport

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// byApollo is what Apollo Client 4 sends for a subscription.
const byApollo = "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/graphql-response+json,application/json;q=0.9"

// readPayloads returns the parts of Apollo's multipart protocol, and whether the stream is
// complete.
func readPayloads(t *testing.T, response *http.Response) (parts []string, complete bool) {
	t.Helper()
	defer func() { _ = response.Body.Close() }()
	mediaType, parameters, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if err != nil || mediaType != typeParts || parameters["boundary"] != "graphql" || parameters["subscriptionspec"] != "1.0" {
		t.Fatalf("status %d and Content-Type %s", response.StatusCode, response.Header.Get("Content-Type"))
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	reader := multipart.NewReader(bytes.NewReader(body), parameters["boundary"])
	for {
		part, err := reader.NextPart()
		if err != nil {
			return parts, bytes.HasSuffix(body, []byte("\r\n--graphql--\r\n"))
		}
		if got := part.Header.Get("Content-Type"); got != "application/json; charset=utf-8" {
			t.Errorf("a part has Content-Type %q", got)
		}
		text, err := io.ReadAll(part)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, string(text))
	}
}

func wantParts(t *testing.T, response *http.Response, complete bool, want ...string) {
	t.Helper()
	got, ended := readPayloads(t, response)
	if strings.Join(got, "|") != strings.Join(want, "|") || ended != complete {
		t.Errorf("got %q, complete %v; want %q, complete %v", got, ended, want, complete)
	}
}

// TestPayloadsOfASubscription outlives the timeout and the server's WriteTimeout.
func TestPayloadsOfASubscription(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		response := openStream(t, serveClock(t), `subscription { tick(panic: 4) }`, http.Header{"Accept": {byApollo}}) //nolint:bodyclose // readPayloads closes it
		wantParts(t, response, true,
			"{}", "{\"payload\":{\"data\":{\n\"tick\":1}}}", "{}", "{\"payload\":{\"data\":{\n\"tick\":2}}}",
			"{}", "{\"payload\":{\"data\":{\n\"tick\":3}}}", "{}",
			`{"payload":null,"errors":[{"message":"Internal error.","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}`)
	})
}

// TestStreamsEndWithTheServer checks that they end before they are complete, because
// clients would not come back to a complete one.
func TestStreamsEndWithTheServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		closing := make(chan struct{})
		client := serveClockUntil(t, closing, nil)
		response := openStream(t, client, `subscription { tick }`, http.Header{"Accept": {byApollo}}) //nolint:bodyclose // readPayloads closes it
		time.AfterFunc(25*time.Second, func() { close(closing) })
		wantParts(t, response, false, "{}", "{\"payload\":{\"data\":{\n\"tick\":1}}}")
	})
}

func TestPayloadsEndWithTheClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		if err := openStream(t, serveClock(t), `subscription { tick }`, http.Header{"Accept": {byApollo}}).Body.Close(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // the end of the bubble fails if something still runs
	})
}

// TestEventsResumeByTheirIds continues after each of the ticks.
func TestEventsResumeByTheirIds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := serveClock(t)
		for last := range 8 {
			header := http.Header{"Accept": {typeEvents}}
			if last > 0 {
				header.Set("Last-Event-ID", fmt.Sprintf("tick-%d", last))
			}
			response := openStream(t, client, `subscription { tick(panic: 8, ids: true) }`, header)
			text, err := io.ReadAll(response.Body)
			_ = response.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			want := ""
			for i := last + 1; i < 8; i++ {
				want += fmt.Sprintf("id: tick-%d\nevent: next\ndata: {\"data\":{ \"tick\":%d}}\n\n", i, i)
			}
			got, _, _ := strings.Cut(strings.ReplaceAll(string(text), ":\n\n", ""), "event: next\ndata: {\"errors\"")
			if got != want {
				t.Fatalf("got\n%s\nwant\n%s", got, want)
			}
		}
	})
}

func TestSubscriptionsNeedAStream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := serveClockWith(t, func(o *Options) { o.MaxBatch = 2 })
		for accepted, want := range map[string]string{
			"":                                    "",
			"*/*":                                 "",
			"application/json, */*;q=0.1":         "",
			"text/event-stream, multipart/mixed":  typeEvents + "; charset=utf-8", // urql
			"application/json, text/event-stream": typeEvents + "; charset=utf-8",
			byApollo:                              payloads.contentType,
			`multipart/mixed;subscriptionSpec="1.0", application/json`:                              payloads.contentType,
			"multipart/mixed;subscriptionSpec=1.0":                                                  payloads.contentType,
			"multipart/mixed;subscriptionSpec=1.0;q=0.5, text/event-stream;q=0.6, application/json": typeEvents + "; charset=utf-8",
			"application/json":                                       "",
			"application/graphql-response+json":                      "",
			"multipart/mixed;subscriptionSpec=2.0, application/json": "",
			"multipart/mixed;deferSpec=20220824, application/json":   "",
		} {
			response := openStream(t, client, `subscription { tick }`, http.Header{"Accept": {accepted}})
			if want != "" {
				if got := response.Header.Get("Content-Type"); got != want || response.StatusCode != http.StatusOK {
					t.Errorf("%q: status %d and %q, want %q", accepted, response.StatusCode, got, want)
				}
				_ = response.Body.Close()
				continue
			}
			text, err := io.ReadAll(response.Body)
			if err != nil || response.StatusCode != http.StatusBadRequest || !strings.Contains(string(text), `"code":"BAD_USER_INPUT"`) {
				t.Errorf("%q: status %d and %s %v", accepted, response.StatusCode, text, err)
			}
		}
	})
}
