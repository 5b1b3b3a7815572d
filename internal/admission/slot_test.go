package admission_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"leadgraph/internal/admission"
)

func (c *crowd) slot(caller string) *admission.Slot {
	c.t.Helper()
	c.ask(c.t.Context(), caller, 1)
	select {
	case slot := <-c.slots:
		return slot
	default:
		c.t.Fatal("no token")
		return nil
	}
}

// TestWhoWaitsHoldsNothing lets operations wait for the platform. Others get the
// token meanwhile, and those that come back go first.
func TestWhoWaitsHoldsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, one(time.Hour))
		slow := c.slot("slow")
		slow.Away()
		c.want(admission.State{}, "slow")
		quick := c.slot("quick")
		c.ask(t.Context(), "quick", 1)
		back := make(chan struct{})
		go func() {
			slow.Back(t.Context())
			close(back)
		}()
		synctest.Wait()
		c.want(admission.State{Running: 1, Waiting: 2}, "quick")
		quick.Release()
		<-back
		c.want(admission.State{Running: 1, Waiting: 1})
		slow.Release()
		synctest.Wait()
		c.want(admission.State{Running: 1}, "quick")
		c.finish(1, 0)
		slow.Release() // has no effect
		c.want(admission.State{})
	})
}

// TestOperationsThatBeginAreNotHeldUp lets a hundred operations go on together.
func TestOperationsThatBeginAreNotHeldUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, one(time.Hour))
		first := c.slot("a")
		for range 100 {
			go func() {
				section := first.Section()
				section.Enter(t.Context())
				section.Leave()
			}()
		}
		synctest.Wait()
		order := make(chan int, 2)
		go func() {
			slot, _ := c.door.Enter(t.Context(), "b")
			order <- c.door.State().Waiting
			slot.Release()
		}()
		synctest.Wait()
		first.Release()
		if left := <-order; left < 80 {
			t.Errorf("%d of 100 were still waiting", left)
		}
		synctest.Wait()
		c.order = nil
		c.want(admission.State{})
	})
}

// TestTokenIsHeldWhileAnyFieldComputes resolves two fields concurrently.
func TestTokenIsHeldWhileAnyFieldComputes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, one(time.Hour))
		slot := c.slot("a")
		running := func(want int) {
			t.Helper()
			if got := c.door.State().Running; got != want {
				t.Errorf("%d tokens are held, want %d", got, want)
			}
		}
		endA, endB := slot.Field(t.Context()), slot.Field(t.Context())
		slot.Away()
		running(1)
		slot.Away()
		running(0)
		endC := slot.Field(t.Context())
		running(1)
		endC()
		running(0)
		slot.Back(t.Context())
		running(1)
		endA()
		running(0) // the other one still waits
		slot.Back(t.Context())
		running(1)
		endB()
		running(1) // the operation itself goes on
		slot.Release()
		running(0)
	})
}

func TestTokenComesTooLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, one(time.Hour))
		slot := c.slot("a")
		slot.Away()
		other := c.slot("b")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		slot.Back(ctx)
		if ctx.Err() == nil {
			t.Error("it did not wait")
		}
		slot.Release()
		c.order = nil
		c.want(admission.State{Running: 1})
		other.Release()
		c.want(admission.State{})
	})
}

// get returns a request to the platform.
func get(ctx context.Context, t *testing.T) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://platform/", nil)
	if err != nil {
		t.Fatal(err)
	}
	return request
}

// wire answers with a body whose reads wait.
type wire struct{ reads chan struct{} }

func (w wire) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(w)}, nil
}

func (w wire) Read(p []byte) (int, error) {
	<-w.reads
	return len(p), nil
}

func TestAnswersOfThePlatformAreDecodedWithAToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, one(time.Hour))
		slot := c.slot("a")
		slot.Away()
		wire := wire{make(chan struct{})}
		request := get(admission.With(t.Context(), slot), t)
		answer, err := admission.Wrap(wire).RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
		running := func(want int) {
			t.Helper()
			if got := c.door.State().Running; got != want {
				t.Errorf("%d tokens are held, want %d", got, want)
			}
		}
		for range 3 {
			go func() { _, _ = answer.Body.Read(make([]byte, 1<<20)) }()
			synctest.Wait()
			running(0)
			wire.reads <- struct{}{}
			synctest.Wait()
			running(1)
		}
		if err := answer.Body.Close(); err != nil {
			t.Fatal(err)
		}
		running(0)
		slot.Release()
	})
}

// TestWaitingForACoreIsNotWaitingForThePlatform lets answers of the platform arrive that
// wait for a token. Others may still call: the platform is not what is slow.
func TestWaitingForACoreIsNotWaitingForThePlatform(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, admission.Options{InFlight: 4, Queue: 10, Wait: time.Hour, Tokens: 10})
		wire := wire{make(chan struct{})}
		var slots []*admission.Slot
		read := func(slot *admission.Slot) *http.Response {
			slots = append(slots, slot)
			calling, done := slot.Calling(admission.With(t.Context(), slot))
			t.Cleanup(done)
			request := get(calling, t)
			answer, err := admission.Wrap(wire).RoundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			go func() { _, _ = answer.Body.Read(make([]byte, 1<<20)) }()
			synctest.Wait()
			return answer
		}
		crowded := func(caller string) bool {
			slot := c.slot(caller)
			defer slot.Release()
			calling, done := slot.Calling(t.Context())
			defer done()
			<-time.After(time.Second)
			synctest.Wait()
			return calling.Err() != nil
		}
		var answers []*http.Response
		for range 3 {
			answers = append(answers, read(c.slot("a"))) //nolint:bodyclose // below
		}
		if !crowded("a") || crowded("b") {
			t.Error("three of four operations wait for the platform, and another one of their caller may, or one of another caller may not")
		}
		for range answers {
			wire.reads <- struct{}{}
			synctest.Wait()
		}
		if crowded("a") {
			t.Error("all answers have arrived, but no operation may call")
		}
		for _, answer := range answers {
			go func() { _, _ = answer.Body.Read(make([]byte, 1<<20)) }()
		}
		synctest.Wait()
		if !crowded("a") {
			t.Error("three of four operations wait for more of their answers, and another one may call")
		}
		for _, answer := range answers {
			wire.reads <- struct{}{}
			synctest.Wait()
			if err := answer.Body.Close(); err != nil {
				t.Error(err)
			}
		}
		for _, slot := range slots {
			slot.Release()
		}
	})
}

// TestShortAnswersArriveBeforeTheyAreDecoded has an answer of three pieces arrive while
// there is no token.
func TestShortAnswersArriveBeforeTheyAreDecoded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, one(time.Hour))
		slot := c.slot("a")
		slot.Away()
		other := c.slot("b")
		pieces := &pieces{"one ", "two ", "three"}
		request := get(admission.With(t.Context(), slot), t)
		answer, err := admission.Wrap(pieces).RoundTrip(request) //nolint:bodyclose // it is, where it is read
		if err != nil {
			t.Fatal(err)
		}
		got := make(chan string, 1)
		go func() {
			text, err := io.ReadAll(answer.Body)
			if err == nil {
				err = answer.Body.Close()
			}
			got <- fmt.Sprint(string(text), err)
		}()
		synctest.Wait()
		if len(*pieces) > 0 || len(got) > 0 {
			t.Errorf("%d pieces are left, %d were decoded without a token", len(*pieces), len(got))
		}
		other.Release()
		if text := <-got; text != "one two three<nil>" {
			t.Errorf("%q", text)
		}
		slot.Release()
	})
}

// pieces answers with a body that arrives in pieces.
type pieces []string

func (p *pieces) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(p)}, nil
}

func (p *pieces) Read(into []byte) (int, error) {
	if len(*p) == 0 {
		return 0, io.EOF
	}
	n := copy(into, (*p)[0])
	*p = (*p)[1:]
	return n, nil
}

// TestCrowdedCallsThatWereSentGoOn sends one of two calls within the time that they have.
func TestCrowdedCallsThatWereSentGoOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, admission.Options{InFlight: 1, Queue: 10, Wait: time.Hour, Tokens: 10})
		for _, sent := range []bool{true, false} {
			first, second := c.slot("a"), c.slot("b")
			_, done := first.Calling(t.Context())
			calling, end := second.Calling(admission.With(t.Context(), second))
			request := get(calling, t)
			if sent {
				answer, err := admission.Wrap(&pieces{}).RoundTrip(request)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = answer.Body.Close() }()
			}
			<-time.After(time.Minute)
			synctest.Wait()
			if ended := errors.Is(context.Cause(calling), admission.ErrCrowded); ended == sent {
				t.Errorf("sent: %t, ended: %t", sent, ended)
			}
			end()
			done()
			first.Release()
			second.Release()
		}
	})
}
