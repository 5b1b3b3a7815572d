package main

import (
	"fmt"
	"net/http"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// runTests has names resolved by the tests' own server, and fails if a goroutine is
// left when all tests are done.
func runTests(m *testing.M) int {
	complain := func(err error) int {
		_, _ = fmt.Fprintln(os.Stderr, err) // nowhere left to report to
		return 1
	}
	if err := names.open(); err != nil {
		return complain(err)
	}
	code := m.Run()
	names.close()
	http.DefaultClient.CloseIdleConnections()
	if err := goleak.Find(); code == 0 && err != nil {
		return complain(err)
	}
	return code
}
