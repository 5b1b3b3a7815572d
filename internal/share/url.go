package share

import (
	"errors"
	"net"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"leadgraph/internal/loopback"
)

// errURL does not repeat the URL, which may contain a password.
var errURL = errors.New("must have the form redis://HOST:PORT/DB")

// CheckURL returns an error for a text that is not the URL of a server.
func CheckURL(text string) error {
	_, err := parseURL(text)
	return err
}

func parseURL(text string) (rueidis.ClientOption, error) {
	dial, err := rueidis.ParseURL(text)
	if err != nil {
		return dial, errURL
	}
	for _, address := range dial.InitAddress {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			continue // a socket
		}
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return dial, errURL
		}
	}
	return dial, nil
}

// dialTo returns how to connect to the server of a URL.
func dialTo(text string) (rueidis.ClientOption, error) {
	dial, err := parseURL(text)
	if err != nil {
		return dial, errors.New("the URL of the shared state " + err.Error())
	}
	dial.DisableCache = true // no value is read twice
	dial.DisableRetry = true // a failed step is skipped instead
	// With a single connection, its success means that no other one is broken.
	dial.PipelineMultiplex = -1
	if dial.Dialer.Timeout == 0 {
		dial.Dialer.Timeout = reachTimeout
	}
	if dial.ConnWriteTimeout == 0 {
		dial.ConnWriteTimeout = reachTimeout
	}
	return dial, nil
}

// IsLocal reports whether all hosts of a URL are this machine, so that no network lies
// between. It is false for a malformed URL.
func IsLocal(text string) bool {
	dial, err := rueidis.ParseURL(text)
	if err != nil {
		return false
	}
	for _, address := range dial.InitAddress {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			host = "" // a socket
		}
		if host != "" && !loopback.Is(host) {
			return false
		}
	}
	return true
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
