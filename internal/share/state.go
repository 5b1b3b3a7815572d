package share

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/rueidis"
)

var (
	// errUnreachable means that a step was not tried. The reason was logged already.
	errUnreachable = errors.New("shared state is not usable")
	// errRefused means that a step was not tried because the server refused the same
	// one a moment ago.
	errRefused = errors.New("shared state refuses this step")
	// errMoved means that the server was another one before it was reached.
	errMoved = errors.New("the URL of shared state has changed")
)

// state is what is known about the server.
type state uint8

const (
	untried     state = iota
	reachable         // it answers, though it may refuse single steps
	unreachable       // it does not answer
	refused           // it answers, but refuses everything
)

// The names of Condition.
const (
	Usable      = "usable"
	Refusing    = "refusing"
	Unreachable = "unreachable"
)

// Condition returns Usable, Refusing (the server answers, and refuses all or some of
// what is asked) or Unreachable. It stays Refusing until what was refused has worked.
func (s *Store) Condition() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.state == unreachable:
		return Unreachable
	case s.state == refused || len(s.refusals) > 0 || s.scriptless.Load():
		return Refusing
	}
	return Usable
}

// Lost reports whether the server cannot be reached.
func (s *Store) Lost() bool { return s.Condition() == Unreachable }

// mark records whether the server can be used, and logs changes.
func (s *Store) mark(err error) {
	now := reachable
	switch {
	case err == nil:
	case codeOf(err) != "":
		now = refused
	default:
		now = unreachable
	}
	s.mu.Lock()
	before := s.state
	s.state = now
	if now == reachable && before != reachable {
		s.scriptless.Store(false) // it may be another server
	}
	s.mu.Unlock()
	if before == now || s.life.Err() != nil {
		return
	}
	switch now {
	case reachable:
		s.opts.Logger.Info("shared state is reachable")
	case refused:
		s.opts.Logger.Warn("shared state refuses this client; continuing without it", slog.Any("error", err))
	default:
		s.opts.Logger.Warn("shared state is unreachable; continuing without it", slog.Any("error", err))
	}
	if before == reachable {
		select {
		case s.lost <- struct{}{}:
		default: // the supervisor has not received the last one yet
		}
	}
}

const wrongType = "WRONGTYPE"

// codeOf returns the first word of an error with which the server answered, such as
// NOPERM. It is empty for other errors.
func codeOf(err error) string {
	answer, ok := errors.AsType[*rueidis.RedisError](err)
	if !ok || answer.IsNil() {
		return ""
	}
	code, _, _ := strings.Cut(answer.Error(), " ")
	return code
}

// refusesAll reports whether a server that answers with the code refuses everything.
// Any error during connecting has the same effect.
func refusesAll(code string) bool {
	switch code {
	case "NOAUTH", "WRONGPASS", "LOADING", "BUSY", "DENIED":
		return true
	}
	return false
}

// refusedPause is the mean pause before a refused step is tried again.
const refusedPause = 10 * time.Second

// judge records the result of a step. The server may refuse single ones: it forbids
// the command (NOPERM), is full (OOM) or read-only (READONLY). The others go on.
func (s *Store) judge(step string, err error) {
	code := codeOf(err)
	switch {
	case err == nil || rueidis.IsRedisNil(err):
		s.mu.Lock()
		_, was := s.refusals[step]
		delete(s.refusals, step)
		s.mu.Unlock()
		if was {
			s.opts.Logger.Info("shared state accepts this step again", slog.String("step", step))
		}
	case code == wrongType: // of one key
	case code == "" || refusesAll(code):
		s.mark(err)
	default:
		s.mu.Lock()
		_, was := s.refusals[step]
		s.refusals[step] = time.Now().Add(jittered(refusedPause))
		s.mu.Unlock()
		if !was {
			s.opts.Logger.Warn("shared state refuses a step; continuing without it", slog.String("step", step), slog.Any("error", err))
		}
	}
}

// attemptAs runs one step with the server if the server can be reached and has not just
// refused a step of the same name. It returns within Options.Bound. The step may then
// still be running, so it must not write to anything that the caller reads.
//
// The step does not use the caller's context, because canceling a command breaks
// the connection.
func attemptAs[T any](s *Store, name string, step func(context.Context, rueidis.Client) (T, error)) (T, error) {
	var none T
	client, err := s.reached(name)
	if err != nil {
		return none, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.opts.Bound)
	defer cancel()
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		defer s.steps.Done()
		value, err := step(ctx, client)
		done <- result{value, err}
	}()
	var got result
	select {
	case got = <-done:
	case <-ctx.Done():
		got.err = ctx.Err()
	}
	s.judge(name, got.err)
	return got.value, got.err
}

// doubts limits the lines about values that cannot be used, which anybody who can
// write to the server can cause at will.
type doubts struct {
	mu     sync.Mutex
	total  uint64
	silent uint64
	next   time.Time
	sealed sync.Once // for the warning about a wrong key
}

// doubtPause is the pause between two lines about unusable values.
const doubtPause = 10 * time.Second

// Rejected returns how many shared values could not be used.
func (s *Store) Rejected() uint64 {
	s.doubts.mu.Lock()
	defer s.doubts.mu.Unlock()
	return s.doubts.total
}

// unusable reports whether a shared value is the reason of an error, and not the state of the
// server.
func unusable(err error) bool {
	return slices.ContainsFunc([]error{errSealed, errFormat, errChunks, errTooLarge, errHead, errLead, errStep, errDocument}, func(kind error) bool {
		return errors.Is(err, kind)
	})
}

// complain counts and logs a shared value that cannot be used. It does nothing if the
// reason is the state of the server.
func (s *Store) complain(err error) {
	if !unusable(err) || errors.Is(err, errStep) { // a revision may have been removed
		return
	}
	d := &s.doubts
	if errors.Is(err, errSealed) {
		d.sealed.Do(func() {
			s.opts.Logger.Warn("shared state cannot be decrypted; the key must be the same in all replicas")
		})
	}
	d.mu.Lock()
	d.total++
	now := time.Now()
	if now.Before(d.next) || errors.Is(err, errSealed) {
		d.silent++
		d.mu.Unlock()
		return
	}
	others := d.silent
	d.silent, d.next = 0, now.Add(doubtPause)
	d.mu.Unlock()
	s.opts.Logger.Warn("a shared value cannot be used", slog.Any("error", err), slog.Uint64("more", others))
}
