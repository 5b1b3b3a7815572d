package sandbox

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/brianvoe/gofakeit/v7"
)

// maxForm is the maximum size of a token request's body, in bytes.
const maxForm = 16 << 10

// tokens holds the valid bearer tokens.
type tokens struct {
	mu     sync.Mutex
	expiry map[string]time.Time
}

func (t *tokens) issue(now time.Time, lifetime time.Duration) string {
	token := rand.Text()
	t.mu.Lock()
	defer t.mu.Unlock()
	for old, end := range t.expiry {
		if !now.Before(end) {
			delete(t.expiry, old)
		}
	}
	t.expiry[token] = now.Add(lifetime)
	return token
}

func (t *tokens) valid(token string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	end, ok := t.expiry[token]
	return ok && now.Before(end)
}

func (t *tokens) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.expiry)
}

// authorized reports whether the call has a valid token.
func (s *Server) authorized(r *http.Request) bool {
	if s.opts.NoAuth {
		return true
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.EqualFold(scheme, "Bearer") && s.tokens.valid(token, s.opts.Clock())
}

func (s *Server) serveToken(w http.ResponseWriter, r *http.Request) {
	c := call{token: true}
	s.tally.begin(c)
	defer s.tally.end(c)
	fault := s.takeFault(c)
	// net/http notices that a client has left only after the body has been read.
	form, unread := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	r.Body = io.NopCloser(bytes.NewReader(form))
	if !wait(r.Context(), fault.Latency) {
		return
	}
	a, replaced := fault.replacement(c)
	switch {
	case replaced:
	case unread != nil || r.ParseForm() != nil:
		a = s.tokenError(http.StatusBadRequest, "invalid_request", 900144, "The request body could not be read as a form.")
	default:
		a = s.tokenAnswer(r)
	}
	w.Header().Set("Cache-Control", "no-store")
	s.send(w, r, a, fault)
}

func (s *Server) tokenAnswer(r *http.Request) answer {
	if refusal, ok := s.refuseClient(r.PostForm, r.PathValue("directory")); ok {
		return refusal
	}
	seconds := int(s.opts.TokenLifetime / time.Second)
	return jsonAnswer(http.StatusOK, jsonType, map[string]any{
		"token_type":     "Bearer",
		"expires_in":     seconds,
		"ext_expires_in": seconds,
		"access_token":   s.tokens.issue(s.opts.Clock(), s.opts.TokenLifetime),
	})
}

// refuseClient checks the form in Entra's order and reports whether it is
// refused. The codes and texts are Entra's [ENTRA]; AudioCodes' pages mention
// only AADSTS700016 [AUTH].
func (s *Server) refuseClient(form url.Values, directory string) (answer, bool) {
	for _, name := range []string{"grant_type", "client_id", "scope"} {
		if form.Get(name) == "" {
			return s.tokenError(http.StatusBadRequest, "invalid_request", 900144,
				fmt.Sprintf("The request body must contain the following parameter: '%s'.", name)), true
		}
	}
	switch {
	case form.Get("grant_type") != "client_credentials":
		return s.tokenError(http.StatusBadRequest, "unsupported_grant_type", 70003,
			"The app requested an unsupported grant type."), true
	case form.Get("client_id") != s.opts.ClientID:
		return s.tokenError(http.StatusBadRequest, "unauthorized_client", 700016,
			fmt.Sprintf("Application with identifier '%s' was not found in the directory '%s'.", form.Get("client_id"), directory)), true
	case form.Get("client_secret") == "":
		return s.tokenError(http.StatusUnauthorized, "invalid_client", 7000218,
			"The request body must contain the following parameter: 'client_assertion' or 'client_secret'."), true
	case form.Get("client_secret") != s.opts.ClientSecret:
		return s.tokenError(http.StatusUnauthorized, "invalid_client", 7000215,
			"Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID."), true
	case form.Get("scope") != s.opts.Scope:
		return s.tokenError(http.StatusBadRequest, "invalid_scope", 70011,
			"The provided value for the input parameter 'scope' is not valid."), true
	}
	return answer{}, false
}

func (s *Server) tokenError(status int, code string, number int, text string) answer {
	trace := gofakeit.UUID()
	return jsonAnswer(status, jsonType, map[string]any{
		"error":             code,
		"error_description": fmt.Sprintf("AADSTS%d: %s Trace ID: %s", number, text, trace),
		"error_codes":       []int{number},
		"timestamp":         s.opts.Clock().UTC().Format("2006-01-02 15:04:05Z"),
		"trace_id":          trace,
		"correlation_id":    trace,
	})
}
