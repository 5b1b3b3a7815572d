package transport

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// subscribe starts an operation. It returns false if it closed the connection.
func (s *socket) subscribe(ctx context.Context, m message) bool {
	params, err := decodeParams(m.Payload)
	if err != nil || m.ID == "" {
		s.close(closeBadMessage, "Invalid message")
		return false
	}
	params.Headers = s.header
	ctx, err = s.add(ctx, m.ID)
	switch {
	case errors.Is(err, errLeaving):
		return true // when the connection closes, the client sends it to another server
	case err != nil:
		s.close(closeSameID, "Subscriber already exists")
		return false
	}
	ctx = s.begin(ctx, time.Now())
	if !s.limits.operations.Allow() {
		s.fail(ctx, m.ID, overloaded(ctx, s.exec, time.Second))
		s.queries.Done()
		return true
	}
	select {
	case s.slots <- struct{}{}:
		s.running.Go(func() {
			defer func() { <-s.slots }()
			s.operate(ctx, m.ID, params)
		})
	default:
		s.fail(ctx, m.ID, refuse(ctx, s.exec, "Too many operations are running on this connection."))
		s.queries.Done()
	}
	return true
}

// operate runs an operation in one of the slots.
func (s *socket) operate(ctx context.Context, id string, params *operationParams) {
	ended := sync.OnceFunc(s.queries.Done)
	defer ended()
	defer func() { // net/http does not recover panics in this goroutine
		if value := recover(); value != nil {
			s.fail(ctx, id, s.exec.DispatchError(ctx, gqlerror.List{gqlerror.WrapPath(nil, s.Recover(ctx, value))}))
		}
	}()
	ctx, slot, retryAfter := s.enter(ctx)
	if retryAfter > 0 {
		s.fail(ctx, id, overloaded(ctx, s.exec, retryAfter))
		return
	}
	defer slot.Release()
	op, errs := s.create(ctx, s.exec, params)
	if errs != nil {
		s.fail(ctx, id, s.exec.DispatchError(graphql.WithOperationContext(ctx, op), errs))
		return
	}
	if retryAfter := s.reserve(ctx, s.weigh(op)); retryAfter > 0 {
		s.fail(ctx, id, overloaded(ctx, s.exec, retryAfter))
		return
	}
	bounded, cancel := s.withBudget(ctx, op)
	defer cancel()
	next, _ := run(bounded, s.exec, op)
	if op.Operation.Operation == ast.Subscription {
		slot.Release() // a subscription mostly waits
		ended()
	}
	size := 0
	for response := next(); response != nil && ctx.Err() == nil; response = next() {
		errs = response.Errors
		text := encode(response)
		slot.Unload()
		slot.Away() // the client may take its time
		size += s.send(ctx, "next", id, text)
		slot.Back(ctx)
	}
	if s.forget(ctx, id) {
		s.send(ctx, "complete", id, nil)
	}
	s.done(ctx, op.Operation, http.StatusOK, errs, size)
}

// fail ends an operation that was not executed.
func (s *socket) fail(ctx context.Context, id string, response *graphql.Response) {
	size := 0
	if s.forget(ctx, id) {
		text, err := json.Marshal(response.Errors)
		if err != nil { // only our own values get here
			panic(err)
		}
		size = s.send(ctx, "error", id, text)
	}
	s.done(ctx, nil, http.StatusOK, response.Errors, size)
}

var (
	errSameID  = errors.New("the id is already in use")
	errLeaving = errors.New("the server is shutting down")
)

// add gives an operation its context and counts it among the queries.
func (s *socket) add(ctx context.Context, id string) (context.Context, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leaving {
		return ctx, errLeaving
	}
	if _, taken := s.active[id]; taken {
		return ctx, errSameID
	}
	s.queries.Add(1)
	ctx, s.active[id] = context.WithCancel(ctx)
	return ctx, nil
}

// forget ends an operation. It returns false if the client has ended it: the
// client may use the id again and must not get any more messages about it.
func (s *socket) forget(ctx context.Context, id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		return false
	}
	s.active[id]()
	delete(s.active, id)
	return true
}

// complete ends an operation for the client.
func (s *socket) complete(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cancel, running := s.active[id]; running {
		cancel()
		delete(s.active, id)
	}
}
