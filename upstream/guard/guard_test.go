package guard

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// script answers each attempt with the next status, where 0 is a broken connection.
// It records when the attempts were made.
type script struct {
	statuses   []int
	retryAfter string
	start      time.Time
	at         []time.Duration
}

func (s *script) attempt(*http.Request, *Call, bool) (*Answer, error) {
	status := s.statuses[min(len(s.at), len(s.statuses)-1)]
	s.at = append(s.at, time.Since(s.start))
	if status == 0 {
		return nil, errors.New("connection broken")
	}
	answer := &Answer{Status: status, Header: http.Header{}}
	if s.retryAfter != "" {
		answer.Header.Set("Retry-After", s.retryAfter)
	}
	return answer, nil
}

// retryCase is a script of answers, and the attempts that a call must make.
type retryCase struct {
	statuses   []int
	retryAfter string
	method     string
	once       bool
	attempts   int
	status     int
	waits      [][2]time.Duration
}

func TestRetries(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]retryCase{
		"success":        {statuses: []int{200}, attempts: 1, status: 200},
		"429 and 503":    {statuses: []int{429, 503, 200}, attempts: 3, status: 200},
		"502 for ever":   {statuses: []int{502}, attempts: 3, status: 502},
		"504 once":       {statuses: []int{504, 200}, attempts: 2, status: 200},
		"connection":     {statuses: []int{0, 0, 200}, attempts: 3, status: 200},
		"no connection":  {statuses: []int{0}, attempts: 3},
		"500":            {statuses: []int{500, 200}, attempts: 1, status: 500},
		"400":            {statuses: []int{400, 200}, attempts: 1, status: 400},
		"side effect":    {statuses: []int{503, 200}, once: true, attempts: 1, status: 503},
		"not a read":     {statuses: []int{503, 200}, method: http.MethodPost, attempts: 1, status: 503},
		"retry after 4s": {statuses: []int{429, 200}, retryAfter: "4", attempts: 2, status: 200, waits: [][2]time.Duration{{4 * time.Second, 4*time.Second + 400*time.Millisecond}}},
		"too long":       {statuses: []int{429, 200}, retryAfter: "11", attempts: 1, status: 429},
		"backoff": {statuses: []int{503}, attempts: 3, status: 503, waits: [][2]time.Duration{
			{0, firstBackoff}, {0, 2 * firstBackoff}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, test.check)
		})
	}
}

func (test retryCase) check(t *testing.T) {
	t.Helper()
	s := &script{statuses: test.statuses, retryAfter: test.retryAfter, start: time.Now()}
	g := newGuard(s.attempt, testOptions())
	call := &Call{Once: test.once, Deadline: time.Now().Add(10 * time.Second)}
	req := get(t.Context())
	if test.method != "" {
		req.Method = test.method
	}
	answer, err := g.Send(req, call)
	if test.status == 0 && err == nil || test.status != 0 && (err != nil || answer.Status != test.status) {
		t.Errorf("got %v, error %v", answer, err)
	}
	if len(s.at) != test.attempts {
		t.Fatalf("%d attempts, want %d", len(s.at), test.attempts)
	}
	for i, between := range test.waits {
		if wait := s.at[i+1] - s.at[i]; wait < between[0] || wait > between[1] {
			t.Errorf("wait %d is %v, want %v", i, wait, between)
		}
	}
}

func TestRetryStopsWithTheCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{statuses: []int{503}, retryAfter: "60", start: time.Now()}
		g := newGuard(s.attempt, testOptions())
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err := g.Send(get(ctx), &Call{})
		if !errors.Is(err, context.Canceled) || time.Since(s.start) != time.Second {
			t.Errorf("error %v after %v", err, time.Since(s.start))
		}
	})
}

// A wait that would exceed the deadline is not begun, even if the caller set it.
func TestRetryFitsTheCallersTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{statuses: []int{429}, retryAfter: "4", start: time.Now()}
		g := newGuard(s.attempt, testOptions())
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if err := ask(ctx, g); err != nil || len(s.at) != 1 || time.Since(s.start) != 0 {
			t.Errorf("%d attempts in %v, error %v", len(s.at), time.Since(s.start), err)
		}
	})
}

// If most calls fail, few are retried, and the others fail without a wait.
func TestRetriesOfAllCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		attempts, begun := 0, time.Now()
		g := newGuard(func(*http.Request, *Call, bool) (*Answer, error) {
			attempts++
			if attempts%4 == 0 { // so that the breaker stays closed
				return &Answer{Status: 200}, nil
			}
			return &Answer{Status: 503}, nil
		}, testOptions())
		const calls = 1000
		atOnce := 0
		for range calls {
			start := time.Now()
			if err := ask(t.Context(), g); err != nil {
				t.Fatal(err)
			}
			if time.Since(start) == 0 {
				atOnce++
			}
		}
		if extra := attempts - calls; extra > calls/10 || extra < calls/20 || atOnce < calls*9/10 {
			t.Errorf("%d retries in %v, %d calls without a wait", extra, time.Since(begun), atOnce)
		}
	})
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{statuses: []int{200}, start: time.Now()}
		o := testOptions()
		o.RatePerSecond = 2
		g := newGuard(s.attempt, o)
		for range 5 {
			if _, err := g.Send(get(t.Context()), &Call{}); err != nil {
				t.Fatal(err)
			}
		}
		perSecond := map[time.Duration]int{}
		for _, at := range s.at {
			perSecond[at.Truncate(time.Second)]++
		}
		for second, attempts := range perSecond {
			if attempts > 2 {
				t.Errorf("%d attempts in second %v", attempts, second)
			}
		}
	})
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for value, want := range map[string]time.Duration{
			"": 0, "5": 5 * time.Second, "0": 0, "-1": 0, "soon": 0, "99999999999": maxRetryAfter,
			"\t5": 5 * time.Second, "0.25": 250 * time.Millisecond, "1.5": 1500 * time.Millisecond, ".": 0, "1e3": 0, "Inf": 0, "NaN": 0, "0x10": 0,
			strings.Repeat("9", 400):                                   maxRetryAfter,
			time.Now().Add(time.Minute).UTC().Format(time.RFC850):      time.Minute,
			time.Now().Add(time.Minute).UTC().Format(time.ANSIC):       time.Minute,
			time.Now().Add(time.Minute).UTC().Format(http.TimeFormat):  time.Minute,
			time.Now().Add(-time.Minute).UTC().Format(http.TimeFormat): 0,
			time.Now().Add(time.Minute).Format(time.RFC1123Z):          time.Minute,
			time.Now().Add(time.Minute).UTC().Format(time.RFC1123):     time.Minute,
			time.Now().Add(time.Minute).Format(time.RFC3339):           time.Minute,
			time.Now().AddDate(9, 0, 0).UTC().Format(http.TimeFormat):  maxRetryAfter,
			"5, 7, 6": 7 * time.Second, "5, soon": 5 * time.Second, ",": 0, "+5": 0, "5s": 0,
		} {
			if got := RetryAfter(http.Header{"Retry-After": {value}}); got != want {
				t.Errorf("%q is %v, want %v", value, got, want)
			}
		}
	})
}

func TestRetryAfterInMilliseconds(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		header map[string]string
		want   time.Duration
	}{
		"Azure":         {map[string]string{"Retry-After-Ms": "1500"}, 1500 * time.Millisecond},
		"Cosmos":        {map[string]string{"X-Ms-Retry-After-Ms": "250"}, 250 * time.Millisecond},
		"fraction":      {map[string]string{"X-Ms-Retry-After-Ms": "0.5"}, 500 * time.Microsecond},
		"both":          {map[string]string{"Retry-After": "2", "Retry-After-Ms": "1600"}, 2 * time.Second},
		"rounded down":  {map[string]string{"Retry-After": "1", "X-Ms-Retry-After-Ms": "1900"}, 1900 * time.Millisecond},
		"one of two":    {map[string]string{"Retry-After": "soon", "Retry-After-Ms": "7"}, 7 * time.Millisecond},
		"over a day":    {map[string]string{"Retry-After-Ms": "1e9", "X-Ms-Retry-After-Ms": "99999999999"}, maxRetryAfter},
		"not a number":  {map[string]string{"Retry-After-Ms": "-5"}, 0},
		"in upper case": {map[string]string{"RETRY-AFTER-MS": "20"}, 20 * time.Millisecond},
	} {
		header := http.Header{}
		for key, value := range test.header {
			header.Set(key, value)
		}
		if got := RetryAfter(header); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}
