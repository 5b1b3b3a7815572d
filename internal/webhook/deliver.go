package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"leadgraph/upstream/guard"
)

// The pauses between two requests for one event double from the first to the longest.
const (
	firstPause   = time.Second
	longestPause = 5 * time.Minute
	// refusedPause is the first pause after an answer that another request will not change
	// soon: the receiver must be corrected.
	refusedPause = time.Minute
	// maxRetryAfter bounds the pause that a receiver can ask for.
	maxRetryAfter = time.Hour
	// spread varies the pauses, so that requests do not return together.
	spread = 0.2
)

const (
	// maxAnswer is how much of an answer is read, in bytes, so that the connection can be
	// used again.
	maxAnswer = 64 << 10
	// maxHeader bounds the header of an answer in bytes.
	maxHeader = 64 << 10
)

// newTransport returns a transport for requests to few hosts.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    maxConcurrent,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: maxHeader,
	}
}

// attempted is the result of a request, and whether and when another one follows.
type attempted struct {
	accepted, again bool
	wait            time.Duration
}

func newRetrier() failsafe.Executor[attempted] {
	return failsafe.With(retrypolicy.NewBuilder[attempted]().
		HandleIf(func(last attempted, _ error) bool { return last.again }).
		WithMaxRetries(-1). // until the receiver accepts
		WithDelayFunc(func(exec failsafe.ExecutionAttempt[attempted]) time.Duration { return exec.LastResult().wait }).
		Build())
}

// send sends an event until it is accepted, which it reports. It gives up when ctx ends or the
// receiver is gone. A request in progress is not canceled then.
func (s *sender) send(ctx context.Context, id string, body []byte) (accepted bool) {
	tries := 0
	_, _ = s.retrier.WithContext(ctx).Get(func() (attempted, error) { // the error is that of ctx
		if s.ends(ctx) {
			return attempted{}, nil
		}
		last := s.judge(tries, s.attempt(id, body))
		accepted = last.accepted
		tries++
		return last, nil
	})
	return accepted
}

// answer is how a receiver has answered: a status, or an error if there was none.
type answer struct {
	status int
	wait   time.Duration // that it asks for
	err    error
}

// attempt makes one request.
func (s *sender) attempt(id string, body []byte) answer {
	ctx, cancel := context.WithTimeout(s.life, s.options.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return answer{err: err}
	}
	now := time.Now()
	signature, err := s.signer.Load().Sign(id, now, body)
	if err != nil {
		return answer{err: err}
	}
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("User-Agent", "leadgraph")
	request.Header.Set(standardwebhooks.HeaderWebhookID, id)
	request.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	request.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	response, err := s.client.Do(request)
	if err != nil {
		return answer{err: err}
	}
	defer func() { _ = response.Body.Close() }() // the status says all
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxAnswer))
	return answer{status: response.StatusCode, wait: min(guard.RetryAfter(response.Header), maxRetryAfter)}
}

// judge decides whether another request follows, counts and logs. tries is how many there were
// before.
func (s *sender) judge(tries int, a answer) attempted {
	pause := firstPause
	switch status := a.status; {
	case status >= 200 && status < 300:
		s.sent.Add(1)
		if s.failing.Swap(false) {
			s.log.Info("the receiver of a webhook accepts events again")
		}
		return attempted{accepted: true}
	case status == http.StatusGone:
		s.failed.Add(1)
		if !s.gone.Swap(true) {
			s.log.Error("the receiver of a webhook is gone; no more events are sent to it until a restart")
		}
		return attempted{}
	case status >= 300 && status < 500 && status != http.StatusTooManyRequests && !guard.TimedOut(status):
		pause = refusedPause
	}
	s.failed.Add(1)
	if !s.failing.Swap(true) {
		s.log.Warn("the receiver of a webhook does not accept an event; trying again", slog.String("reason", a.reason()))
	}
	wait := min(pause<<min(tries, 16), longestPause)
	if a.wait > 0 {
		wait = a.wait
	}
	return attempted{again: true, wait: wait + time.Duration(spread*rand.Float64()*float64(wait))}
}

// reason returns why an event was not accepted. It does not repeat the URL, whose path may be
// a secret.
func (a answer) reason() string {
	if a.err == nil {
		return fmt.Sprintf("status %d", a.status)
	}
	if outer, ok := errors.AsType[*url.Error](a.err); ok {
		return outer.Err.Error()
	}
	return a.err.Error()
}
