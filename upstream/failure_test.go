package upstream_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"leadgraph/lead"
	"leadgraph/upstream"
)

// statusCase is an answer, and the error that it must become.
type statusCase struct {
	status        int
	body          string
	kind          lead.FailureKind
	ticket, trace string
}

func TestStatuses(t *testing.T) {
	t.Parallel()
	live, fields := testdata(t, "error_live.json"), testdata(t, "error_fields.json")
	for name, test := range map[string]statusCase{
		"field map":           {status: 400, body: fields, kind: lead.FailureRejected, trace: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"},
		"live problem":        {status: 400, body: live, kind: lead.FailureRejected, ticket: "20250302-0007", trace: "0HN1"},
		"bare text":           {status: 400, body: "Invalid lead", kind: lead.FailureRejected},
		"OAuth error":         {status: 401, body: testdata(t, "error_token.json"), kind: lead.FailureAuth},
		"forbidden":           {status: 403, kind: lead.FailureAuth},
		"wrong base URL":      {status: 404, body: "404 page not found", kind: lead.FailureRejected},
		"not found, HTML":     {status: 404, body: "<html>Invalid lead</html>", kind: lead.FailureRejected},
		"not found, problem":  {status: 404, body: live, kind: lead.FailureRejected, ticket: "20250302-0007", trace: "0HN1"},
		"method":              {status: 405, kind: lead.FailureRejected},
		"unprocessable":       {status: 422, body: `"text"`, kind: lead.FailureRejected},
		"too many":            {status: 429, kind: lead.FailureRateLimited},
		"server":              {status: 500, body: live, kind: lead.FailureUnavailable, ticket: "20250302-0007", trace: "0HN1"},
		"not implemented":     {status: 501, kind: lead.FailureUnavailable},
		"gateway, HTML":       {status: 502, body: "<html>", kind: lead.FailureUnavailable},
		"unavailable":         {status: 503, kind: lead.FailureUnavailable},
		"gateway time-out":    {status: 504, kind: lead.FailureUnavailable},
		"multiple choices":    {status: 300, kind: lead.FailureBadResponse},
		"odd references":      {status: 400, body: `{"ErrorTicket":12,"traceid":["x"]}`, kind: lead.FailureRejected, ticket: "12"},
		"unsafe references":   {status: 400, body: `{"errorTicket":"a\n\u0007\u00e9b","traceId":"` + strings.Repeat("x", 65) + `"}`, kind: lead.FailureRejected},
		"references of .NET":  {status: 400, body: `{"errorTicket":"0HN1:00000001","traceId":"00-` + strings.Repeat("a", 32) + `-` + strings.Repeat("b", 16) + `-00"}`, kind: lead.FailureRejected, ticket: "0HN1:00000001", trace: "00-" + strings.Repeat("a", 32) + "-" + strings.Repeat("b", 16) + "-00"},
		"sentences":           {status: 400, body: `{"errorTicket":"call Dana Levi","traceId":"<b>x</b>"}`, kind: lead.FailureRejected},
		"an address":          {status: 400, body: `{"errorTicket":"dana.levi@contoso.example","traceId":"https://host/"}`, kind: lead.FailureRejected},
		"the longest":         {status: 400, body: `{"errorTicket":"` + strings.Repeat("x", 64) + `"}`, kind: lead.FailureRejected, ticket: strings.Repeat("x", 64)},
		"endless error body":  {status: 500, body: `{"errorTicket":"1","pad":"` + strings.Repeat("x", 1<<20) + `"}`, kind: lead.FailureUnavailable},
		"HTML":                {status: 200, body: "<!doctype html>", kind: lead.FailureBadResponse},
		"nothing":             {status: 200, kind: lead.FailureBadResponse},
		"text":                {status: 200, body: "OK", kind: lead.FailureBadResponse},
		"problem as success":  {status: 200, body: live, kind: lead.FailureBadResponse},
		"JSON breaks off":     {status: 200, body: `[{"id":"1"`, kind: lead.FailureBadResponse},
		"something after it":  {status: 200, body: `[] []`, kind: lead.FailureBadResponse},
		"lead without id":     {status: 200, body: `[{"tenantId":"x"}]`, kind: lead.FailureBadResponse},
		"lead without tenant": {status: 200, body: `[{"id":"x"}]`, kind: lead.FailureBadResponse},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.check(t)
		})
	}
}

func (test statusCase) check(t *testing.T) {
	t.Helper()
	client := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(test.status)
		write(w, test.body)
	}, nil)
	_, err := client.LeadsByTenant(t.Context(), tenantA, false)
	source := sourceError(t, err, test.kind)
	if source.Status != test.status || source.ErrorTicket != test.ticket || source.TraceID != test.trace {
		t.Errorf("got status %d, ticket %q, trace %q", source.Status, source.ErrorTicket, source.TraceID)
	}
	if wait := source.RetryAfter; test.status >= 400 && wait != 7*time.Second {
		t.Errorf("RetryAfter is %v", wait)
	}
	if test.body != "" && strings.Contains(source.Error(), strings.TrimSpace(test.body)) {
		t.Errorf("the error quotes the body: %q", source)
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	var followed atomic.Bool
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Store(true) }))
	t.Cleanup(elsewhere.Close)
	client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusFound)
	}, func(o *upstream.Options) { o.StaticToken = "secret" })
	_, err := client.LeadsPage(t.Context(), 0, 10, lead.AllParts)
	wantKind(t, err, lead.FailureBadResponse)
	if followed.Load() {
		t.Error("the redirect was followed")
	}
}

func TestTimeouts(t *testing.T) {
	t.Parallel()
	const soon = 20 * time.Millisecond
	for name, adjust := range map[string]func(*upstream.Options){
		"of an attempt": func(o *upstream.Options) { o.AttemptTimeout = soon },
		"of the call":   func(o *upstream.Options) { o.Timeout = soon },
	} {
		client := newClient(t, hang, func(o *upstream.Options) { o.TimePerRow = -1; adjust(o) })
		_, err := client.LeadsPage(t.Context(), 0, 10, lead.AllParts)
		source := sourceError(t, err, lead.FailureTimeout)
		if errors.Is(source, context.DeadlineExceeded) {
			t.Errorf("the time-out %s looks like the caller's deadline", name)
		}
	}
}

func TestTimeoutInBody(t *testing.T) {
	t.Parallel()
	client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		write(w, "[")
		_ = http.NewResponseController(w).Flush()
		hang(w, r)
	}, func(o *upstream.Options) { o.AttemptTimeout, o.TimePerRow = 20*time.Millisecond, -1 })
	_, err := client.LeadsPage(t.Context(), 0, 10, lead.AllParts)
	wantKind(t, err, lead.FailureTimeout)
}

func TestCutBody(t *testing.T) {
	t.Parallel()
	for _, cuts := range []int32{1, 10} {
		var calls atomic.Int32
		client := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
			if calls.Add(1) <= cuts {
				breakOff(w, "[{")
			}
			write(w, "["+row("1")+"]")
		}, func(o *upstream.Options) { o.Retries = 1 })
		_, err := client.LeadsPage(t.Context(), 0, 10, lead.AllParts)
		if cuts == 1 {
			if err != nil {
				t.Errorf("a cut body was not retried: %v", err)
			}
			continue
		}
		wantKind(t, err, lead.FailureUnavailable)
	}
}

func TestNoServer(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	client := openClient(t, upstream.Options{BaseURL: server.URL, Retries: 1})
	_, err := client.LeadsPage(t.Context(), 0, 10, lead.AllParts)
	source := sourceError(t, err, lead.FailureUnavailable)
	if text := source.Error(); !strings.Contains(text, "connection refused") || strings.Contains(text, "127.0.0.1") {
		t.Errorf("the error does not say what happened, or says where: %q", text)
	}
}

func TestBodyThatIsNotTheGzipItClaims(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	gz := gzip.NewWriter(&packed)
	write(gz, "["+row("1")+"]")
	_ = gz.Close() // never fails for a buffer
	corrupt := bytes.Clone(packed.Bytes())
	corrupt[len(corrupt)-6] ^= 1 // in the checksum
	for name, body := range map[string][]byte{"plain": []byte("[]          "), "corrupt": corrupt} {
		var calls atomic.Int32
		client := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
			calls.Add(1)
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(body)
		}, func(o *upstream.Options) { o.Retries = 2 })
		_, err := client.LeadsPage(t.Context(), 0, 10, lead.AllParts)
		wantKind(t, err, lead.FailureBadResponse)
		if calls.Load() != 1 {
			t.Errorf("%s: asked %d times", name, calls.Load())
		}
	}
}

func TestNotHTTP(t *testing.T) {
	t.Parallel()
	client := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		write(conn, "dana.levi@contoso.example\r\n\r\n")
		_ = conn.Close()
	}, nil)
	_, err := client.LeadsPage(t.Context(), 0, 10, lead.AllParts)
	if source := sourceError(t, err, lead.FailureUnavailable); strings.Contains(source.Error(), "dana") {
		t.Errorf("the error quotes the answer: %q", source)
	}
}

func TestUntrustedCertificate(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it would log the refused handshake
	server.StartTLS()
	t.Cleanup(server.Close)
	client := openClient(t, upstream.Options{BaseURL: server.URL})
	_, err := client.LeadsPage(t.Context(), 0, 10, lead.AllParts)
	wantKind(t, err, lead.FailureUnavailable)
	if calls.Load() != 0 {
		t.Error("a request reached a server that is not trusted")
	}
}
