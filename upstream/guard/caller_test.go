package guard

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// house is a platform that answers each caller with a status of its own; 200 if it has
// none.
type house struct {
	statuses map[string]int
	header   http.Header
	calls    map[string]int
}

type callerKey struct{}

func newHouse(t *testing.T) (*house, func(name string) *Guard) {
	t.Helper()
	h := &house{statuses: map[string]int{}, calls: map[string]int{}}
	o := testOptions()
	o.Retries = 0
	callers := newGuard(h.attempt, o).Callers()
	guards := map[string]*Guard{}
	return h, func(name string) *Guard {
		if guards[name] == nil {
			guards[name] = callers.Guard(name)
		}
		return guards[name]
	}
}

func (h *house) attempt(req *http.Request, _ *Call, _ bool) (*Answer, error) {
	name := req.Context().Value(callerKey{}).(string)
	h.calls[name]++
	if status := h.statuses[name]; status != 0 {
		return &Answer{Status: status, Header: h.header}, nil
	}
	return &Answer{Status: http.StatusOK, Header: http.Header{}}, nil
}

// asked makes one call of a caller, who cannot wait.
func asked(t *testing.T, guards func(string) *Guard, name string) error {
	t.Helper()
	ctx := context.WithValue(t.Context(), callerKey{}, name)
	_, err := guards(name).Send(get(ctx), &Call{Kind: KindLead, AttemptTimeout: time.Second, Deadline: time.Now().Add(200 * time.Millisecond)})
	return err
}

// failForAll makes the platform fail for one call of each of many callers, "0" and so on.
func (h *house) failForAll(t *testing.T, guards func(string) *Guard) {
	t.Helper()
	for i := range 20 {
		name := fmt.Sprint(i)
		h.statuses[name] = 500
		_ = asked(t, guards, name)
	}
}

// What the platform answers to one caller stops this caller at most, also if another one
// fails now and then.
func TestOneCallersFailuresStopNobodyElse(t *testing.T) {
	t.Parallel()
	for _, status := range []int{401, 403, 408, 429, 500, 503} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h, guards := newHouse(t)
				h.header = seconds("30")
				h.statuses["one"] = status
				refused := 0
				for i := range 200 {
					if asked(t, guards, "one") != nil {
						refused++
					}
					h.statuses["other"] = 0
					if i%10 == 0 && status != 429 {
						h.statuses["other"] = status
					}
					if err := asked(t, guards, "other"); err != nil {
						t.Fatalf("another caller after %d calls: %v", i, err)
					}
				}
				for range 200 { // alone
					_ = asked(t, guards, "one")
				}
				if err := asked(t, guards, "new"); err != nil {
					t.Errorf("a new caller: %v", err)
				}
				if stopped := status == 408 || status >= 429; stopped != (refused > 150) {
					t.Errorf("the caller itself was refused %d times", refused)
				}
			})
		})
	}
}

// A platform that fails for several callers is left alone by all, although no single one
// has seen enough to know.
func TestFailuresOfSeveralCallersStopAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, guards := newHouse(t)
		h.failForAll(t, guards)
		if err := asked(t, guards, "new"); !isOpen(err) || h.calls["new"] != 0 {
			t.Errorf("a new caller: %v", err)
		}
	})
}

// The only caller that still fails does not keep the others out by taking every probe.
func TestOneCallerDoesNotTakeAllProbes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, guards := newHouse(t)
		h.failForAll(t, guards)
		clear(h.statuses)
		h.statuses["0"] = 500
		begun := time.Now()
		for answered := 0; answered < 10; {
			for range 50 {
				_ = asked(t, guards, "0")
			}
			if answered++; asked(t, guards, fmt.Sprint(1+answered%2)) != nil {
				answered = 0
			}
			if <-time.After(100 * time.Millisecond); time.Since(begun) > 10*time.Second {
				t.Fatal("the others are still refused after ten seconds")
			}
		}
	})
}

// A limit that several callers meet one after the other is one of the platform, and each
// call of another caller would meet it too. A success in between shows that it is not.
func TestLimitsOfSeveralCallersStopAll(t *testing.T) {
	t.Parallel()
	for between, stopped := range map[string]bool{"": true, "other": false} {
		synctest.Test(t, func(t *testing.T) {
			h, guards := newHouse(t)
			h.header = seconds("30")
			for i := range several {
				name := fmt.Sprint(i)
				h.statuses[name] = 429
				_ = asked(t, guards, name)
				if between != "" {
					_ = asked(t, guards, between)
				}
			}
			_ = asked(t, guards, "0") // its own gate is closed in any case
			left := closedFor(asked(t, guards, "new"))
			want := GateState{Limits: stopped, Refused: 1}
			if stopped {
				want.Refused++
			}
			if got := guards("new").caller.all.State().Gates[KindLead]; got != want {
				t.Errorf("with %q in between, %+v", between, got)
			}
			if (left > 25*time.Second) != stopped || (h.calls["new"] == 0) != stopped {
				t.Errorf("with %q in between, a new caller is refused for %v", between, left)
			}
			clear(h.statuses)
			<-time.After(time.Minute)
			for range 2 * gateOpen {
				for _, name := range []string{"0", "1", "new"} {
					if err := asked(t, guards, name); err != nil {
						t.Fatalf("after the wait: %v", err)
					}
				}
			}
			if guards("new").caller.all.gates.lead.limits.Load() {
				t.Error("the gate of all does not open")
			}
		})
	}
}

// The failures of one caller leave the retries of the others. Its own are a tenth of its
// calls at most, or three.
func TestOneCallersFailuresLeaveTheRetriesOfOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &house{statuses: map[string]int{"one": 503}, calls: map[string]int{}}
		callers := newGuard(h.attempt, testOptions()).Callers()
		one, other := callers.Guard("one"), callers.Guard("other")
		send := func(name string, g *Guard) {
			ctx := context.WithValue(t.Context(), callerKey{}, name)
			_, _ = g.Send(get(ctx), &Call{Kind: KindLead, AttemptTimeout: time.Second})
		}
		const calls = 10 // fewer than open the breaker
		for range calls {
			send("one", one)
		}
		if retries := h.calls["one"] - calls; retries != budgetFloor {
			t.Errorf("one caller had %d retries", retries)
		}
		h.statuses["other"] = 503
		if send("other", other); h.calls["other"] != 3 {
			t.Errorf("another caller had %d attempts", h.calls["other"])
		}
	})
}
