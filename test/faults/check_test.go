package faults

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// messages holds the messages that a client may see, by code.
var messages = map[string]string{
	"UPSTREAM_UNAVAILABLE":  "The platform cannot be reached or is failing.",
	"UPSTREAM_TIMEOUT":      "The platform did not answer in time.",
	"UPSTREAM_RATE_LIMITED": "The platform is rate limiting us.",
	"UPSTREAM_REJECTED":     "The platform refused the request.",
	"UPSTREAM_BAD_RESPONSE": "The platform's response could not be parsed.",
	"UPSTREAM_AUTH":         "The platform refused this server's credentials.",
}

// checkAnswer compares data and errors with the expected ones.
func (c cell) checkAnswer(t *testing.T, want outcome, r reply) {
	t.Helper()
	if string(r.Data) != want.data {
		t.Errorf("data %s, want %s", r.Data, want.data)
	}
	if stale, _ := r.Extensions["stale"].(bool); stale != want.stale {
		t.Errorf("stale is %v, want %v", stale, want.stale)
	}
	var paths []string
	for _, e := range r.Errors {
		paths = append(paths, fmt.Sprint(e.Path))
		if e.Extensions["code"] != want.code || e.Extensions["requestId"] != cellRequest {
			t.Errorf("error %v, want code %q and the request's id", e.Extensions, want.code)
		}
		if e.Message != messages[want.code] && e.Message != "The request ended before the platform answered." {
			t.Errorf("message %q", e.Message)
		}
		var retryAfter any
		if want.retryAfter > 0 {
			retryAfter = float64(want.retryAfter.Milliseconds())
		}
		if want.retryAfter < 0 {
			if wait, _ := e.Extensions["retryAfterMs"].(float64); wait < float64(-want.retryAfter.Milliseconds()) {
				t.Errorf("retryAfterMs is %v", e.Extensions["retryAfterMs"])
			}
		} else if e.Extensions["retryAfterMs"] != retryAfter {
			t.Errorf("retryAfterMs is %v, want %v", e.Extensions["retryAfterMs"], retryAfter)
		}
	}
	slices.Sort(paths)
	if !slices.Equal(paths, want.paths) {
		t.Errorf("errors at %v, want %v", paths, want.paths)
	}
	if _, _, request := c.fault.budget(); r.took > request+answerMargin {
		t.Errorf("answered after %v, when the request had %v", r.took, request)
	}
}

func (c cell) checkCalls(t *testing.T, want outcome, r reply) {
	t.Helper()
	if got := r.calls.ByTenant + r.calls.Pages; !want.leads.holds(got) {
		t.Errorf("%d calls for leads, want %v", got, want.leads)
	}
	if !want.tokens.holds(r.calls.Token) {
		t.Errorf("%d calls for tokens, want %v", r.calls.Token, want.tokens)
	}
}

// checkLog checks that the log has one line of the operation, a warning of each
// failure that the client sees, and one of the failure that a stale answer hides.
func (c cell) checkLog(t *testing.T, want outcome, r reply) {
	t.Helper()
	var codes []string
	if want.code != "" {
		codes = []string{want.code}
	}
	lines, failures, refreshes := 0, 0, 0
	for _, l := range r.log {
		switch {
		case l.Msg == "operation" && l.RequestID == cellRequest:
			lines++
			if l.Name != c.op.name || l.Level != "INFO" || !reflect.DeepEqual(append([]string(nil), l.Codes...), codes) {
				t.Errorf("the operation's line is %+v, want codes %v", l, codes)
			}
		case l.Msg == "upstream failure" && l.RequestID == cellRequest:
			failures++
			if l.Level != "WARN" || l.Code != want.code || l.Cause == "" {
				t.Errorf("the failure's line is %+v", l)
			}
		case (strings.HasPrefix(l.Msg, "catalogue refresh ") || strings.HasSuffix(l.Msg, "old leads are served")) && l.Level == "WARN":
			refreshes++
		case l.Level == "ERROR":
			t.Errorf("an error is logged: %+v", l)
		}
	}
	if lines != 1 || failures != len(want.paths) {
		t.Errorf("%d lines of the operation and %d of failures, want 1 and %d", lines, failures, len(want.paths))
	}
	if want.stale && refreshes == 0 {
		t.Error("the log does not say why the answer is stale")
	}
}

// checkSilence checks that neither the log nor the answer, apart from the requested
// leads, holds personal data, secrets or the address of the platform.
func checkSilence(t *testing.T, r reply) {
	t.Helper()
	said := strings.Replace(r.Body, string(r.Data), "", 1)
	words := []string{"Dana", "Levi", "canary", "contoso", "Bearer", "access_token", "127.0.0.1", "http://", "leadgraph.test", "tenantui", "goroutine"}
	for where, text := range map[string]string{"answer": said, "log": r.rawLog} {
		for _, word := range words {
			if at := strings.Index(strings.ToLower(text), strings.ToLower(word)); at >= 0 {
				t.Errorf("the %s holds %q: …%.200s", where, word, text[max(0, at-100):])
			}
		}
	}
}
