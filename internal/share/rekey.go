package share

import (
	"fmt"
	"sync"
	"time"
)

func (s *Store) vault() vault { return *s.vaults.Load() }

// Rekey replaces Options.Key. Values that were stored with the former key are then not
// used and are overwritten. If there was no key before, or there is none now, Rekey returns
// an error and changes nothing: whether values are believed is decided at the start.
func (s *Store) Rekey(key []byte) error {
	next, err := newVault(key)
	if err == nil && (next.aead == nil) != (s.vault().aead == nil) {
		err = errKeyNeeded
	}
	if err != nil {
		return fmt.Errorf("the key of the shared state: %w", err)
	}
	s.vaults.Store(&next)
	s.doubts.mu.Lock()
	s.doubts.sealed = sync.Once{} // replicas that still have the former key are worth a warning
	s.doubts.mu.Unlock()
	return nil
}

// Move replaces Options.URL, for example because the password has changed. It returns
// without waiting for the server. Steps that have begun end on the former connection.
func (s *Store) Move(url string) error {
	dial, err := dialTo(url)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.life.Err() != nil {
		return nil
	}
	former := s.connection
	s.dial, s.connection, s.state = dial, nil, untried
	s.moves++
	clear(s.refusals)
	select {
	case s.moved <- struct{}{}:
	default: // the supervisor has not noticed the last change yet
	}
	if former == nil {
		return nil
	}
	s.work.Go(func() {
		select {
		case <-time.After(s.opts.Bound): // no step lasts longer
		case <-s.life.Done():
		}
		former.Close()
	})
	return nil
}
